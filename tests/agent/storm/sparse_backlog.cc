// sparse_backlog: files of 100 GiB that are all holes but for pieces of text, `run --once` over
// them: every line once and nothing else, in little memory, the first one soon (F07, F49).
//
// Three files of that size: text at the beginning and here and there behind holes; a hole first; a
// line with a hole inside, which must keep its NULs up to max_line and no more.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "io/backends.h"
#include "io/files.h"
#include "store/catalog.h"
#include "store/cursor.h"
#include "tests/agent/storm/agent_process.h"
#include "tests/agent/storm/option_table.h"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kLook = 5ms;
constexpr auto kLongest = 900s;  // far more than needed: to tell slow from stuck
constexpr std::uint64_t kMaxLine = std::uint64_t{1} << 20;  // the default
constexpr std::uint64_t kPieceLines = 1000;
constexpr std::uint64_t kPieces = 10;

struct Options {
  std::string tailrace;
  std::string directory;
  std::string backend = "auto";
  std::uint64_t gib = 100;
  std::uint64_t rss_mib = 128;
  std::uint64_t first_ms = 3000;
};

constexpr const char* kUsage =
    "usage: sparse_backlog --tailrace PROGRAM --data-dir EMPTY_DIRECTORY [--gib 100]\n"
    "  [--rss-mib 128] [--first-ms 3000] [--backend auto|io_uring|epoll]\n"
    "  --gib: size of each of three files, which take less than 1 MB of disk\n";

bool parse(int argc, char** argv, Options& options) {
  storm::OptionTable table;
  table.text("--tailrace", options.tailrace)
      .text("--data-dir", options.directory)
      .text("--backend", options.backend)
      .number("--gib", options.gib)
      .number("--rss-mib", options.rss_mib)
      .number("--first-ms", options.first_ms);
  return table.parse(argc, argv) && !options.tailrace.empty() && !options.directory.empty() &&
         options.gib > 0;
}

// What was written, and how often it was read.
using Lines = std::map<std::string, std::uint32_t, std::less<>>;

class SparseFile {
 public:
  SparseFile(const std::string& path, std::uint64_t bytes, Lines& lines)
      : name_(std::filesystem::path(path).filename()),
        file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644)),
        lines_(lines) {
    if (file_ < 0 || ::ftruncate(file_, static_cast<off_t>(bytes)) != 0) {
      std::perror(path.c_str());
      std::exit(70);
    }
  }
  ~SparseFile() { ::close(file_); }
  SparseFile(const SparseFile&) = delete;
  SparseFile& operator=(const SparseFile&) = delete;

  void piece(std::uint64_t at) {
    std::string text;
    for (std::uint64_t i = 0; i < kPieceLines; ++i) {
      const std::string line =
          name_ + " line " + std::to_string(i) + " of the piece at " + std::to_string(at);
      lines_.try_emplace(line, 0);
      text += line + "\n";
    }
    put(at, text);
  }
  // A line that begins at `at`, goes on with a hole, and ends at `end`.
  void torn_line(std::uint64_t at, std::uint64_t end) {
    const std::string beginning = name_ + " has a line";
    put(at, beginning);
    put(end, "with a hole in it\n");
    lines_.try_emplace(beginning + std::string(kMaxLine - beginning.size(), '\0'), 0);
    lines_.try_emplace("with a hole in it", 0);
  }

 private:
  void put(std::uint64_t at, const std::string& text) const {
    if (::pwrite(file_, text.data(), text.size(), static_cast<off_t>(at)) < 0)
      std::perror("pwrite");
  }

  std::string name_;
  int file_;
  Lines& lines_;
};

Lines make_files(const Options& options) {
  const std::string logs = options.directory + "/logs";
  std::filesystem::create_directories(logs);
  const std::uint64_t bytes = options.gib << 30;
  Lines lines;
  SparseFile text_first(logs + "/text-first.log", bytes, lines);
  SparseFile hole_first(logs + "/hole-first.log", bytes, lines);
  SparseFile torn(logs + "/torn.log", bytes, lines);
  for (std::uint64_t i = 0; i < kPieces; ++i) {
    text_first.piece(bytes / kPieces * i);
    hole_first.piece(bytes / kPieces * i + bytes / kPieces / 2 + 777);  // in the middle of a block
  }
  torn.torn_line(0, bytes / 2);
  return lines;
}

