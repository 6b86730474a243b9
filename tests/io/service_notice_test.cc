#include "io/service_notice.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "tests/test.h"

TEST_CASE("service notice: is one datagram to the socket that was named", "[io][service_notice]") {
  std::string directory = "/tmp/tailrace-notice-XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/notify";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const auto received = [socket] {
    std::array<char, 256> buffer{};
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    return size < 0 ? std::string("nothing")
                    : std::string(buffer.data(), static_cast<std::size_t>(size));
  };

  ::unsetenv("NOTIFY_SOCKET");
  io::notify_service("READY=1\n");
  CHECK(received() == "nothing");
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  io::notify_service("READY=1\n");
  CHECK(received() == "READY=1\n");
  io::notify_service(io::reloading_notice(base::Instant(std::chrono::microseconds(1234567))));
  CHECK(received() == "RELOADING=1\nMONOTONIC_USEC=1234567\n");
  ::setenv("NOTIFY_SOCKET", "vsock:1", 1);  // no place for us
  io::notify_service("READY=1\n");
  CHECK(received() == "nothing");
  ::unsetenv("NOTIFY_SOCKET");
  ::close(socket);
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}

TEST_CASE("service notice: waits for a manager that has many to read", "[io][service_notice]") {
  std::string directory = "/tmp/tailrace-notice-XXXXXX";
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string path = directory + "/notify";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const auto* const at = reinterpret_cast<const sockaddr*>(&address);
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  REQUIRE(::bind(socket, at, sizeof address) == 0);
  const int other = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  std::size_t full = 0;
  while (::sendto(other, "x", 1, 0, at, sizeof address) == 1) ++full;
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  std::atomic<bool> told = false;
  std::jthread teller([&told] {
    io::notify_service("READY=1\n");
    told = true;
  });
  for (int i = 0; i < 100 && !told; ++i) ::poll(nullptr, 0, 1);  // likely, it waits by then
  std::array<char, 256> buffer{};
  for (; full > 0; --full) REQUIRE(::recv(socket, buffer.data(), buffer.size(), 0) == 1);
  teller.join();
  CHECK(::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT) == 8);
  ::unsetenv("NOTIFY_SOCKET");
  ::close(other);
  ::close(socket);
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}
