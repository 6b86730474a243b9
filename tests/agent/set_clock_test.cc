// Somebody sets the wall clock under the built program (rule F59): libfaketime tells it another
// time than the kernel's, files keep theirs. On the ring, on epoll, and without notification.
#include <glob.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using process::Background;
using process::LogPlace;
using Lines = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMayPreload = false;  // they want to be first
#else
constexpr bool kMayPreload = true;
#endif

std::string faketime() {
  glob_t found{};
  std::string path;
  if (::glob("/usr/lib/*/faketime/libfaketimeMT.so.1", 0, nullptr, &found) == 0) {
    path = found.gl_pathv[0];
  }
  ::globfree(&found);
  return path;
}

// `by`: as libfaketime has it, "+1h", "-3650d".
void set_clock(const LogPlace& place, const std::string& by) {
  place.write("clock.new", by + "\n");
  fs::rename(place.path("clock.new"), place.path("clock"));
}

std::string with_clock(const LogPlace& place, const std::string& library) {
  return "env LD_PRELOAD=" + library + " FAKETIME_TIMESTAMP_FILE=" + place.path("clock") +
         " FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 " + place.command();
}

// Milliseconds of CPU it has taken.
std::uint64_t cpu_ms(const Background& agent) {
  std::istringstream in(process::read_file("/proc/" + std::to_string(agent.pid()) + "/stat"));
  std::string field;
  std::uint64_t user = 0, system = 0;
  for (int i = 0; i < 13; ++i) in >> field;
  in >> user >> system;
  return (user + system) * 1000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

TEST_CASE("set clock: an hour, ten years, back again: each line once, and each in its time (F59)",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  CAPTURE(backend);
  const std::string library = faketime();
  if (library.empty() || !kMayPreload) {
    std::cout << "SKIPPED: no libfaketime, or a sanitizer\n";
    return;
  }
  const LogPlace place(
      {.backend = backend, .from_more = "      partial_line_timeout: 1s\n      rotate_wait: 1s\n"});
  Lines lines;
  const auto grow = [&](const std::string& line, bool whole = true) {
    place.append("logs/a.log", line + (whole ? "\n" : ""));
    lines.push_back(line);
  };
  set_clock(place, "+0");
  grow("first");
  bool killed = false;
  for (const char* by : {"-1h", "+3650d", "-3650d"}) {
    CAPTURE(by);
    const Background agent(with_clock(place, library), place.log_path());
    REQUIRE(process::running(place));
    grow(std::string("before ") + by, false);
    const Clock::time_point written = Clock::now();
    set_clock(place, by);
    REQUIRE(place.stores(lines));  // its time-out is over
    CHECK(Clock::now() - written >= 1s);
    place.append("logs/a.log", "\n");
    grow(std::string("after ") + by);
    fs::rename(place.path("logs/a.log"), place.path("logs/old"));
    grow(std::string("of a new file after ") + by);
    REQUIRE(place.stores_within(5s, lines));
    // Rotated files are let go, and nothing runs in circles.
    CHECK(process::eventually([&] { return process::sample(place, "files_open{flow=\"f\"}") == 1; },
                              5s));
    const std::uint64_t before = cpu_ms(agent);
    const Clock::time_point idle = Clock::now();
    process::eventually([&] { return Clock::now() - idle >= 500ms; });
    CHECK(cpu_ms(agent) - before < 100);
    CHECK(process::sample(place, "records_unaccounted") == 0);
    if ((killed = !killed)) ::kill(agent.pid(), SIGKILL);
  }
  place.once();
  CHECK(place.stores(lines));
  // Times of records do not go back although the clock did.
  const std::string stored = place.ask("stream get s").out;
  Lines times;
  std::istringstream in(stored);
  for (std::string line; std::getline(in, line);) times.push_back(line.substr(0, line.find(' ')));
  CHECK(times.size() == lines.size());
  CHECK(std::ranges::is_sorted(times));
}
