#include "tests/agent/storm/logrotate_run.h"

#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

namespace storm {

namespace {

using namespace std::chrono_literals;

constexpr auto kStep = 5ms;
constexpr auto kLongest = 120s;  // of any wait: reached only when lines are missing
constexpr std::uint64_t kLifeMs = 400;

}  // namespace

LogrotateRun::LogrotateRun(const LogrotateConfiguration& configuration, LogrotateOptions options,
                           io::Files& files)
    : configuration_(configuration),
      options_(std::move(options)),
      lines_per_period_(options_.lines_per_second *
                        std::max(options_.period_ms, configuration.period_ms_least) / 1000 /
                        options_.writers),
      lines_per_writer_(lines_per_period_ * (options_.rotations + 1)),
      random_(options_.seed),
      stored_(files, options_.directory + "/data", "storm", options_.writers, lines_per_writer_) {
  if (configuration_.wait == Wait::still) stored_.expect_copies();
}

void LogrotateRun::prepare() {
  const std::string& directory = options_.directory;
  for (const char* name : {"", "/logs", "/old"}) ::mkdir((directory + name).c_str(), 0755);
  std::vector<pid_t> pids;
  for (std::uint32_t writer = 0; writer < options_.writers; ++writer) {
    writers_.push_back(std::make_unique<LogWriter>(WriterOptions{.directory = directory + "/logs",
                                                                 .writer = writer,
                                                                 .lines = lines_per_writer_,
                                                                 .seed = random_(),
                                                                 .reopen = configuration_.reopen}));
    pids.push_back(writers_.back()->pid());
  }
  std::string patterns = "\"" + directory + "/logs/app-*.log\"";
  if (!configuration_.also.empty()) {
    patterns += ", \"" + directory + "/" + std::string(configuration_.also) + "\"";
  }
  const bool polling = options_.backend == "poll";
  std::ofstream(directory + "/tailrace.yaml")
      << "data_dir: " << directory << "/data\nio: " << (polling ? "auto" : options_.backend)
      << "\nreactors: 2\nstreams:\n  storm: { shards: 2, sync: os, retention: 0 }\nflows:\n"
      << "  storm:\n    from: { files: [" << patterns
      << "], start: beginning, reconcile: " << (polling ? "1h, watch: poll" : "500ms")
      << configuration_.from << " }\n"
      << "    to: { stream: storm, flush: { bytes: 256KiB, age: 20ms } }\n";
  std::ofstream(directory + "/logrotate.conf")
      << logrotate_text(configuration_, directory, options_.rotations + 1, pids);
}

void LogrotateRun::start_agent() {
  agent_.reset();
  std::error_code none_yet;
  log_bytes_ = std::filesystem::file_size(options_.directory + "/agent.log", none_yet);
  if (none_yet) log_bytes_ = 0;
  agent_ = std::make_unique<AgentProcess>(
      std::vector{options_.tailrace, std::string("run"), std::string("-c"),
                  options_.directory + "/tailrace.yaml"},
      options_.directory + "/agent.log");
  // One in five dies before it is fully up.
  const std::uint64_t longest = random_() % 5 == 0 ? kLifeMs / 10 : kLifeMs;
  dies_ = Clock::now() + std::chrono::milliseconds(random_() % (longest + 1));
}

// Some milliseconds pass: lines arrive in the store, perhaps the agent dies.
bool LogrotateRun::step() {
  const bool doomed = configuration_.kill;
  if (agent_->wait(kStep)) {
    return fail("the agent ended by itself with " + std::to_string(agent_->exit_code()));
  }
  if (doomed && Clock::now() >= dies_) {
    if (!agent_->kill()) return fail("the agent ended by itself");
    ++kills_;
    start_agent();
  }
  const auto read = stored_.read_on();
  return read || fail("reading the store: " + read.error().message);
}

// `lines` of each writer, at their rate.
bool LogrotateRun::hand_out(std::uint64_t lines) {
  const Clock::time_point started = Clock::now();
  for (std::uint64_t given = 0; given < lines;) {
    const std::chrono::duration<double> passed = Clock::now() - started;
    const auto due = static_cast<std::uint64_t>(
        passed.count() * options_.lines_per_second / options_.writers + 1);
    const std::uint64_t now = std::min(lines, due) - given;
    for (const auto& writer : writers_) {
      if (!writer->allow(now)) return fail("a writer ended by itself");
    }
    given += now;
    allowed_ += now;
    if (!step()) return false;
  }
  return true;
}

template <typename Condition>
bool LogrotateRun::until(const char* what, Condition condition) {
  const Clock::time_point deadline = Clock::now() + kLongest;
  while (!condition()) {
    if (Clock::now() > deadline) return fail(std::string("waited too long for ") + what);
    if (!step()) return false;
  }
  return true;
}

bool LogrotateRun::may_rotate() {
  for (std::uint32_t i = 0; i < options_.writers; ++i) {
    const WriterState& state = writers_[i]->state();
    const std::uint64_t begins = state.begins.load(std::memory_order_relaxed);
    if (state.written.load(std::memory_order_relaxed) < allowed_) return false;
    const bool begun = stored_.seen_below(i) > begins;
    const std::uint64_t complete = stored_.complete_below(i);
    if (configuration_.wait == Wait::begun && !begun) return false;
    if (configuration_.wait == Wait::older && (!begun || complete < begins)) return false;
    if (configuration_.wait == Wait::all_still && complete < allowed_) return false;
  }
  return true;
}

bool LogrotateRun::reopened(std::uint32_t rotations) {
  if (configuration_.reopen == Reopen::never) return true;
  for (const auto& writer : writers_) writer->allow(0);  // looks whether to
  return std::ranges::all_of(writers_, [rotations](const auto& writer) {
    return writer->state().rotations.load(std::memory_order_relaxed) >= rotations;
  });
}

// Waits for logrotate, if one runs, and for the writers that follow it.
bool LogrotateRun::rotated(std::uint32_t rotations) {
  if (logrotate_) {
    if (!until("logrotate", [&] { return logrotate_->wait(0ms); })) return false;
    const int exit_code = logrotate_->exit_code();
    logrotate_.reset();
    if (exit_code != 0) return fail("logrotate ended with " + std::to_string(exit_code));
  }
  return until("writers to open their paths anew", [&] { return reopened(rotations); });
}

// Some lines while logrotate does what it does, most of them after it: each file gets some, and
// there is nearly a period between one logrotate's end and the next one's start.
bool LogrotateRun::period(std::uint32_t rotations) {
  const std::uint64_t first = lines_per_period_ / 8;
  return hand_out(first) && rotated(rotations) && hand_out(lines_per_period_ - first);
}

bool LogrotateRun::run() {
  prepare();
  start_agent();
  for (std::uint32_t rotation = 1; rotation <= options_.rotations; ++rotation) {
    if (!period(rotation - 1) || !until("lines that must be safe", [&] { return may_rotate(); })) {
      return false;
    }
    logrotate_ = std::make_unique<AgentProcess>(
        std::vector{options_.logrotate, std::string("--force"), std::string("--state"),
                    options_.directory + "/state", options_.directory + "/logrotate.conf"},
        options_.directory + "/logrotate.log");
    const bool still = configuration_.wait == Wait::all_still || configuration_.wait == Wait::still;
    if (still && !rotated(rotation)) return false;
  }
  return period(options_.rotations) && finish();
}

std::uint64_t LogrotateRun::files_there() const {
  std::uint64_t files = 0;
  for (const char* name : {"/logs", "/old"}) {
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory + name)) {
      files += entry.is_regular_file() ? 1 : 0;
    }
  }
  return files;
}

