// kill_storm: writers write and rotate, the agent is killed with SIGKILL again and again; at the
// end the store must hold each line exactly once, in order within each file.
//
// Decided by --seed: when to kill, how lines are cut into writes. The machine decides the rest.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "io/backends.h"
#include "io/files.h"
#include "tests/agent/storm/agent_process.h"
#include "tests/agent/storm/log_writer.h"
#include "tests/agent/storm/option_table.h"
#include "tests/agent/storm/stored_lines.h"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kExitSkipped = 77;
constexpr auto kDrainLongest = 300s;  // far more than needed: reached only when something hangs

struct Options {
  std::string tailrace;
  std::string directory;  // --data-dir: logs, store, configuration, the agent's output
  std::string backend = "io_uring";
  std::string pattern = "app-*.log";
  std::uint32_t writers = 4;
  std::uint64_t lines = 500'000;
  std::uint32_t kills = 100;
  std::uint32_t shards = 4;
  std::uint64_t life_ms = 600;  // longest life of an agent
  std::uint64_t rotate_ms = 2000;
  std::uint64_t seed = 0;  // 0: drawn
  bool raw = false;        // compare `stream get --raw` with the logs too
};

constexpr const char* kUsage =
    "usage: kill_storm --tailrace PROGRAM --data-dir EMPTY_DIRECTORY [--writers 4] [--lines "
    "500000]\n"
    "  [--kills 100] [--life-ms 600] [--rotate-ms 2000] [--shards 4] [--backend "
    "io_uring|epoll|poll]\n"
    "  [--pattern 'app-*.log'] [--seed N] [--raw]\n"
    "  --life-ms: each agent is killed at a random moment before that age\n"
    "  --raw: compare `tailrace stream get --raw` with the sorted logs as well\n";

bool parse(int argc, char** argv, Options& options) {
  storm::OptionTable table;
  table.text("--tailrace", options.tailrace)
      .text("--data-dir", options.directory)
      .text("--backend", options.backend)
      .text("--pattern", options.pattern)
      .number("--writers", options.writers)
      .number("--lines", options.lines)
      .number("--kills", options.kills)
      .number("--shards", options.shards)
      .number("--life-ms", options.life_ms)
      .number("--rotate-ms", options.rotate_ms)
      .number("--seed", options.seed)
      .flag("--raw", options.raw);
  return table.parse(argc, argv) && !options.tailrace.empty() && !options.directory.empty();
}

class Storm {
 public:
  Storm(const Options& options, io::Files& files)
      : options_(options),
        random_(options.seed),
        live_(files, data_dir(), "storm", options.writers, options.lines) {}

  // False: failed; said on standard error.
  bool run() {
    prepare();
    for (std::uint32_t writer = 0; writer < options_.writers; ++writer) {
      writers_.push_back(std::make_unique<storm::LogWriter>(writer_options(writer)));
    }
    const Clock::time_point started = Clock::now();
    for (kills_ = 0; kills_ < options_.kills; ++kills_) {
      if (!one_life()) return false;
    }
    const bool stopped = stop_cleanly();
    for (const auto& writer : writers_) {
      if (!writer->finish()) return fail("a writer failed");
      rotations_ += writer->state().rotations.load();
    }
    seconds_ = std::chrono::duration<double>(Clock::now() - started).count();
    return stopped && drain();
  }

  double seconds() const { return seconds_; }
  std::uint64_t rotations() const { return rotations_; }
  std::string data_dir() const { return options_.directory + "/data"; }
  const storm::StoredLines& live() const { return live_; }

 private:
  std::string log_dir() const { return options_.directory + "/logs"; }
  std::string agent_log() const { return options_.directory + "/agent.log"; }
  std::string config() const { return options_.directory + "/tailrace.yaml"; }

  void prepare() const {
    ::mkdir(options_.directory.c_str(), 0755);
    ::mkdir(log_dir().c_str(), 0755);
    const bool polling = options_.backend == "poll";
    std::ofstream(config()) << "data_dir: " << data_dir()
                            << "\nio: " << (polling ? "auto" : options_.backend)
                            << "\nreactors: 2\nstreams:\n  storm: { shards: " << options_.shards
                            << ", sync: flush, retention: 0, segment_bytes: 4MiB }\nflows:\n"
                            << "  storm:\n    from: { files: \"" << log_dir() << "/"
                            << options_.pattern << "\", start: beginning, reconcile: "
                            << (polling ? "1h, watch: poll" : "500ms") << " }\n"
                            << "    to: { stream: storm, flush: { bytes: 256KiB, age: 50ms } }\n";
  }

  storm::WriterOptions writer_options(std::uint32_t writer) {
    return {.directory = log_dir(),
            .writer = writer,
            .lines = options_.lines,
            .rotate = std::chrono::milliseconds(options_.rotate_ms),
            .seed = random_(),
            .rotate_seen_only = options_.pattern == "app-*.log"};
  }

  // Share of lines that belongs to this life, in two parts: some while it starts, some at a moment
  // of its own.
  void allow(double share) {
    const auto whole = static_cast<double>(options_.lines) / (options_.kills + 1);
    for (const auto& writer : writers_) writer->allow(static_cast<std::uint64_t>(whole * share));
  }

