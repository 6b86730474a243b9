// Pages of a log that cannot be read, passed over by on_read_error: skip (rule F61): real errors of
// a file system, through the built program.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/agent/fuse_place.h"
#include "tests/agent/own_mounts.h"
#include "tests/test.h"

std::string process::obstacle() { return cannot_open("/dev/fuse"); }

namespace {

using namespace std::chrono_literals;
using process::Background;
using process::contains;
using process::count;
using process::eventually;
using process::FusePlace;
using Lines = std::vector<std::string>;
using Pages = std::set<std::uint64_t>;
using Skips = std::map<std::uint64_t, std::uint64_t>;  // offset → bytes

constexpr std::uint64_t kPageBytes = 4096;
constexpr const char* kLag = "lag_bytes{flow=\"f\"}";
constexpr const char* kDropped = "bytes_dropped{flow=\"f\",reason=\"read_error\"}";

// Lines of different lengths, so that pages end anywhere within them.
std::string numbered(int most) {
  std::string text;
  for (int i = 0; i < most; ++i) {
    text += std::to_string(i) + " " + std::string(static_cast<std::size_t>(i % 97), 'x') + "\n";
  }
  return text;
}

void add_lines(const std::string& text, Lines& lines) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
}

// What is left of a text without these pages: what is before one ends there, what is behind one
// begins there.
Lines left_of(const std::string& text, const Pages& bad) {
  Lines lines;
  std::string piece;
  for (std::uint64_t page = 0; page * kPageBytes < text.size(); ++page) {
    if (bad.contains(page)) {
      add_lines(std::exchange(piece, {}), lines);
    } else {
      piece += text.substr(page * kPageBytes, kPageBytes);
    }
  }
  add_lines(piece, lines);
  return lines;
}

Skips skips_of(const std::string& text, const Pages& bad) {
  Skips skips;
  for (const std::uint64_t page : bad) {
    skips[page * kPageBytes] = std::min(kPageBytes, text.size() - page * kPageBytes);
  }
  return skips;
}

std::uint64_t bytes_of(const Skips& skips) {
  std::uint64_t bytes = 0;
  for (const auto& [offset, each] : skips) bytes += each;
  return bytes;
}

std::uint64_t number_after(const std::string& line, const std::string& name) {
  return std::stoull(line.substr(line.find(name) + name.size()));
}

// What the log says was passed over.
Skips skips_told(const std::string& log) {
  Skips skips;
  std::istringstream in(log);
  for (std::string line; std::getline(in, line);) {
    if (!contains(line, "cannot be read, skipped")) continue;
    skips[number_after(line, " offset=")] = number_after(line, " bytes=");
  }
  return skips;
}

struct BadPlace : FusePlace {
  explicit BadPlace(const std::string& backend)
      : FusePlace({.backend = backend, .from_more = "      on_read_error: skip\n"}) {
    bad.insert(text.size() / kPageBytes);  // the last one, as far as it is written
    for (const std::uint64_t page : bad) {
      faults->damage("bad.log", page * kPageBytes, (page + 1) * kPageBytes);
    }
    write("behind/bad.log", text);
    lines = left_of(text, bad);
    skips = skips_of(text, bad);
  }
  const std::string text = numbered(8000);
  Pages bad = {0, 7, 8, 9, 40};
  Skips skips;
};

// Until `condition` holds, and not a moment longer.
bool at_once(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

TEST_CASE("bad pages: what is outside of them is stored once, and what is in them is counted",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  CAPTURE(backend);
  BadPlace place(backend);
  {
    const Background agent(place.command(), place.log_path());
    for (int i = 0; i < 3; ++i) place.grow("good.log", "good " + std::to_string(i));
    REQUIRE(place.stores_within(60s, place.lines));
    REQUIRE(eventually([&] { return process::sample(place, kLag) == 0; }));
    CHECK(skips_told(place.log()) == place.skips);
    CHECK(count(place.log(), "cannot be read, skipped") == place.bad.size());
    CHECK(process::sample(place, kDropped) == bytes_of(place.skips));
    CHECK(process::counter(place, agent, "bytes_dropped") == bytes_of(place.skips));
    CHECK(process::counter(place, agent, "unreadable_skipped") == place.bad.size());
    CHECK(process::counter(place, agent, "read_errors") >= 4 * place.bad.size());
    CHECK(process::counter(place, agent, "records_unaccounted") == 0);
    CHECK(process::counter(place, agent, "bytes_unaccounted") == 0);
  }
  // What can be read again is behind us.
  place.faults->repair("bad.log");
  place.grow("bad.log", "and it goes on");
  place.once();
  CHECK(place.stores(place.lines));
}

TEST_CASE("bad pages: killed at any moment, what can be read is stored once, in whole",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll");
  CAPTURE(backend);
  BadPlace place(backend);
  Skips told;
  // A page takes four failures: some die between them, some right after the last, some in the next.
  for (std::uint64_t life = 0; told.size() < place.bad.size() && life < 60; ++life) {
    const std::string log = place.path("said." + std::to_string(life));
    const std::uint64_t last = place.faults->failures() + 2 + life * 3 % 7;
    const Background agent(place.command(), log);
    REQUIRE(at_once([&] {
      return place.faults->failures() >= last ||
             skips_told(process::read_file(log)).contains(place.skips.rbegin()->first);
    }));
    REQUIRE(::kill(agent.pid(), SIGKILL) == 0);
    told.merge(skips_told(process::read_file(log)));
  }
  {
    const Background agent(place.command(), place.log_path());
    place.grow("good.log", "after all of this");
    REQUIRE(place.stores_within(60s, place.lines));
    // One may be passed over twice: whoever is killed after he said so and before he noted it.
    REQUIRE(eventually([&] { return process::sample(place, kLag) == 0; }));
    const Skips last_told = skips_told(place.log());
    CHECK(process::sample(place, kDropped) == bytes_of(last_told));
    told.merge(Skips(last_told));
    CHECK(told == place.skips);
    CHECK(process::counter(place, agent, "records_unaccounted") == 0);
  }
  place.faults->repair("bad.log");
  place.once();
  CHECK(place.stores(place.lines));
}
