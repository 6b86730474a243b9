#include "bench/agent/many.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "bench/agent/child.h"
#include "bench/agent/process_status.h"
#include "bench/agent/stored_records.h"

namespace agent_bench {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kColdFiles = 10'000;
constexpr std::uint32_t kOpenFilesMax = 256;
constexpr double kColdP99GoalMs = 1000;
constexpr double kIdlePercentGoal = 0.5;
constexpr std::uint32_t kFoundFiles = 20'000, kFoundDirectories = 10;
constexpr double kFoundSecondsGoal = 3;

constexpr auto kTick = 1ms;
constexpr std::size_t kHotBytesPerTick = 4096;  // 4 MB/s
constexpr std::uint32_t kTicksPerColdLine = 10;
constexpr auto kLongest = 120s;  // for everything to be in the store
constexpr auto kQuietFor = 5s;   // what the load leaves behind: checkpoints, settled marks
constexpr std::string_view kCold = "cold ";

// What of /proc/PID/fd and fdinfo matters here.
struct Descriptors {
  std::uint32_t logs = 0;     // open files below `logs`
  std::uint32_t watches = 0;  // of all inotify descriptors
};

Descriptors descriptors(pid_t agent, const std::string& logs) {
  Descriptors count;
  const std::string process = "/proc/" + std::to_string(agent);
  std::error_code gone;
  for (const auto& each : std::filesystem::directory_iterator(process + "/fd", gone)) {
    std::error_code closed;
    const std::string target = std::filesystem::read_symlink(each.path(), closed);
    if (!closed && target.starts_with(logs)) ++count.logs;
    if (closed || target.find("inotify") == std::string::npos) continue;
    std::ifstream info(process + "/fdinfo/" + each.path().filename().string());
    for (std::string line; std::getline(info, line);) {
      if (line.starts_with("inotify wd:")) ++count.watches;
    }
  }
  return count;
}

bool verdict(const Settings& settings, const char* name, double value, const char* unit,
             double goal) {
  std::printf(settings.json ? "{\"name\":\"agent/%s\",\"value\":%.3f,\"unit\":\"%s\",\"goal\":%.1f}"
                            : "%-44s %9.3f %s (goal %.1f)",
              name, value, unit, goal);
  std::puts(settings.json || value <= goal ? "" : "  MISSED");
  return value <= goal;
}

class ColdLines {
 public:
  ColdLines(const Settings& settings, std::string logs)
      : settings_(settings), logs_(std::move(logs)), stored_(data_dir(settings)) {
    hot_ = open_append(logs_ + "/hot.log");
  }
  ~ColdLines() { ::close(hot_); }
  ColdLines(const ColdLines&) = delete;
  ColdLines& operator=(const ColdLines&) = delete;

  // Until every file's first line is stored. False: kLongest passed.
  bool wait_for_first_lines() {
    const Clock::time_point begin = Clock::now();
    while (records_ < kColdFiles && Clock::now() - begin < kLongest) {
      look();
      std::this_thread::sleep_for(20ms);
    }
    return records_ >= kColdFiles;
  }

  // False: a line never came.
  bool run(pid_t agent) {
    Clock::time_point due = Clock::now();
    for (std::uint64_t tick = 0; due_.size() < settings_.lines; ++tick) {
      std::this_thread::sleep_until(due += kTick);
      write_hot();
      if (tick % kTicksPerColdLine == 0) write_cold(due);
      if (tick % 100 == 0) logs_open_ = std::max(logs_open_, descriptors(agent, logs_).logs);
      look();
    }
    const Clock::time_point last = Clock::now();
    while (ms_.size() < settings_.lines && Clock::now() - last < kLongest) {
      look();
      std::this_thread::sleep_for(kTick);
    }
    return ms_.size() == settings_.lines;
  }

  double percentile(double share) {
    std::ranges::sort(ms_);
    const auto at = static_cast<std::size_t>(share * static_cast<double>(ms_.size()));
    return ms_[std::min(ms_.size() - 1, at)];
  }
  std::uint32_t logs_open() const { return logs_open_; }

 private:
  static int open_append(const std::string& path) {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  }

  void write_hot() {
    static const std::string line = "hot " + std::string(122, 'x') + "\n";
    std::string text;
    while (text.size() < kHotBytesPerTick) text += line;
    if (::write(hot_, text.data(), text.size()) < 0) std::perror("agent_bench: many");
  }

  void write_cold(Clock::time_point due) {
    const std::string text = std::string(kCold) + std::to_string(due_.size()) + " of no length\n";
    due_.push_back(due);
    const int file = open_append(logs_ + "/" + std::to_string(random_() % kColdFiles) + ".log");
    if (::write(file, text.data(), text.size()) < 0) std::perror("agent_bench: many");
    ::close(file);
  }

