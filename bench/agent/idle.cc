#include "bench/agent/idle.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "bench/agent/child.h"
#include "bench/agent/process_status.h"
#include "bench/agent/stored_records.h"

namespace agent_bench {

namespace {

using namespace std::chrono_literals;

constexpr auto kStoredLongest = 120s;  // for all lines to be in the store
constexpr auto kQuietFor = 5s;         // what start-up leaves behind: checkpoints, settled marks

struct Goal {
  std::uint32_t files;
  double rss_mib;
};

bool wait_until_stored(const Settings& settings, std::uint64_t records) {
  StoredRecords stored(data_dir(settings));
  std::uint64_t seen = 0;
  const auto deadline = std::chrono::steady_clock::now() + kStoredLongest;
  while (seen < records && std::chrono::steady_clock::now() < deadline) {
    stored.read_on([&](const store::StoredRecord&) { ++seen; });
    std::this_thread::sleep_for(20ms);
  }
  if (seen < records) {
    std::fprintf(stderr, "agent_bench: idle: %llu of %llu records are stored\n",
                 static_cast<unsigned long long>(seen), static_cast<unsigned long long>(records));
  }
  return seen == records;
}

void print(const Settings& settings, const Goal& goal, const ProcessStatus& before,
           const ProcessStatus& after) {
  const Activity activity = activity_between(before, after);
  const double percent =
      static_cast<double>(activity.cpu_ns) / 1e9 / static_cast<double>(settings.seconds) * 100;
  const auto wake_ups = static_cast<unsigned long long>(activity.wake_ups);
  const double rss = static_cast<double>(after.rss_bytes) / (1 << 20);
  std::printf(settings.json
                  ? "{\"name\":\"agent/idle %u files\",\"seconds\":%u,\"cpu_percent\":%.4f,"
                    "\"wake_ups\":%llu,\"rss_mib\":%.1f,\"rss_mib_goal\":%.0f}\n"
                  : "idle, %5u files, %u s: CPU %.4f %%, %llu wake-ups, RSS %.1f MiB (goal %.0f)\n",
              goal.files, settings.seconds, percent, wake_ups, rss, goal.rss_mib);
}

bool measure(const Settings& settings, const Goal& goal) {
  const std::string files = settings.directory + "/idle";
  std::filesystem::remove_all(files);
  std::filesystem::create_directories(files);
  remove_store(settings);
  for (std::uint32_t i = 0; i < goal.files; ++i) {
    std::ofstream(files + "/" + std::to_string(i) + ".log") << "line of file " << i << "\n";
  }
  const std::string config = write_config(settings, files + "/*.log", "shards: 4",
                                          "    to: { stream: bench, flush: { age: 100ms } }\n");
  const pid_t agent =
      start_program({settings.tailrace, "run", "-c", config}, settings.directory + "/agent.log");
  const bool stored = wait_until_stored(settings, goal.files);
  if (stored) {
    std::this_thread::sleep_for(kQuietFor);
    const ProcessStatus before = process_status(agent);
    std::this_thread::sleep_for(std::chrono::seconds(settings.seconds));
    print(settings, goal, before, process_status(agent));
  }
  const int code = end_program(agent);
  std::filesystem::remove_all(files);
  remove_store(settings);
  return stored && code == 0;
}

}  // namespace

bool measure_idle(const Settings& settings) {
  for (const Goal& goal : {Goal{1, 10}, Goal{1000, 12}, Goal{10'000, 40}}) {
    if (!measure(settings, goal)) return false;
  }
  return true;
}

}  // namespace agent_bench
