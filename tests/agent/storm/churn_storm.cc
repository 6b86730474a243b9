// churn_storm: files that live for a moment: made with one line, stored, deleted, a million of
// them. What is remembered of them must stay small, and be written down quickly (F55).
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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
namespace fs = std::filesystem;

constexpr auto kLook = 20ms;          // between looks into the store
constexpr auto kBatchLongest = 120s;  // until a batch is stored
constexpr auto kForgetLongest = 60s;  // until all that were deleted are but the last
constexpr std::uint32_t kNotesMax = 1024;
constexpr std::size_t kPaddingBytes = 20;
constexpr std::uint64_t kStateBytesMax = 5'000'000;

struct Options {
  std::string tailrace;
  std::string directory;
  std::string backend = "auto";
  std::uint32_t files = 1'000'000;
  std::uint32_t batch = 5'000;
  std::uint32_t commit_ms = 50;  // 0: however long
};

constexpr const char* kUsage =
    "usage: churn_storm --tailrace PROGRAM --data-dir EMPTY_DIRECTORY [--files 1000000]\n"
    "  [--batch 5000] [--backend auto|io_uring|epoll] [--commit-ms 50]\n"
    "  --batch: so many exist at a time; --commit-ms: so long may one take, 0: however long\n";

bool parse(int argc, char** argv, Options& options) {
  storm::OptionTable table;
  table.text("--tailrace", options.tailrace)
      .text("--data-dir", options.directory)
      .text("--backend", options.backend)
      .number("--files", options.files)
      .number("--batch", options.batch)
      .number("--commit-ms", options.commit_ms);
  return table.parse(argc, argv) && !options.tailrace.empty() && !options.directory.empty() &&
         options.files > 0 && options.batch > 0;
}

class Churn {
 public:
  explicit Churn(const Options& options)
      : options_(options),
        files_(io::make_files()),
        lines_(*files_, data_dir(), "storm", options.files, 1) {}

  bool run() {
    fs::create_directories(options_.directory + "/logs");
    write_config();
    const Clock::time_point begin = Clock::now();
    storm::AgentProcess agent({options_.tailrace, "run", "-c", config()}, log());
    for (std::uint32_t done = 0; done < options_.files;) {
      const std::uint32_t end = std::min(options_.files, done + options_.batch);
      for (std::uint32_t i = done; i < end; ++i) make_file(i);
      if (!wait_for(agent, end)) return fail("not every line came");
      for (std::uint32_t i = done; i < end; ++i) fs::remove(file(i));
      state_bytes_ = std::max(state_bytes_, state_bytes());
      append_beside();
      done = end;
    }
    seconds_ = std::chrono::duration<double>(Clock::now() - begin).count();
    commit_seconds_ = counter("tailrace_state_commit_seconds_max ");
    if (!wait_until_forgotten(agent)) return fail("what was deleted is not forgotten");
    agent.signal(SIGTERM);
    if (!agent.wait(60s) || agent.exit_code() != 0) return fail("no clean stop");
    state_bytes_ = std::max(state_bytes_, state_bytes());
    notes_ = notes();
    if (notes_ > kNotesMax) return fail("more is remembered than meant to be");
    if (commit_seconds_ < 0) return fail("no counters");
    if (state_bytes_ >= kStateBytesMax) return fail("the state is too large");
    const double longest = std::max(options_.commit_ms / 1e3, 2 * beside_seconds_);
    return options_.commit_ms == 0 || commit_seconds_ < longest || fail("a commit took too long");
  }

  const storm::StoredLines& lines() const { return lines_; }
  std::uint64_t notes_left() const { return notes_; }
  std::uint64_t largest_state() const { return state_bytes_; }
  double commit_seconds() const { return commit_seconds_; }
  double beside_seconds() const { return beside_seconds_; }
  double seconds() const { return seconds_; }

 private:
  std::string data_dir() const { return options_.directory + "/data"; }
  std::string config() const { return options_.directory + "/tailrace.yaml"; }
  std::string log() const { return options_.directory + "/agent.log"; }
  std::string file(std::uint32_t number) const {
    return options_.directory + "/logs/" + std::to_string(number) + ".log";
  }

  void write_config() const {
    std::ofstream(config()) << "data_dir: " << data_dir() << "\nio: " << options_.backend
                            << "\nstreams:\n  storm: { shards: 2 }\nflows:\n  storm:\n"
                            << "    from: { files: \"" << options_.directory
                            << "/logs/*.log\", start: beginning, rotate_wait: 0s }\n"
                            << "    to: { stream: storm, flush: { age: 50ms } }\n";
  }

