// overflow_storm: files appear while the agent stands still (SIGSTOP), more of them than the
// kernel's queue of notifications holds. When it goes on, every line must be in the store within a
// stated time, with a `reconcile` of an hour: what tells it is the lost notification itself (F27).
#include <signal.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "io/backends.h"
#include "io/files.h"
#include "tests/agent/storm/agent_process.h"
#include "tests/agent/storm/option_table.h"
#include "tests/agent/storm/stored_lines.h"
#include "tests/agent/storm/storm_line.h"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kLook = 50ms;          // between looks into the store
constexpr auto kFirstLongest = 30s;   // until the agent shows that it runs
constexpr auto kDrainLongest = 300s;  // far more than the goal: to tell late from lost
constexpr std::size_t kPaddingBytes = 40;

struct Options {
  std::string tailrace;
  std::string directory;
  std::string backend = "auto";
  std::uint32_t files = 50'000;
  std::uint32_t seconds = 30;
};

constexpr const char* kUsage =
    "usage: overflow_storm --tailrace PROGRAM --data-dir EMPTY_DIRECTORY [--files 50000]\n"
    "  [--seconds 30] [--backend auto|io_uring|epoll]\n"
    "  --seconds: every line must be stored so long after the agent goes on\n";

bool parse(int argc, char** argv, Options& options) {
  storm::OptionTable table;
  table.text("--tailrace", options.tailrace)
      .text("--data-dir", options.directory)
      .text("--backend", options.backend)
      .number("--files", options.files)
      .number("--seconds", options.seconds);
  return table.parse(argc, argv) && !options.tailrace.empty() && !options.directory.empty() &&
         options.files > 0;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::uint64_t queue_limit() {
  std::uint64_t events = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> events;
  return events;
}

class Overflow {
 public:
  explicit Overflow(const Options& options)
      : options_(options),
        files_(io::make_files()),
        // File 0 is there before: its line shows that the agent runs.
        lines_(*files_, data_dir(), "storm", options.files + 1, 1) {}

  bool run() {
    std::filesystem::create_directories(options_.directory + "/logs");
    write_config();
    make_file(0);
    storm::AgentProcess agent({options_.tailrace, "run", "-c", config()}, log());
    if (!wait_for(agent, 1, kFirstLongest)) return fail("the first line never came");
    agent.signal(SIGSTOP);
    const Clock::time_point created = Clock::now();
    for (std::uint32_t i = 1; i <= options_.files; ++i) make_file(i);
    creating_ = seconds_since(created);
    const Clock::time_point begin = Clock::now();
    agent.signal(SIGCONT);
    const bool all = wait_for(agent, options_.files + std::uint64_t{1}, kDrainLongest);
    storing_ = seconds_since(begin);
    if (!all) return fail("not every line came");
    if (!overflowed(agent)) return fail("the queue never overflowed: more --files");
    agent.signal(SIGTERM);
    if (!agent.wait(kDrainLongest) || agent.exit_code() != 0) return fail("no clean stop");
    if (const auto read = lines_.read_on(); !read) return fail(read.error().message);
    return storing_ <= options_.seconds || fail("too late");
  }

  const storm::StoredLines& lines() const { return lines_; }
  double creating() const { return creating_; }
  double storing() const { return storing_; }
  std::string log() const { return options_.directory + "/agent.log"; }

 private:
  std::string data_dir() const { return options_.directory + "/data"; }
  std::string config() const { return options_.directory + "/tailrace.yaml"; }

  void write_config() const {
    std::ofstream(config()) << "data_dir: " << data_dir() << "\nio: " << options_.backend
                            << "\nstreams:\n  storm: { shards: 2 }\nflows:\n  storm:\n"
                            << "    from: { files: \"" << options_.directory
                            << "/logs/*.log\", start: beginning, reconcile: 1h }\n"
                            << "    to: { stream: storm, flush: { age: 100ms } }\n";
  }

  void make_file(std::uint32_t number) const {
    std::string line;
    storm::append_line({.writer = number, .generation = 0, .sequence = 0}, kPaddingBytes, line);
    std::ofstream(options_.directory + "/logs/" + std::to_string(number) + ".log") << line;
  }

  // Until so many records are there. False: the agent ended, or it took too long.
  bool wait_for(storm::AgentProcess& agent, std::uint64_t records, Clock::duration longest) {
    const Clock::time_point begin = Clock::now();
    while (lines_.records() < records && Clock::now() - begin < longest) {
      if (agent.wait(kLook) || !lines_.read_on()) return false;
    }
    return lines_.records() >= records;
  }

  // Without it nothing is proved. Its counters say so.
  bool overflowed(storm::AgentProcess& agent) const {
    agent.signal(SIGUSR1);
    for (int look = 0; look < 100; ++look) {
      std::ifstream file(log());
      for (std::string line; std::getline(file, line);) {
        if (line.find("watch_overflows") != std::string::npos) return true;
      }
      if (agent.wait(kLook)) break;
    }
    return false;
  }

  bool fail(const std::string& why) const {
    std::cerr << "overflow_storm: " << why << ", see " << log() << "\n";
    return false;
  }

  const Options& options_;
  std::unique_ptr<io::Files> files_;
  storm::StoredLines lines_;
  double creating_ = 0, storing_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::cerr << kUsage;
    return 64;
  }
  options.tailrace = std::filesystem::absolute(options.tailrace);
  options.directory = std::filesystem::absolute(options.directory);
  Overflow overflow(options);
  bool good = overflow.run();
  for (const std::string& complaint : overflow.lines().complaints(good)) {
    std::cerr << "overflow_storm: " << complaint << "\n";
    good = false;
  }
  std::printf(
      "overflow_storm: %s: %u files made in %.1f s while the agent stood still (queue: %llu "
      "events); all in the store %.2f s after it went on (goal %u); %llu records, %llu missing, "
      "%llu doubled\n",
      good ? "passed" : "FAILED", options.files, overflow.creating(),
      static_cast<unsigned long long>(queue_limit()), overflow.storing(), options.seconds,
      static_cast<unsigned long long>(overflow.lines().records()),
      static_cast<unsigned long long>(overflow.lines().missing()),
      static_cast<unsigned long long>(overflow.lines().doubled()));
  return good ? 0 : 1;
}
