// How long a shard takes to open when its full segment is damaged: cut anywhere, single bytes
// changed anywhere, whole ranges lost. Goal: less than 2 s (it is what a start waits for).
//
//   damaged_open_bench [samples]      40 of each kind by default
//
// Works in damaged_open_bench.data in the current directory. Each sample is a fresh copy of the
// segment, in the page cache, as it is after a crash of the agent; what recovery writes again it
// syncs to the disk.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/packed_record.h"
#include "io/backends.h"
#include "store/shard.h"

namespace {

namespace fs = std::filesystem;

const std::string kDirectory = "damaged_open_bench.data";
const std::string kSegment = kDirectory + "/00000000000000000000.seg";
constexpr std::uint64_t kSegmentBytes = 64U << 20;
constexpr std::uint64_t kSeed = 1;

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "damaged_open_bench: %s\n", what.c_str());
  std::exit(1);
}

class World {
 public:
  std::unique_ptr<store::Shard> open(store::ShardOptions options, std::uint64_t known_next) {
    auto opened = store::Shard::open(environment_, kDirectory, {.stream_id = 1, .stream = "s"},
                                     options, known_next);
    if (!opened) give_up(opened.error().message);
    (*opened)->attach(environment_);
    return std::move(*opened);
  }
  void append(store::Shard& shard, std::string_view run) {
    bool over = false;
    store::Append append;
    append.runs = {&run, 1};
    append.owner = &over;
    append.done = [](void* owner, store::Append&, int error) {
      if (error != 0) give_up(std::strerror(error));
      *static_cast<bool*>(owner) = true;
    };
    shard.append(append);
    while (!over) io_->run_once(io::Io::kForever);
  }

 private:
  base::Log log_{base::Log::Output{}};
  std::unique_ptr<io::Io> io_ = std::move(*io::make_io(io::Backend::automatic, log_));
  std::unique_ptr<io::Files> files_ = io::make_files();
  std::unique_ptr<io::Clock> clock_ = io::make_clock();
  std::unique_ptr<io::Random> random_ = io::make_random();
  io::Environment environment_{*io_, *files_, *clock_, *random_, log_};
};

std::string make_run(std::size_t records, std::mt19937_64& random) {
  std::string run(base::kRunHeaderBytes, '\0');
  for (std::size_t i = 0; i < records; ++i) {
    const std::string line =
        "2026-11-25T22:00:00Z host app[1]: request " + std::to_string(random()) + " done";
    const base::Record record{.key = {}, .data = line, .hash = std::nullopt};
    const std::size_t at = run.size();
    run.resize(at + base::packed_bytes(record));
    base::pack(record, run.data() + at);
  }
  base::RunHeader header;
  header.record_count = static_cast<std::uint32_t>(records);
  header.bytes = static_cast<std::uint32_t>(run.size() - base::kRunHeaderBytes);
  header.arrival_us = 1'700'000'000'000'000;
  std::memcpy(run.data(), &header, sizeof header);
  return run;
}

struct Full {
  std::string bytes;
  std::uint64_t records = 0;
};

// One segment of 64 MiB, made of appends of so many records each.
Full make_segment(World& world, store::Compression compression, std::size_t records,
                  std::mt19937_64& random) {
  fs::remove_all(kDirectory);
  const store::ShardOptions options{.compression = compression,
                                    .sync = store::SyncPolicy::os,
                                    .segment_bytes_max = ~std::uint64_t{0}};
  Full full;
  {
    const auto shard = world.open(options, 0);
    while (shard->stored_bytes() < kSegmentBytes) world.append(*shard, make_run(records, random));
    full.records = shard->next_sequence();
  }
  std::ifstream file(kSegment, std::ios::binary);
  full.bytes.assign(std::istreambuf_iterator<char>(file), {});
  return full;
}

enum class Damage { cut, bytes, range };

void damage(std::string& bytes, Damage kind, std::mt19937_64& random) {
  const auto below = [&random](std::uint64_t limit) { return random() % limit; };
  switch (kind) {
    case Damage::cut:
      bytes.resize(below(bytes.size()));
      break;
    case Damage::bytes:
      for (std::uint64_t i = 0, count = 1 + below(20); i < count; ++i) {
        bytes[below(bytes.size())] ^= static_cast<char>(1 + below(255));
      }
      break;
    case Damage::range: {
      const std::uint64_t at = below(bytes.size());
      const std::uint64_t size = std::min<std::uint64_t>(1 + below(16U << 20), bytes.size() - at);
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), size, '\0');
      break;
    }
  }
}

void measure(World& world, const char* what, const Full& full, Damage kind, int samples,
             std::mt19937_64& random) {
  std::vector<double> seconds;
  for (int i = 0; i < samples; ++i) {
    std::string bytes = full.bytes;
    damage(bytes, kind, random);
    fs::remove_all(kDirectory);
    fs::create_directory(kDirectory);
    std::ofstream(kSegment, std::ios::binary) << bytes;
    const auto start = std::chrono::steady_clock::now();
    const auto shard = world.open({}, full.records);
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    if (shard->next_sequence() < full.records) give_up("numbers go back");
  }
  std::ranges::sort(seconds);
  std::printf("%-30s %3d samples: median %6.0f ms, longest %6.0f ms\n", what, samples,
              1e3 * seconds[seconds.size() / 2], 1e3 * seconds.back());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int samples = argc > 1 ? std::atoi(argv[1]) : 40;
  if (samples < 1) give_up("samples: a number above 0");
  World world;
  std::mt19937_64 random(kSeed);
  struct Shape {
    const char* name;
    store::Compression compression;
    std::size_t records;  // of each append
  };
  for (const Shape& shape : {Shape{"blocks of 1 MiB", store::Compression::none, 12'000},
                             Shape{"blocks of 64 KiB, lz4", store::Compression::lz4, 12'000},
                             Shape{"blocks of one line", store::Compression::none, 1}}) {
    const Full full = make_segment(world, shape.compression, shape.records, random);
    std::printf("%s: %zu bytes, %llu records\n", shape.name, full.bytes.size(),
                static_cast<unsigned long long>(full.records));
    measure(world, "  cut anywhere", full, Damage::cut, samples, random);
    measure(world, "  1 to 20 bytes changed", full, Damage::bytes, samples, random);
    measure(world, "  up to 16 MiB of zeros", full, Damage::range, samples, random);
  }
  fs::remove_all(kDirectory);
  return 0;
}