  void make_file(std::uint32_t number) const {
    std::string line;
    storm::append_line({.writer = number, .generation = 0, .sequence = 0}, kPaddingBytes, line);
    std::ofstream(file(number)) << line;
  }

  bool wait_for(storm::AgentProcess& agent, std::uint64_t records) {
    const Clock::time_point begin = Clock::now();
    while (lines_.records() < records && Clock::now() - begin < kBatchLongest) {
      if (agent.wait(kLook) || !lines_.read_on()) return false;
    }
    return lines_.records() >= records;
  }

  bool wait_until_forgotten(storm::AgentProcess& agent) const {
    const double most = options_.files < kNotesMax ? 0 : options_.files - kNotesMax;
    const Clock::time_point begin = Clock::now();
    while (counter("tailrace_gone_forgotten ") < most) {
      if (agent.wait(kLook) || Clock::now() - begin >= kForgetLongest) return false;
    }
    return true;
  }

  // In the agent's log of checkpoints, which it has left.
  std::uint64_t notes() const {
    std::uint64_t lines = 0;
    each_line("state list", [&](std::string_view line) {
      lines += line.find(options_.directory + "/logs/") != std::string_view::npos ? 1 : 0;
      return true;
    });
    return lines;
  }

  // What the log of checkpoints takes on the disk.
  std::uint64_t state_bytes() const {
    std::uint64_t bytes = 0;
    std::error_code gone;
    for (const auto& each : fs::recursive_directory_iterator(data_dir())) {
      const bool state = each.path().string().find("/_checkpoints/") != std::string::npos;
      const auto size = state && each.is_regular_file(gone) ? each.file_size(gone) : 0;
      if (!gone) bytes += size;
    }
    return bytes;
  }

  // What the disk takes for it at the time: an append of a page, synced.
  void append_beside() {
    const std::string path = options_.directory + "/beside";
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    const std::string page(4096, 'x');
    const Clock::time_point begin = Clock::now();
    const bool good = ::write(file, page.data(), page.size()) > 0 && ::fdatasync(file) == 0;
    const std::chrono::duration<double> took = Clock::now() - begin;
    if (good) beside_seconds_ = std::max(beside_seconds_, took.count());
    ::close(file);
  }

  // As `status` tells it; -1: it does not.
  double counter(const std::string& name) const {
    double value = -1;
    each_line("status --counters", [&](std::string_view line) {
      if (!line.starts_with(name)) return true;
      value = std::strtod(line.data() + name.size(), nullptr);
      return false;
    });
    return value;
  }

  // That `command` says, until `take` wants no more.
  template <typename Take>
  void each_line(const std::string& command, Take take) const {
    const std::string all =
        options_.tailrace + " " + command + " --data-dir " + data_dir() + " 2>&1";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(all.c_str(), "r"), ::pclose);
    std::array<char, 4096> line{};
    while (pipe != nullptr && std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
      if (!take(std::string_view(line.data()))) return;
    }
  }

  bool fail(const std::string& why) const {
    std::cerr << "churn_storm: " << why << ", see " << log() << "\n";
    return false;
  }

  const Options& options_;
  std::unique_ptr<io::Files> files_;
  storm::StoredLines lines_;
  std::uint64_t state_bytes_ = 0, notes_ = 0;
  double commit_seconds_ = -1, beside_seconds_ = 0, seconds_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::cerr << kUsage;
    return 64;
  }
  options.tailrace = fs::absolute(options.tailrace);
  options.directory = fs::absolute(options.directory);
  Churn churn(options);
  bool good = churn.run();
  for (const std::string& complaint : churn.lines().complaints(good)) {
    std::cerr << "churn_storm: " << complaint << "\n";
    good = false;
  }
  std::printf(
      "churn_storm: %s: %u files, %u at a time, in %.0f s; state at most %.2f MB (goal %.0f), "
      "%llu notes left (goal %u), longest commit %.1f ms (goal %u; a synced append beside it "
      "%.1f); %llu records, %llu "
      "missing, %llu doubled\n",
      good ? "passed" : "FAILED", options.files, options.batch, churn.seconds(),
      static_cast<double>(churn.largest_state()) / 1e6, static_cast<double>(kStateBytesMax) / 1e6,
      static_cast<unsigned long long>(churn.notes_left()), kNotesMax, churn.commit_seconds() * 1e3,
      options.commit_ms, churn.beside_seconds() * 1e3,
      static_cast<unsigned long long>(churn.lines().records()),
      static_cast<unsigned long long>(churn.lines().missing()),
      static_cast<unsigned long long>(churn.lines().doubled()));
  return good ? 0 : 1;
}
