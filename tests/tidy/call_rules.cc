#include <algorithm>
#include <array>
#include <string_view>

#include "tests/tidy/rules.h"

namespace tidy {

namespace {

using namespace std::string_view_literals;

// Calls with names nobody else would choose.
constexpr std::array kAlways = {
    "clock_gettime"sv, "clock_nanosleep"sv, "eventfd"sv,        "fallocate"sv, "fclose"sv,
    "fdatasync"sv,     "fgets"sv,           "fopen"sv,          "fread"sv,     "fstat"sv,
    "fsync"sv,         "ftruncate"sv,       "getenv"sv,         "getrandom"sv, "gettimeofday"sv,
    "inotify_init1"sv, "localtime_r"sv,     "mmap"sv,           "munmap"sv,    "nanosleep"sv,
    "openat"sv,        "opendir"sv,         "popen"sv,          "pread"sv,     "preadv"sv,
    "preadv2"sv,       "pthread_create"sv,  "pwrite"sv,         "pwritev"sv,   "pwritev2"sv,
    "rand"sv,          "rand_r"sv,          "random_device"sv,  "readdir"sv,   "readv"sv,
    "sleep"sv,         "sleep_for"sv,       "sleep_until"sv,    "srand"sv,     "statx"sv,
    "syscall"sv,       "system"sv,          "timerfd_create"sv, "usleep"sv,    "writev"sv};

// Words our own classes use too; the kernel's are called with a leading "::". A bare call would
// need a header that include_rules.cc keeps out.
constexpr std::array kGlobal = {
    "accept"sv, "bind"sv,   "close"sv,  "connect"sv, "dup"sv,    "exec"sv,   "ioctl"sv,
    "kill"sv,   "link"sv,   "listen"sv, "lseek"sv,   "mkdir"sv,  "open"sv,   "pipe"sv,
    "poll"sv,   "read"sv,   "recv"sv,   "remove"sv,  "rename"sv, "rmdir"sv,  "select"sv,
    "send"sv,   "signal"sv, "socket"sv, "stat"sv,    "time"sv,   "unlink"sv, "write"sv};

constexpr std::array kSleeps = {"clock_nanosleep"sv, "nanosleep"sv,   "sleep"sv,
                                "sleep_for"sv,       "sleep_until"sv, "usleep"sv};

constexpr std::array kThreads = {"async"sv, "jthread"sv, "thread"sv};  // after std::

struct Exception {
  std::string_view file, call, why;
};
constexpr std::array kExceptions = {
    Exception{"agent/runner.cc", "jthread", "makes the reactors' threads"},
    Exception{"agent/runner.cc", "thread", "asks how many cores there are"},
    Exception{"agent/commands/tail.cc", "fopen", "--save writes the file it is given"},
    Exception{"agent/commands/tail.cc", "fclose", "--save writes the file it is given"},
};

template <typename Words>
bool among(const Words& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// A word in its line, and what surrounds it.
struct Use {
  std::string_view code;
  std::size_t begin, end;

  std::string_view word() const { return code.substr(begin, end - begin); }
  std::string_view before() const {
    const std::string_view all = code.substr(0, begin);
    const std::size_t last = all.find_last_not_of(" \t");
    return last == all.npos ? std::string_view() : all.substr(0, last + 1);
  }
  bool is_call() const {  // all calls in our lists have arguments, but rand()
    const std::size_t next = code.find_first_not_of(" \t", end);
    return next != code.npos && code[next] == '(' &&
           (word() == "rand" || !code.substr(next).starts_with("()"));
  }
  bool is_member() const { return before().ends_with('.') || before().ends_with("->"); }
  bool is_global() const {  // ::open, not io::open
    if (!before().ends_with("::")) return false;
    const std::string_view scope = before().substr(0, before().size() - 2);
    return scope.empty() || !(is_identifier(scope.back()) || scope.back() == '>') ||
           scope.ends_with("return");
  }
  bool is_of(std::string_view scope) const { return before().ends_with(scope); }
  // Base::Duration sleep(…): a declaration of our own.
  bool is_declared() const {
    const std::string_view left = before();
    if (left.empty() || left.size() == begin) return false;  // nothing, or no space between
    const bool type = is_identifier(left.back()) || left.back() == '>' || left.back() == '*' ||
                      left.back() == '&';
    return type && !left.ends_with("return") && !left.ends_with("else") && !left.ends_with("&&") &&
           !left.ends_with("do");
  }
};

std::string outside_call(const Use& use) {
  const std::string_view word = use.word();
  if (word == "now" && use.is_of("_clock::")) return "a clock";
  if (among(kThreads, word) && use.is_of("std::")) return "std::" + std::string(word);
  if (word == "random_device" && use.is_of("std::")) return "std::random_device";
  if (!use.is_call() || use.is_member()) return "";
  if (use.is_global()) {
    return among(kGlobal, word) || among(kAlways, word) ? "::" + std::string(word) : "";
  }
  if (!among(kAlways, word) || use.is_declared()) return "";
  if (use.is_of("::") && !use.is_of("std::") && !use.is_of("this_thread::")) return "";
  return std::string(word);
}

bool excepted(std::string_view path, std::string_view call) {
  return std::ranges::any_of(kExceptions, [&](const Exception& exception) {
    return path == exception.file && call == exception.call;
  });
}

}  // namespace

void check_calls(const SourceText& source, Violations& violations) {
  const std::string room = room_of(source.path);
  if (room == "io" || room == "bench" || room == "examples") return;
  for_each_word(
      source, [&](std::size_t line, std::string_view code, std::size_t begin, std::size_t end) {
        if (is_directive(code)) return;
        const Use use{code, begin, end};
        const std::string what = outside_call(use);
        if (what.empty()) return;
        if (room == "tests") {
          if (among(kSleeps, use.word())) {
            violations.push_back(
                {source.path, line, what + ": tests wait for a condition, never for time"});
          }
          return;
        }
        if (excepted(source.path, use.word())) return;
        violations.push_back({source.path, line, what + " reaches outside; use io::Environment"});
      });
}

}  // namespace tidy