  // Starts an agent, watches what it stores, kills it.
  bool one_life() {
    // One in five dies before it is fully up.
    const std::uint64_t longest = random_() % 5 == 0 ? options_.life_ms / 10 : options_.life_ms;
    const auto life = std::chrono::milliseconds(random_() % (longest + 1));
    const auto second = std::chrono::milliseconds(random_() % (longest + 1));
    const double share = static_cast<double>(random_() % 1000) / 1000;
    allow(share);
    storm::AgentProcess agent({options_.tailrace, "run", "-c", config()}, agent_log());
    const Clock::time_point born = Clock::now();
    bool allowed = false;
    while (true) {
      const auto age = Clock::now() - born;
      if (!allowed && age >= std::min(life, second)) {
        allow(1 - share);
        allowed = true;
      }
      if (age >= life) break;
      if (!watch()) return false;
      const auto rest = std::chrono::ceil<std::chrono::milliseconds>(life - age);
      if (agent.wait(std::min<std::chrono::milliseconds>(rest, 10ms))) break;
    }
    if (agent.kill()) return true;
    return fail("the agent ended by itself with " + std::to_string(agent.exit_code()) + ", see " +
                agent_log());
  }

  // The last one is stopped as an operator would, after it has stored something of the rest.
  bool stop_cleanly() {
    if (!watch()) return false;  // all that the killed ones have stored
    const std::uint64_t before = live_.records();
    for (const auto& writer : writers_) writer->allow(options_.lines);
    storm::AgentProcess agent({options_.tailrace, "run", "-c", config()}, agent_log());
    const Clock::time_point deadline = Clock::now() + kDrainLongest;
    while (live_.records() == before && live_.missing() > 0) {
      if (!watch()) return false;
      if (agent.wait(10ms)) return fail("the agent ended by itself, see " + agent_log());
      if (Clock::now() > deadline) return fail("an agent stores nothing, see " + agent_log());
    }
    agent.signal(SIGTERM);
    if (!agent.wait(kDrainLongest)) return fail("the agent does not stop on SIGTERM");
    if (agent.exit_code() != 0) {
      return fail("stopped with SIGTERM, the agent says " + std::to_string(agent.exit_code()));
    }
    return true;
  }

  bool drain() {
    storm::AgentProcess agent({options_.tailrace, "run", "--once", "-c", config()}, agent_log());
    if (!agent.wait(kDrainLongest)) return fail("run --once does not come to an end");
    if (agent.exit_code() != 0) {
      return fail("run --once says " + std::to_string(agent.exit_code()) + ", see " + agent_log());
    }
    return watch();
  }

  bool watch() {
    const auto read = live_.read_on();
    if (!read) return fail("reading the store: " + read.error().message);
    for (std::uint32_t writer = 0; writer < options_.writers; ++writer) {
      writers_[writer]->state().seen.store(live_.seen_below(writer), std::memory_order_relaxed);
    }
    return true;
  }

  bool fail(const std::string& why) const {
    std::cerr << "kill_storm: after " << kills_ << " kills: " << why << "\n";
    return false;
  }

  const Options& options_;
  std::mt19937_64 random_;
  storm::StoredLines live_;  // read while the agents write and die
  std::vector<std::unique_ptr<storm::LogWriter>> writers_;
  std::uint32_t kills_ = 0;
  std::uint64_t rotations_ = 0;
  double seconds_ = 0;
};

bool report(std::string_view what, const std::vector<std::string>& complaints) {
  for (const std::string& complaint : complaints) {
    std::cerr << "kill_storm: " << what << ": " << complaint << "\n";
  }
  return complaints.empty();
}

// The same question asked with the command line's own tools.
bool raw_matches(const Options& options) {
  const std::string command = "set -e -o pipefail; export LC_ALL=C; cd '" + options.directory +
                              "'; '" + options.tailrace +
                              "' stream get storm --data-dir data --raw | sort >stored.txt; cat "
                              "logs/* | sort >written.txt; "
                              "cmp stored.txt written.txt; rm stored.txt written.txt";
  return std::system(("bash -c \"" + command + "\"").c_str()) == 0;
}

bool ring_denied() {
  base::Log quiet({nullptr, [](void*, base::LogLevel, std::string_view) {},
                   [](void*) { return std::int64_t{0}; }});
  return !io::make_io(io::Backend::io_uring, quiet);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::cerr << kUsage;
    return 64;
  }
  if (options.backend == "io_uring" && ring_denied()) {
    std::cout << "kill_storm: skipped: this machine denies io_uring\n";
    return kExitSkipped;
  }
  ::signal(SIGPIPE, SIG_IGN);  // a writer that ended is a complaint, not our end
  options.tailrace = std::filesystem::absolute(options.tailrace);
  options.directory = std::filesystem::absolute(options.directory);
  if (options.seed == 0) options.seed = std::random_device{}();
  std::cout << "kill_storm: seed " << options.seed << ", " << options.backend << std::endl;

  const std::unique_ptr<io::Files> files = io::make_files();
  Storm storm(options, *files);
  bool good = storm.run();
  good = report("read while it was written", storm.live().complaints(good)) && good;

  storm::StoredLines after(*files, storm.data_dir(), "storm", options.writers, options.lines);
  if (const auto read = after.read_on(); !read) {
    good = report("reading the store", {read.error().message});
  }
  good = report("read afterwards", after.complaints(good)) && good;
  if (good && options.raw) good = raw_matches(options);

  std::printf(
      "kill_storm: %s: %u writers x %llu lines, %u kills in %.1f s, %llu rotations: %llu records "
      "stored, %llu lines missing\n",
      good ? "passed" : "FAILED", options.writers, static_cast<unsigned long long>(options.lines),
      options.kills, storm.seconds(), static_cast<unsigned long long>(storm.rotations()),
      static_cast<unsigned long long>(after.records()),
      static_cast<unsigned long long>(after.missing()));
  return good ? 0 : 1;
}
