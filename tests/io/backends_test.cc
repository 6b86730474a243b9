#include "io/backends.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
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

// From here on this process, if it is not root, starts no thread.
bool deny_threads() {
  // A user of its own: root has no limit, and the limit counts all of a user's processes.
  if (::geteuid() == 0 && ::setresuid(64'999, 64'999, 64'999) != 0) return false;
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  return ::setrlimit(RLIMIT_NPROC, &none) == 0;
}

// The kernel's threads that work for a ring of this process.
std::ptrdiff_t workers() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return std::count_if(begin(threads), end(threads), [](const auto& thread) {
    std::string name;
    std::getline(std::ifstream(thread.path() / "comm"), name);
    return name.starts_with("iou-wrk");
  });
}

// A long write, a sync, and a read that must go to the disk.
bool write_sync_read(io::Io& io, io::Handle file, const std::string& text, std::uint64_t offset) {
  const std::string_view piece = text;
  io_test::Call written;
  io.write(written.operation, file, std::span(&piece, 1), offset);
  if (io_test::finish(io, written) != static_cast<std::int64_t>(text.size())) return false;
  io_test::Call synced;
  io.sync(synced.operation, file);
  if (io_test::finish(io, synced) != 0) return false;
  if (::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0) return false;
  std::string back(text.size(), '\0');
  std::size_t bytes = 0;
  while (bytes < back.size()) {
    io_test::Call got;
    io.read(got.operation, file, std::span(back).subspan(bytes), offset + bytes);
    const std::int64_t part = io_test::finish(io, got);
    if (part <= 0) return false;
    bytes += static_cast<std::size_t>(part);
  }
  return back == text;
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

TEST_CASE("backends: files are opened, written, synced and read where no thread can be started",
          "[io][backends]") {
  const io::Backend backend = GENERATE(io::Backend::io_uring, io::Backend::epoll);
  const io_test::ScratchDirectory directory;
  const std::string path = directory.path() + "/file";
  std::filesystem::permissions(directory.path(), std::filesystem::perms(0777));
  CHECK(in_child([&] {
          ::alarm(60);  // a call that is never answered
          if (!deny_threads()) return 1;
          Lines lines;
          const auto made = io::make_io(backend, lines.log);
          if (!made) return 2;
          io::Io& io = **made;
          io_test::Call opened;
          io.open(opened.operation, path.c_str(), io::Open::create_new);
          const auto file = static_cast<io::Handle>(io_test::finish(io, opened));
          if (file < 0) return 3;
          const std::string text(600'000, 'x');
          for (std::uint64_t i = 0; i < 20; ++i) {
            if (!write_sync_read(io, file, text, 5 + i * text.size())) return 4;
          }
          return workers() == 0 ? 0 : 5;
        }) == 0);
  CHECK(std::filesystem::file_size(path) == 5 + 20 * 600'000);
}

TEST_CASE("backends: the ring's own worker threads are not needed", "[io][backends]") {
  const io_test::ScratchDirectory directory;
  Lines lines;
  const auto io = io::make_io(io::Backend::io_uring, lines.log).value();
  io_test::Call opened;
  const std::string path = directory.path() + "/file";
  io->open(opened.operation, path.c_str(), io::Open::create_new);
  const auto file = static_cast<io::Handle>(io_test::finish(*io, opened));
  REQUIRE(file >= 0);
  const std::string text(600'000, 'x');
  for (std::uint64_t i = 0; i < 20; ++i) {
    CHECK(write_sync_read(*io, file, text, i * text.size()));
    CHECK(workers() == 0);
  }
  ::close(file);
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
