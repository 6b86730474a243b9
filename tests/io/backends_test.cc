#include "io/backends.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>

#include "tests/io/contract.h"
#include "tests/io/real_world.h"
#include "tests/test.h"

namespace {

// From here on this process gets `reason` from io_uring_setup, as in many containers.
bool deny_the_ring(int reason) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(reason)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = std::size(program), .filter = program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// Runs `body` in a child and returns what it returned (0 … 255).
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

struct Lines {
  std::string text;
  base::Log log{{.owner = this,
                 .write = [](void* self, base::LogLevel,
                             std::string_view line) { static_cast<Lines*>(self)->text += line; },
                 .now_us = [](void*) -> std::int64_t { return 0; }}};
  std::ptrdiff_t count() const { return std::count(text.begin(), text.end(), '\n'); }
};

}  // namespace

TEST_CASE("backends: the one asked for is made, without a word", "[io][backends]") {
  Lines lines;
  CHECK(std::string_view(io::make_io(io::Backend::io_uring, lines.log).value()->name()) ==
        "io_uring");
  CHECK(std::string_view(io::make_io(io::Backend::automatic, lines.log).value()->name()) ==
        "io_uring");
  CHECK(std::string_view(io::make_io(io::Backend::epoll, lines.log).value()->name()) == "epoll");
  CHECK(io::choose_backend(io::Backend::automatic, lines.log) == io::Backend::io_uring);
  CHECK(lines.text.empty());
}

TEST_CASE("backends: automatic falls back to epoll with one notice when the ring is denied",
          "[io][backends]") {
  const int reason = GENERATE(EPERM, ENOSYS, ENOMEM, EINVAL);
  CAPTURE(reason);
  // The child tells by its exit code which expectation failed.
  CHECK(in_child([&] {
          if (!deny_the_ring(reason)) return 1;
          Lines lines;
          const auto made = io::make_io(io::Backend::automatic, lines.log);
          if (!made) return 2;
          if (std::string_view((*made)->name()) != "epoll") return 3;
          if (lines.count() != 1) return 4;
          if (lines.text.find("io_uring is not available") == std::string::npos) return 5;
          if (lines.text.find(std::strerror(reason)) == std::string::npos) return 6;
          return 0;
        }) == 0);
}

TEST_CASE("backends: the choice is made once, with the only notice", "[io][backends]") {
  CHECK(in_child([] {
          if (!deny_the_ring(EPERM)) return 1;
          Lines lines;
          if (io::choose_backend(io::Backend::automatic, lines.log) != io::Backend::epoll) return 2;
          if (lines.count() != 1) return 3;
          if (!io::make_io(io::Backend::epoll, lines.log)) return 4;
          return lines.count() == 1 ? 0 : 5;
        }) == 0);
}

TEST_CASE("backends: a ring that was insisted on is an error when denied", "[io][backends]") {
  CHECK(in_child([] {
          if (!deny_the_ring(EPERM)) return 1;
          Lines lines;
          const auto made = io::make_io(io::Backend::io_uring, lines.log);
          if (made) return 2;
          if (made.error().system != EPERM) return 3;
          return lines.text.empty() ? 0 : 4;
        }) == 0);
}

TEST_CASE("backends: another failure than denial is not hidden", "[io][backends]") {
  CHECK(in_child([] {
          if (!deny_the_ring(EMFILE)) return 1;
          Lines lines;
          const auto made = io::make_io(io::Backend::automatic, lines.log);
          return !made && made.error().system == EMFILE ? 0 : 2;
        }) == 0);
}