std::uint64_t peak_rss_bytes(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  std::string word;
  while (status >> word) {
    std::uint64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib << 10;
  }
  return 0;
}

class Backlog {
 public:
  explicit Backlog(const Options& options) : options_(options), files_(io::make_files()) {}

  bool run() {
    lines_ = make_files(options_);
    const std::string config = options_.directory + "/tailrace.yaml";
    std::ofstream(config) << "data_dir: " << data_dir() << "\nio: " << options_.backend
                          << "\nstreams:\n  storm: { shards: 1 }\nflows:\n  storm:\n"
                          << "    from: { files: \"" << options_.directory
                          << "/logs/*.log\", start: beginning }\n"
                          << "    to: { stream: storm, flush: { age: 100ms } }\n";
    const Clock::time_point begin = Clock::now();
    storm::AgentProcess agent({options_.tailrace, "run", "--once", "-c", config}, log());
    bool ended = false;
    while (!ended && Clock::now() - begin < kLongest) {
      // Read before it can be reaped: what is there then stays true.
      rss_bytes_ = std::max(rss_bytes_, peak_rss_bytes(agent.pid()));
      ended = agent.wait(kLook);
      look(begin);
    }
    seconds_ = std::chrono::duration<double>(Clock::now() - begin).count();
    if (!ended) return fail("run --once does not come to an end");
    return agent.exit_code() == 0 || fail("run --once failed");
  }

  bool report(bool good) const {
    std::uint64_t missing = 0;
    std::uint64_t doubled = 0;
    for (const auto& [line, count] : lines_) {
      missing += count == 0 ? 1 : 0;
      doubled += count > 1 ? 1 : 0;
    }
    good = good && missing + doubled + strange_ == 0;
    if (rss_bytes_ >> 20 >= options_.rss_mib) good = fail("too much memory");
    if (first_ms_ > static_cast<double>(options_.first_ms)) good = fail("the first line is late");
    std::printf(
        "sparse_backlog: %s: 3 files of %llu GiB in %.2f s: first line stored after %.0f ms (goal "
        "%llu), memory at most %.1f MiB (goal %llu), %zu lines, %llu missing, %llu doubled, %llu "
        "that nobody wrote\n",
        good ? "passed" : "FAILED", static_cast<unsigned long long>(options_.gib), seconds_,
        first_ms_, static_cast<unsigned long long>(options_.first_ms),
        static_cast<double>(rss_bytes_) / (1 << 20),
        static_cast<unsigned long long>(options_.rss_mib), lines_.size(),
        static_cast<unsigned long long>(missing), static_cast<unsigned long long>(doubled),
        static_cast<unsigned long long>(strange_));
    return good;
  }

 private:
  std::string data_dir() const { return options_.directory + "/data"; }
  std::string log() const { return options_.directory + "/agent.log"; }

  void look(Clock::time_point begin) {
    if (!cursor_) {
      const auto streams = store::Catalog::read(*files_, data_dir());
      if (!streams || std::ranges::none_of(*streams, [](const auto& stream) {
            return stream.name == "storm" && !stream.shards.empty();
          })) {
        return;
      }
      auto opened =
          store::Cursor::open(*files_, store::shard_directory(data_dir(), "storm", {}), {});
      if (!opened) return;
      cursor_ = std::make_unique<store::Cursor>(std::move(*opened));
    }
    store::StoredRecord record;
    while (cursor_->next(record).value_or(false)) {
      if (first_ms_ == 0) {
        first_ms_ = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
      }
      const auto line = lines_.find(record.record.data);
      line == lines_.end() ? ++strange_ : ++line->second;
    }
  }

  bool fail(const std::string& why) const {
    std::cerr << "sparse_backlog: " << why << ", see " << log() << "\n";
    return false;
  }

  const Options& options_;
  std::unique_ptr<io::Files> files_;
  std::unique_ptr<store::Cursor> cursor_;
  Lines lines_;
  std::uint64_t strange_ = 0;
  std::uint64_t rss_bytes_ = 0;
  double first_ms_ = 0, seconds_ = 0;
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
  Backlog backlog(options);
  const bool ran = backlog.run();
  return backlog.report(ran) ? 0 : 1;
}