bool LogrotateRun::agent_runs() const {
  std::ifstream log(options_.directory + "/agent.log");
  log.seekg(static_cast<std::streamoff>(log_bytes_));
  for (std::string line; std::getline(log, line);) {
    if (line.contains(" running ")) return true;
  }
  return false;
}

bool LogrotateRun::finish() {
  const auto all = [&] { return stored_.missing() == 0; };
  if (!until("the last lines", all)) return false;
  if (const std::uint64_t files = files_there();
      files != options_.writers * (options_.rotations + 1ULL)) {
    return fail("logrotate left " + std::to_string(files) + " files");
  }
  // Signals have their meaning only once it is up.
  if (!until("the agent", [&] { return agent_runs(); })) return false;
  agent_->signal(SIGTERM);
  if (!agent_->wait(kLongest) || agent_->exit_code() != 0) {
    return fail("the agent does not stop as it should");
  }
  // Once more over everything: what is stored must not be stored again.
  agent_ = std::make_unique<AgentProcess>(
      std::vector{options_.tailrace, std::string("run"), std::string("--once"), std::string("-c"),
                  options_.directory + "/tailrace.yaml"},
      options_.directory + "/agent.log");
  if (!agent_->wait(kLongest) || agent_->exit_code() != 0) return fail("run --once fails");
  for (const auto& writer : writers_) {
    if (!writer->finish()) return fail("a writer failed");
  }
  if (const auto read = stored_.read_on(); !read) {
    return fail("reading the store: " + read.error().message);
  }
  std::ranges::move(stored_.complaints(true), std::back_inserter(complaints_));
  return complaints_.empty();
}

bool LogrotateRun::fail(std::string why) {
  complaints_.push_back(std::move(why));
  std::ranges::move(stored_.complaints(true), std::back_inserter(complaints_));
  return false;
}

}  // namespace storm
