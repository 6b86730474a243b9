#include "io/epoll_request.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <climits>

namespace io {
namespace {

using Kind = EpollKind;
using Request = EpollRequest;

// A pipe that is ready for writing takes at least this much without blocking (PIPE_BUF, man 7
// pipe).
constexpr std::size_t kPipeBytes = PIPE_BUF;

std::int64_t or_errno(std::int64_t result) { return result < 0 ? -errno : result; }

// True when a call on a descriptor that may be blocking would not block.
bool ready(Handle handle, short events) {
  pollfd query{.fd = handle, .events = events, .revents = 0};
  return ::poll(&query, 1, 0) > 0;
}

std::int64_t attempt_receive(const Request& request) {
  const std::int64_t got =
      or_errno(::recv(request.handle, request.buffer(), request.bytes, MSG_DONTWAIT));
  if (got != -ENOTSOCK) return got;
  if (!ready(request.handle, POLLIN)) return kNotYet;
  return or_errno(::read(request.handle, request.buffer(), request.bytes));
}

// One transfer of a send or of a write to something that is not a regular file.
std::int64_t attempt_part(const Request& request) {
  std::array<iovec, 64> vectors;
  if (request.kind == Kind::send) {
    msghdr header{};
    header.msg_iov = vectors.data();
    header.msg_iovlen = request.gather.fill(vectors, kTransferBytesMax);
    const std::int64_t sent =
        or_errno(::sendmsg(request.handle, &header, MSG_DONTWAIT | MSG_NOSIGNAL));
    if (sent != -ENOTSOCK) return sent;
  }
  if (!ready(request.handle, POLLOUT)) return kNotYet;
  const std::size_t count = request.gather.fill(vectors, kPipeBytes);
  return or_errno(::writev(request.handle, vectors.data(), static_cast<int>(count)));
}

std::int64_t attempt_gather(Request& request) {
  while (!request.gather.done()) {
    const std::int64_t part = attempt_part(request);
    if (part == -EINTR) continue;
    if (part < 0) return part;
    if (part == 0) return -EIO;  // no error and no progress: must not happen, must not spin
    request.gather.advance(static_cast<std::uint64_t>(part));
  }
  return static_cast<std::int64_t>(request.gather.written_bytes());
}

std::int64_t attempt_accept(const Request& request) {
  if (!ready(request.handle, POLLIN)) return kNotYet;
  return or_errno(::accept4(request.handle, nullptr, nullptr, SOCK_CLOEXEC));
}

std::int64_t attempt_connect(Request& request) {
  if (request.connecting) {
    if (!ready(request.handle, POLLOUT)) return kNotYet;
    int error = 0;
    socklen_t bytes = sizeof error;
    const int result = ::getsockopt(request.handle, SOL_SOCKET, SO_ERROR, &error, &bytes);
    return result < 0 ? -errno : -error;
  }
  const int flags = ::fcntl(request.handle, F_GETFL);
  if (flags < 0) return -errno;
  ::fcntl(request.handle, F_SETFL, flags | O_NONBLOCK);
  const std::int64_t result =
      or_errno(::connect(request.handle, static_cast<const sockaddr*>(request.data),
                         static_cast<socklen_t>(request.bytes)));
  ::fcntl(request.handle, F_SETFL, flags);
  if (result != -EINPROGRESS && result != -EINTR) return result;
  request.connecting = true;
  return kNotYet;
}

}  // namespace

std::int64_t read_from_memory(Handle handle, std::span<char> into, std::uint64_t offset) {
  const iovec vector{.iov_base = into.data(), .iov_len = into.size()};
  while (true) {
    const std::int64_t got =
        or_errno(::preadv2(handle, &vector, 1, static_cast<off_t>(offset), RWF_NOWAIT));
    // File system, kernel or sandbox do not know RWF_NOWAIT.
    if (got == -EOPNOTSUPP || got == -ENOSYS || got == -EPERM) return kNotYet;
    if (got != -EINTR) return got;
  }
}

std::int64_t attempt(Request& request) {
  std::int64_t result = -EINTR;
  while (result == -EINTR) {
    switch (request.kind) {
      case Kind::receive:
        result = attempt_receive(request);
        break;
      case Kind::send:
      case Kind::write_stream:
        result = attempt_gather(request);
        break;
      case Kind::accept:
        result = attempt_accept(request);
        break;
      case Kind::connect:
        result = attempt_connect(request);
        break;
    }
  }
  return result;
}

}  // namespace io
