#include "bench/agent/latency.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/agent/child.h"
#include "bench/agent/stored_records.h"

namespace agent_bench {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kInterval = 5ms;    // between lines
constexpr auto kLookEvery = 20us;  // the reader's own share of what is measured
constexpr auto kLongest = 30s;     // for the first or a later line to appear
constexpr double kP99GoalMs = 1.0;

class Samples {
 public:
  void add(Clock::duration latency) {
    ms_.push_back(std::chrono::duration<double, std::milli>(latency).count());
  }
  std::size_t count() const { return ms_.size(); }

  void print(const Settings& settings, const char* name, double goal) {
    std::ranges::sort(ms_);
    std::printf(settings.json ? "{\"name\":\"agent/%s\",\"lines\":%zu,\"p50_ms\":%.3f,\"p99_ms\":"
                                "%.3f,\"p999_ms\":%.3f,\"most_ms\":%.3f"
                              : "%-24s %zu lines: p50 %.3f, p99 %.3f, p99.9 %.3f, most %.3f ms",
                name, ms_.size(), at(0.5), at(0.99), at(0.999), ms_.back());
    if (goal > 0) std::printf(settings.json ? ",\"p99_goal_ms\":%.1f" : " (p99 goal %.1f)", goal);
    std::puts(settings.json ? "}" : "");
  }

 private:
  double at(double share) const {
    return ms_[std::min(ms_.size() - 1,
                        static_cast<std::size_t>(share * static_cast<double>(ms_.size())))];
  }
  std::vector<double> ms_;
};

int open_append(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0644);
}

// The floor: what any durable store must wait for.
void measure_floor(const Settings& settings) {
  const std::string path = settings.directory + "/floor";
  const int file = open_append(path);
  const std::string block(256, 'x');
  Samples samples;
  for (std::uint32_t i = 0; i < settings.lines; ++i) {
    const Clock::time_point started = Clock::now();
    if (::write(file, block.data(), block.size()) < 0 || ::fdatasync(file) != 0) break;
    samples.add(Clock::now() - started);
    std::this_thread::sleep_for(kInterval);
  }
  ::close(file);
  std::filesystem::remove(path);
  if (samples.count() > 0) samples.print(settings, "append + fdatasync", 0);
}

// One process for writer and reader: a line carries the moment it was meant to be written.
class Race {
 public:
  Race(const Settings& settings, int log) : log_(log), stored_(data_dir(settings)) {}

  // Writes one line due at `due` and waits until it is read back. False: it never was.
  bool line(Clock::time_point due) {
    while (Clock::now() < due) std::this_thread::sleep_until(due);
    const std::string text = std::to_string(++number_) + " a line of no great length\n";
    if (::write(log_, text.data(), text.size()) < 0) return false;
    while (last_seen_ < number_) {
      stored_.read_on([this](const store::StoredRecord& record) {
        const std::string_view data = record.record.data;
        std::from_chars(data.data(), data.data() + data.size(), last_seen_);
      });
      if (last_seen_ >= number_) break;
      if (Clock::now() > due + kLongest) return false;
      std::this_thread::sleep_for(kLookEvery);
    }
    return true;
  }

 private:
  int log_;
  StoredRecords stored_;
  std::uint64_t number_ = 0;
  std::uint64_t last_seen_ = 0;
};

bool run_race(const Settings& settings, int log, Samples& samples) {
  Race race(settings, log);
  constexpr int kWarmUp = 50;
  if (!race.line(Clock::now())) return false;  // the agent is up
  Clock::time_point due = Clock::now();
  for (std::uint32_t i = 0; i < settings.lines + kWarmUp; ++i) {
    due += kInterval;
    if (!race.line(due)) return false;
    if (i >= kWarmUp) samples.add(Clock::now() - due);
    due = std::max(due, Clock::now() - kInterval);  // one at a time: a stall delays, is not doubled
  }
  return true;
}

}  // namespace

bool measure_latency(const Settings& settings) {
  ::prctl(PR_SET_TIMERSLACK, 1);
  measure_floor(settings);
  remove_store(settings);
  const std::string path = settings.directory + "/latency.log";
  const int log = open_append(path);
  const std::string config =
      write_config(settings, path, "shards: 1, sync: flush, compression: none",
                   "    to: { stream: bench, flush: { age: 0 } }\n");
  const pid_t agent =
      start_program({settings.tailrace, "run", "-c", config}, settings.directory + "/agent.log");
  Samples samples;
  const bool good = run_race(settings, log, samples);
  const int code = end_program(agent);
  ::close(log);
  std::filesystem::remove(path);
  remove_store(settings);
  if (good) {
    samples.print(settings, "line to store", kP99GoalMs);
  } else {
    std::fprintf(stderr, "agent_bench: latency: a line never came; see %s/agent.log\n",
                 settings.directory.c_str());
  }
  return good && code == 0;
}

}  // namespace agent_bench
