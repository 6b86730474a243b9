// What the store costs beside the plain calls it cannot do without: appends beside write and
// fdatasync of the same bytes, small commits beside a small write and fdatasync, and how long a
// reader or a writer takes to start in a segment of very small blocks.
//
// Writes to store_bench.data in the current directory: run it on the file system in question.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/packed_record.h"
#include "bench/bench.h"
#include "bench/lines.h"
#include "io/backends.h"
#include "store/cursor.h"
#include "store/shard.h"

namespace {

using Seconds = std::chrono::duration<double>;

constexpr std::size_t kRunBytes = 1 << 20;
constexpr std::size_t kRuns = 96;
constexpr std::size_t kInFlight = 4;
constexpr int kRounds = 15;
constexpr int kCommits = 3000;
constexpr std::uint64_t kSmallBlocks = 400'000;  // of 168 bytes with their headers: 64 MiB
const char* const kDirectory = "store_bench.data";

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "store_bench: %s\n", what.c_str());
  std::exit(1);
}

double since(std::chrono::steady_clock::time_point start) {
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

std::string pack_run(const std::vector<std::string_view>& lines) {
  std::string run(base::kRunHeaderBytes, '\0');
  for (const std::string_view line : lines) {
    const base::Record record{.key = {}, .data = line, .hash = std::nullopt};
    const std::size_t at = run.size();
    run.resize(at + base::packed_bytes(record));
    base::pack(record, run.data() + at);
  }
  base::RunHeader header;
  header.record_count = static_cast<std::uint32_t>(lines.size());
  header.bytes = static_cast<std::uint32_t>(run.size() - base::kRunHeaderBytes);
  header.arrival_us = 1'700'000'000'000'000;
  std::memcpy(run.data(), &header, sizeof header);
  return run;
}

std::string log_run(std::size_t bytes) {
  const std::string text = bench::log_lines({.seed = 1, .bytes = bytes});
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(std::string_view(text).substr(at, end - at));
    at = end + 1;
  }
  return pack_run(lines);
}

// A shard on the real machine, and one thread that is its owner.
class Rig {
 public:
  explicit Rig(store::ShardOptions options) {
    auto opened =
        store::Shard::open(environment_, kDirectory, {.stream_id = 1, .stream = "s"}, options);
    if (!opened) give_up(opened.error().message);
    shard_ = std::move(*opened);
    shard_->attach(environment_);
  }
  void append(store::Append& append) { shard_->append(append); }
  void wait(std::size_t in_flight_max) {
    while (in_flight_ > in_flight_max) io_->run_once(io::Io::kForever);
  }
  void append_and_wait(std::string_view run, std::size_t in_flight_max) {
    Place& place = places_[next_++ % places_.size()];
    place.run = run;
    place.append = {.runs = {&place.run, 1}, .owner = this, .done = &Rig::done};
    ++in_flight_;
    shard_->append(place.append);
    wait(in_flight_max);
  }

 private:
  struct Place {
    store::Append append;
    std::string_view run;
  };
  static void done(void* owner, store::Append&, int error) {
    if (error != 0) give_up(std::string("append: ") + std::strerror(error));
    --static_cast<Rig*>(owner)->in_flight_;
  }

  base::Log log_{base::Log::Output{}};
  std::unique_ptr<io::Io> io_ = std::move(*io::make_io(io::Backend::automatic, log_));
  std::unique_ptr<io::Files> files_ = io::make_files();
  std::unique_ptr<io::Clock> clock_ = io::make_clock();
  std::unique_ptr<io::Random> random_ = io::make_random();
  io::Environment environment_{*io_, *files_, *clock_, *random_, log_};
  std::vector<Place> places_{2 * kInFlight};
  std::size_t next_ = 0, in_flight_ = 0;
  std::unique_ptr<store::Shard> shard_;
};

void clean() { std::filesystem::remove_all(kDirectory); }

// Seconds for all runs, each answered when it survives a power cut.
double append_all(const std::string& run, store::Compression compression) {
  clean();
  Rig rig({.compression = compression});
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < kRuns; ++i) rig.append_and_wait(run, kInFlight - 1);
  rig.wait(0);
  return since(start);
}

class PlainFile {
 public:
  PlainFile() {
    std::filesystem::create_directory(kDirectory);
    file_ =
        ::open((std::string(kDirectory) + "/plain").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0640);
    if (file_ < 0) give_up("cannot make a file");
  }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;
  ~PlainFile() { ::close(file_); }
  void write(std::string_view bytes) {
    if (::pwrite(file_, bytes.data(), bytes.size(), at_) != static_cast<ssize_t>(bytes.size())) {
      give_up("pwrite");
    }
    at_ += static_cast<off_t>(bytes.size());
  }
  void sync() {
    if (::fdatasync(file_) != 0) give_up("fdatasync");
  }

