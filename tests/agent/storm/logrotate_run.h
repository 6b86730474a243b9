// LogrotateRun: one logrotate configuration from its first to its last rotation: writers write at a
// steady rate, logrotate is forced again and again, the agent lives or is killed and started again.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "io/files.h"
#include "tests/agent/storm/agent_process.h"
#include "tests/agent/storm/log_writer.h"
#include "tests/agent/storm/logrotate_configuration.h"
#include "tests/agent/storm/stored_lines.h"

namespace storm {

struct LogrotateOptions {
  std::string tailrace, logrotate;  // programs
  std::string directory;            // empty: logs, store, configurations, the agent's output
  std::string backend;
  std::uint32_t rotations = 10;
  std::uint32_t writers = 2;
  std::uint32_t lines_per_second = 20'000;  // all writers together
  std::uint64_t period_ms = 150;            // between rotations, at least
  std::uint64_t seed = 1;
};

class LogrotateRun {
 public:
  LogrotateRun(const LogrotateConfiguration& configuration, LogrotateOptions options,
               io::Files& files);

  // False: failed, see complaints().
  bool run();

  const std::vector<std::string>& complaints() const { return complaints_; }
  std::uint32_t kills() const { return kills_; }
  std::uint64_t lines() const { return lines_per_writer_ * options_.writers; }
  const StoredLines& stored() const { return stored_; }

 private:
  using Clock = std::chrono::steady_clock;

  void prepare();
  void start_agent();
  bool step();
  bool hand_out(std::uint64_t lines);
  template <typename Condition>
  bool until(const char* what, Condition condition);
  bool may_rotate();
  bool reopened(std::uint32_t rotations);
  bool rotated(std::uint32_t rotations);
  bool period(std::uint32_t rotations);
  std::uint64_t files_there() const;
  bool agent_runs() const;
  bool finish();
  bool fail(std::string why);

  const LogrotateConfiguration& configuration_;
  const LogrotateOptions options_;
  std::uint64_t lines_per_period_, lines_per_writer_;
  std::mt19937_64 random_;
  StoredLines stored_;
  std::vector<std::unique_ptr<LogWriter>> writers_;
  std::unique_ptr<AgentProcess> agent_, logrotate_;
  Clock::time_point dies_{};
  std::uintmax_t log_bytes_ = 0;  // of the log before the agent was started
  std::uint64_t allowed_ = 0;     // lines of each writer
  std::uint32_t kills_ = 0;
  std::vector<std::string> complaints_;
};

}  // namespace storm
