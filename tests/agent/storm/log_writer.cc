#include "tests/agent/storm/log_writer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>
#include <utility>

#include "tests/agent/storm/storm_line.h"

namespace storm {

namespace {

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  ::_exit(1);
}

volatile std::sig_atomic_t signalled = 0;

// Reads and writes it interrupts are begun again. Not std::signal(): a sanitizer's leaves that out.
void count_signals() {
  struct sigaction action{};
  action.sa_handler = [](int) { signalled = signalled + 1; };
  action.sa_flags = SA_RESTART;
  if (::sigaction(SIGUSR1, &action, nullptr) != 0) give_up("storm writer: sigaction");
}

// What the forked process does.
class WriterLoop {
 public:
  WriterLoop(const WriterOptions& options, WriterState& state, int permits)
      : options_(options), state_(state), permits_(permits), random_(options.seed) {}

  void run() {
    open();
    while (line_.sequence < options_.lines) {
      std::uint64_t allowed = 0;
      const ssize_t bytes = ::read(permits_, &allowed, sizeof(allowed));
      if (bytes == 0) ::_exit(0);  // the storm is gone
      if (bytes != sizeof(allowed)) give_up("storm writer: permission");
      if (moved_away()) reopen();
      const std::uint64_t end = std::min(options_.lines, line_.sequence + allowed);
      while (line_.sequence < end) write_some(end);
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::string path(std::uint32_t age) const {
    std::string text = options_.directory + "/app-" + std::to_string(options_.writer) + ".log";
    return age == 0 ? text : text + "." + std::to_string(age);
  }

  void open() {
    const int exclusive = options_.reopen == Reopen::rotates ? O_EXCL : 0;
    file_ = ::open(path(0).c_str(), O_WRONLY | O_CREAT | exclusive | O_APPEND | O_CLOEXEC, 0644);
    if (file_ < 0) give_up("storm writer: open");
    opened_ = Clock::now();
    first_ = line_.sequence;
    state_.begins.store(first_, std::memory_order_relaxed);
  }

  // Some lines in one write, or one line in two: readers must cope with half a line.
  void write_some(std::uint64_t end) {
    if (due()) rotate();
    if (moved_away()) reopen();
    const std::uint64_t count = std::min<std::uint64_t>(end - line_.sequence, 1 + random_() % 64);
    buffer_.clear();
    for (std::uint64_t i = 0; i < count; ++i, ++line_.sequence) {
      append_line(line_, 60 + random_() % 100, buffer_);
    }
    const std::size_t cut = random_() % 4 == 0 ? random_() % buffer_.size() : buffer_.size();
    put(std::string_view(buffer_).substr(0, cut));
    put(std::string_view(buffer_).substr(cut));
    state_.written.store(line_.sequence, std::memory_order_relaxed);
  }

  void put(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(file_, bytes.data(), bytes.size());
      if (written <= 0) give_up("storm writer: write");
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  bool due() const {
    if (options_.reopen != Reopen::rotates) return false;
    if (line_.sequence == first_ || Clock::now() - opened_ < options_.rotate) return false;
    return !options_.rotate_seen_only || state_.seen.load(std::memory_order_relaxed) > first_;
  }

  void rotate() {
    for (std::uint32_t age = line_.generation + 1; age > 0; --age) {
      if (::rename(path(age - 1).c_str(), path(age).c_str()) != 0) give_up("storm writer: rename");
    }
    reopen();
  }

  // Somebody else rotated.
  bool moved_away() {
    if (options_.reopen == Reopen::signalled) return std::exchange(told_, signalled) != signalled;
    if (options_.reopen != Reopen::moved) return false;
    struct stat mine{}, there{};
    return ::fstat(file_, &mine) != 0 || ::stat(path(0).c_str(), &there) != 0 ||
           mine.st_ino != there.st_ino;
  }

  void reopen() {
    ::close(file_);
    ++line_.generation;
    open();
    state_.rotations.fetch_add(1, std::memory_order_relaxed);
  }

  const WriterOptions& options_;
  WriterState& state_;
  int permits_;
  std::mt19937_64 random_;
  StormLine line_{.writer = options_.writer};
  std::uint64_t first_ = 0;  // of the current file
  int file_ = -1;
  std::sig_atomic_t told_ = 0;
  Clock::time_point opened_;
  std::string buffer_;
};

}  // namespace

LogWriter::LogWriter(const WriterOptions& options) {
  void* const memory = ::mmap(nullptr, sizeof(WriterState), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int ends[2];
  if (memory == MAP_FAILED || ::pipe2(ends, O_CLOEXEC) != 0) give_up("storm: writer");
  state_ = new (memory) WriterState;
  pid_ = ::fork();
  if (pid_ < 0) give_up("storm: fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    count_signals();
    ::close(ends[1]);
    WriterLoop(options, *state_, ends[0]).run();
    ::_exit(0);
  }
  ::close(ends[0]);
  permits_ = ends[1];
}

LogWriter::~LogWriter() {
  ::close(permits_);
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::munmap(state_, sizeof(WriterState));
}

bool LogWriter::allow(std::uint64_t lines) {
  // A pipe holds thousands of these, far more than a storm hands out at a time.
  return ::write(permits_, &lines, sizeof(lines)) == sizeof(lines);
}

bool LogWriter::finish() {
  int status = 0;
  const bool ended = ::waitpid(pid_, &status, 0) == pid_;
  pid_ = -1;
  return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace storm