 private:
  int file_ = -1;
  off_t at_ = 0;
};

double write_all(const std::string& run) {
  clean();
  PlainFile file;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < kRuns; ++i) {
    file.write(run);
    if ((i + 1) % kInFlight == 0) file.sync();
  }
  return since(start);
}

void bench_throughput() {
  const std::string run = log_run(kRunBytes);
  std::vector<double> plain, raw, lz4, raw_ratio, lz4_ratio;
  for (int round = 0; round <= kRounds; ++round) {
    const double p = write_all(run);
    const double r = append_all(run, store::Compression::none);
    const double l = append_all(run, store::Compression::lz4);
    if (round == 0) continue;  // warm-up
    plain.push_back(p);
    raw.push_back(r);
    lz4.push_back(l);
    raw_ratio.push_back(p / r);
    lz4_ratio.push_back(p / l);
  }
  const auto print = [&](const char* name, const std::vector<double>& seconds,
                         const std::vector<double>& ratios) {
    const bench::Spread spread = bench::spread(seconds);
    const bench::Spread ratio = bench::spread(ratios);
    const double mb = static_cast<double>(run.size() * kRuns) / 1e6;
    std::printf("%-34s %7.0f MB/s [%.0f … %.0f]  %.2f [%.2f … %.2f] × write\n", name,
                mb / spread.median, mb / spread.most, mb / spread.least, ratio.median, ratio.least,
                ratio.most);
  };
  print("write, fdatasync each 4 MiB", plain, std::vector<double>(plain.size(), 1.0));
  print("append/none, 4 of 1 MiB in flight", raw, raw_ratio);
  print("append/lz4, 4 of 1 MiB in flight", lz4, lz4_ratio);
}

void bench_latency() {
  clean();
  const std::string run = log_run(4 << 10);
  std::vector<double> plain, shard;
  PlainFile file;
  Rig rig({.compression = store::Compression::none});
  for (int i = 0; i < kCommits; ++i) {
    auto start = std::chrono::steady_clock::now();
    file.write(run);
    file.sync();
    plain.push_back(since(start));
    start = std::chrono::steady_clock::now();
    rig.append_and_wait(run, 0);
    shard.push_back(since(start));
  }
  const auto print = [](const char* name, std::vector<double>& seconds) {
    std::ranges::sort(seconds);
    const auto at = [&](double part) {
      return 1e6 *
             seconds[static_cast<std::size_t>(part * static_cast<double>(seconds.size() - 1))];
    };
    std::printf("%-34s p50 %6.0f µs  p99 %6.0f µs  p99.9 %6.0f µs\n", name, at(0.5), at(0.99),
                at(0.999));
  };
  print("commit 4 KiB/pwrite, fdatasync", plain);
  print("commit 4 KiB/append", shard);
}

void bench_starts(bench::Report& report) {
  clean();
  const store::ShardOptions options{.compression = store::Compression::none,
                                    .sync = store::SyncPolicy::os,
                                    .segment_bytes_max = ~std::uint64_t{0}};
  const std::string run = pack_run(
      {std::string_view("one short line of a log that comes alone, sixty-four bytes.....")});
  {
    Rig rig(options);
    for (std::uint64_t i = 0; i < kSmallBlocks; ++i) rig.append_and_wait(run, 0);
  }
  const auto files = io::make_files();
  const auto start = [&](const char* name, store::StartAt at) {
    report.run(std::string("start/") + name, {.items = 1}, [&] {
      auto cursor = store::Cursor::open(*files, kDirectory, at);
      store::StoredRecord record;
      if (!cursor || !cursor->next(record)) give_up("cursor");
    });
  };
  using Kind = store::StartAt::Kind;
  start("first", {});
  start("last sequence", {.kind = Kind::at_sequence, .sequence = kSmallBlocks - 1});
  const base::Timestamp late{std::chrono::microseconds(1'700'000'000'000'001)};
  start("time after all", {.kind = Kind::at_time, .time = late});
  start("latest", {.kind = Kind::latest});
  report.run("start/writer", {.items = 1}, [&] { Rig rig(options); });
  report.run("read/all small blocks", {.items = kSmallBlocks}, [&] {
    auto cursor = store::Cursor::open(*files, kDirectory, {});
    store::StoredRecord record;
    while (cursor && *cursor->next(record)) bench::keep(record);
  });
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  bench_starts(report);
  bench_throughput();
  bench_latency();
  clean();
}