  void look() {
    stored_.read_on([this](const store::StoredRecord& record) {
      ++records_;
      std::string_view data = record.record.data;
      if (!data.starts_with(kCold)) return;
      data.remove_prefix(kCold.size());
      std::size_t number = due_.size();
      std::from_chars(data.data(), data.data() + data.size(), number);
      if (number >= due_.size()) return;
      ms_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - due_[number]).count());
    });
  }

  const Settings& settings_;
  std::string logs_;
  StoredRecords stored_;
  std::mt19937 random_{1};
  int hot_;
  std::uint64_t records_ = 0;
  std::uint32_t logs_open_ = 0;
  std::vector<Clock::time_point> due_;  // of each cold line, by number
  std::vector<double> ms_;              // how long those took that have come
};

bool measure_idle_after(const Settings& settings, pid_t agent) {
  std::this_thread::sleep_for(kQuietFor);
  const ProcessStatus before = process_status(agent);
  std::this_thread::sleep_for(std::chrono::seconds(settings.seconds));
  const Activity activity = activity_between(before, process_status(agent));
  const double percent = static_cast<double>(activity.cpu_ns) / 1e7 / settings.seconds;
  return verdict(settings, "10,000 files, idle afterwards: CPU", percent, "%", kIdlePercentGoal);
}

void make_files(const std::string& directory, std::uint32_t files) {
  std::filesystem::create_directories(directory);
  for (std::uint32_t i = 0; i < files; ++i) {
    std::ofstream(directory + "/" + std::to_string(i) + ".log") << "first line of " << i << "\n";
  }
}

bool measure_cold(const Settings& settings, const std::string& logs) {
  make_files(logs, kColdFiles);
  const std::string config =
      write_config(settings, logs + "/*.log", "shards: 1",
                   "    to: { stream: bench, flush: { age: 100ms } }\nmax_open_files: " +
                       std::to_string(kOpenFilesMax) + "\n");
  const pid_t agent =
      start_program({settings.tailrace, "run", "-c", config}, settings.directory + "/agent.log");
  ColdLines lines(settings, logs);
  bool good = lines.wait_for_first_lines() && lines.run(agent);
  if (good) {
    good = verdict(settings, "10,000 files, one hot: cold line stored, p99", lines.percentile(0.99),
                   "ms", kColdP99GoalMs);
    verdict(settings, "  the same, median", lines.percentile(0.5), "ms", kColdP99GoalMs);
    good = verdict(settings, "  logs open at once, most", lines.logs_open(), "", kOpenFilesMax) &&
           good;
    good = measure_idle_after(settings, agent) && good;
  } else {
    std::fputs("agent_bench: many: a line never came\n", stderr);
  }
  return end_program(agent) == 0 && good;
}

bool measure_found(const Settings& settings, const std::string& logs) {
  for (std::uint32_t i = 0; i < kFoundDirectories; ++i) {
    make_files(logs + "/" + std::to_string(i), kFoundFiles / kFoundDirectories);
  }
  const std::string config = write_config(settings, logs + "/*/*.log", "shards: 1",
                                          "    to: { stream: bench, flush: { age: 100ms } }\n");
  const Clock::time_point begin = Clock::now();
  const pid_t agent =
      start_program({settings.tailrace, "run", "-c", config}, settings.directory + "/agent.log");
  StoredRecords stored(data_dir(settings));
  std::uint64_t records = 0;
  while (records < kFoundFiles && Clock::now() - begin < kLongest) {
    stored.read_on([&](const store::StoredRecord&) { ++records; });
    std::this_thread::sleep_for(kTick);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const Descriptors open = descriptors(agent, logs);
  bool good =
      verdict(settings, "20,000 files: start to last line stored", seconds, "s", kFoundSecondsGoal);
  // One each, and the directory they are in: a new one may appear there.
  good = verdict(settings, "  watches, 10 directories", open.watches, "", kFoundDirectories + 1) &&
         good;
  return end_program(agent) == 0 && good && records == kFoundFiles;
}

}  // namespace

bool measure_many(const Settings& settings) {
  bool good = true;
  for (const auto measure : {measure_found, measure_cold}) {
    const std::string logs = settings.directory + "/many";
    std::filesystem::remove_all(logs);
    remove_store(settings);
    good = measure(settings, logs) && good;
    std::fflush(stdout);
    std::filesystem::remove_all(logs);
  }
  remove_store(settings);
  return good;
}

}  // namespace agent_bench
