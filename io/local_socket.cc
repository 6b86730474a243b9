#include "io/local_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace io {

namespace {

timeval timeval_of(base::Duration duration) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return {.tv_sec = micros / 1'000'000, .tv_usec = micros % 1'000'000};
}

// A sockaddr for `path`, and the directory descriptor a long path is reached through (or -1).
struct LocalAddress {
  sockaddr_un address{};
  int directory = -1;

  LocalAddress() = default;
  LocalAddress(LocalAddress&& other) noexcept
      : address(other.address), directory(std::exchange(other.directory, -1)) {}
  LocalAddress& operator=(LocalAddress&&) = delete;
  ~LocalAddress() {
    if (directory >= 0) ::close(directory);
  }
};

base::Result<LocalAddress> address_of(const std::string& path) {
  LocalAddress result;
  result.address.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof result.address.sun_path) {
    const std::size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    result.directory = ::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (result.directory < 0) return base::fail_system(errno, "open " + parent);
    name = "/proc/self/fd/" + std::to_string(result.directory) + "/" +
           path.substr(slash == std::string::npos ? 0 : slash + 1);
    if (name.size() >= sizeof result.address.sun_path) {
      return base::fail(base::ErrorCode::invalid, "socket name too long: " + path);
    }
  }
  std::memcpy(result.address.sun_path, name.data(), name.size());
  return result;
}

// 0, or errno. Whoever listens and accepts nobody lets connect() wait once its queue is full:
// EAGAIN after `patience`. A signal interrupts it (with a time limit whatever its handler says; a
// ring's completions count as signals too), and it asks again for as long as is left.
int connect_within(Handle socket, const sockaddr_un& address, base::Duration patience) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + patience;
  const auto* at = reinterpret_cast<const sockaddr*>(&address);
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::microseconds>(deadline - Clock::now());
    if (left <= Clock::duration::zero()) return EAGAIN;
    const timeval limit = timeval_of(left);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket, at, sizeof address) == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

}  // namespace

base::Result<Handle> listen_local(const std::string& path) {
  const LocalAddress at = TRY(address_of(path));
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return base::fail_system(errno, "socket");
  ::unlink(at.address.sun_path);
  constexpr int kBacklog = 64;
  const auto* address = reinterpret_cast<const sockaddr*>(&at.address);
  if (::bind(socket, address, sizeof at.address) != 0 || ::listen(socket, kBacklog) != 0) {
    const int error = errno;
    ::close(socket);
    return base::fail_system(error, "listen on " + path);
  }
  return socket;
}

base::Result<Handle> connect_local(const std::string& path, base::Duration patience) {
  const LocalAddress at = TRY(address_of(path));
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return base::fail_system(errno, "socket");
  if (const int error = connect_within(socket, at.address, patience); error != 0) {
    ::close(socket);
    if (error == ENOENT || error == ECONNREFUSED) {
      return base::fail(base::ErrorCode::not_found, "nobody listens on " + path);
    }
    if (error == EAGAIN) {
      return base::fail(base::ErrorCode::limit, "nobody accepts on " + path);
    }
    return base::fail_system(error, "connect to " + path);
  }
  return socket;
}

base::Result<std::string> ask_local(Handle socket, std::string_view request,
                                    std::size_t answer_bytes_max, base::Duration patience,
                                    RequestEnd end) {
  base::Result<std::string> answer;
  const timeval limit = timeval_of(patience);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  while (answer && !request.empty()) {
    const ssize_t sent = ::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      request.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EINTR) {
      answer = base::fail_system(errno, "send to the daemon");
    }
  }
  if (answer && end == RequestEnd::said) ::shutdown(socket, SHUT_WR);
  char buffer[4096];
  while (answer) {
    const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
    if (got == 0) break;
    if (got > 0) {
      answer->append(buffer, static_cast<std::size_t>(got));
      if (answer->size() > answer_bytes_max) {
        answer = base::fail(base::ErrorCode::limit, "the daemon's answer is too long");
      }
    } else if (errno != EINTR) {
      answer = errno == EAGAIN ? base::fail(base::ErrorCode::limit, "the daemon does not answer")
                               : base::fail_system(errno, "receive from the daemon");
    }
  }
  ::close(socket);
  return answer;
}

}  // namespace io
