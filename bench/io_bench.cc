// What the backends cost beside the plain system calls, and whether registering pays.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/bench.h"
#include "bench/raw_ring.h"
#include "io/backends.h"

namespace {

constexpr std::size_t kChunkBytes = 256 << 10;
constexpr std::size_t kChunks = 512;  // 128 MiB: more than the caches of the processor
constexpr std::size_t kBlockBytes = 1 << 20;
constexpr std::size_t kBlocks = 64;
constexpr std::size_t kDepthMax = 4;

struct Buffers {
  std::unique_ptr<char, void (*)(void*)> memory{
      static_cast<char*>(std::aligned_alloc(4096, kDepthMax* kBlockBytes)), std::free};
  Buffers() { std::memset(memory.get(), 'x', kDepthMax * kBlockBytes); }
  char* data() const { return memory.get(); }
};

// A file without a name: gone when it is closed.
int nameless_file(std::size_t bytes) {
  std::string path = "io_bench.XXXXXX";
  const int file = ::mkstemp(path.data());
  bench::RawRing::expect(file, "mkstemp");
  ::unlink(path.c_str());
  const std::string chunk(kChunkBytes, 'x');
  for (std::size_t at = 0; at < bytes; at += kChunkBytes) {
    if (::pwrite(file, chunk.data(), kChunkBytes, static_cast<off_t>(at)) < 0) std::exit(1);
  }
  return file;
}

// `depth` reads in flight through an Io, each started again when it is done.
struct Reader {
  struct Place {
    Reader* reader;
    char* buffer;
    io::Operation operation = io::on<&Place::done>(*this);
    void done(std::int64_t result) {
      if (result != static_cast<std::int64_t>(reader->bytes)) std::exit(1);
      ++reader->finished;
      if (reader->started < reader->count) start();
    }
    void start() {
      const std::uint64_t offset = reader->bytes * reader->started++;
      reader->io.read(operation, reader->file, std::span(buffer, reader->bytes), offset);
    }
  };

  io::Io& io;
  int file;
  std::size_t bytes;
  std::size_t count;
  std::size_t started = 0;
  std::size_t finished = 0;

  void pass(char* buffers, std::size_t depth) {
    std::vector<std::unique_ptr<Place>> places;
    for (std::size_t i = 0; i < depth; ++i) {
      places.push_back(std::make_unique<Place>(Place{this, buffers + i * bytes}));
      places.back()->operation.owner = places.back().get();
    }
    for (const auto& place : places) place->start();
    while (finished < count) io.run_once(io::Io::kForever);
  }
};

void bench_reads(bench::Report& report, const Buffers& buffers) {
  const int file = nameless_file(kChunks * kChunkBytes);
  const bench::Work work{.items = kChunks, .bytes = kChunks * kChunkBytes};
  const auto plain = [&] {
    for (std::size_t i = 0; i < kChunks; ++i) {
      bench::keep(::pread(file, buffers.data(), kChunkBytes, static_cast<off_t>(i * kChunkBytes)));
    }
  };
  base::Log log{base::Log::Output{}};
  for (const io::Backend backend : {io::Backend::io_uring, io::Backend::epoll}) {
    const auto io = io::make_io(backend, log);
    if (!io) continue;
    for (const std::size_t depth : {1UL, 2UL, 4UL}) {
      report.beside(
          std::string("read/") + (*io)->name() + "/depth " + std::to_string(depth), work,
          [&] { Reader{**io, file, kChunkBytes, kChunks}.pass(buffers.data(), depth); }, "pread",
          plain);
    }
  }
  ::close(file);
}

double cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Does registering pay? By processor time, because the copy from the page cache hides the rest and
// wall time moves with every neighbour. All ways in turn, several rounds.
void bench_registration(const Buffers& buffers) {
  constexpr int kRounds = 21;
  const int file = nameless_file(kChunks * kChunkBytes);
  for (const unsigned depth : {1U, 2U, 4U}) {
    const std::array<std::pair<const char*, bench::RingOptions>, 4> ways = {{
        {"nothing", {.depth = depth}},
        {"file", {.depth = depth, .fixed_file = true}},
        {"buffers", {.depth = depth, .fixed_buffers = true}},
        {"file and buffers", {.depth = depth, .fixed_buffers = true, .fixed_file = true}},
    }};
    std::array<std::vector<double>, ways.size()> ns;
    std::array<std::vector<double>, ways.size()> ratios;
    for (int round = 0; round <= kRounds; ++round) {
      for (std::size_t i = 0; i < ways.size(); ++i) {
        bench::RawRing ring(file, buffers.data(), kChunkBytes, ways[i].second);
        const double start = cpu_ns();
        ring.pass(kChunks, false);
        if (round == 0) continue;  // warm-up
        ns[i].push_back((cpu_ns() - start) / kChunks);
        ratios[i].push_back(ns[0].back() / ns[i].back());
      }
    }
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const bench::Spread cost = bench::spread(ns[i]);
      std::printf("registered/depth %u/%-18s %8.0f CPU ns/chunk  [%.0f … %.0f]  %.2f × nothing\n",
                  depth, ways[i].first, cost.median, cost.least, cost.most,
                  bench::spread(ratios[i]).median);
    }
  }
  ::close(file);
}

void bench_writes(bench::Report& report, const Buffers& buffers) {
  const int file = nameless_file(0);
  const bench::Work work{.items = kBlocks, .bytes = kBlocks * kBlockBytes};
  bench::RawRing one(file, buffers.data(), kBlockBytes, {.depth = 1});
  bench::RawRing four(file, buffers.data(), kBlockBytes, {.depth = 4});
  const auto plain = [&] {
    bench::keep(::ftruncate(file, 0));
    for (std::size_t i = 0; i < kBlocks; ++i) {
      bench::keep(::pwrite(file, buffers.data(), kBlockBytes, static_cast<off_t>(i * kBlockBytes)));
    }
  };
  const auto beside = [&](const std::string& name, bench::RawRing& ring) {
    report.beside(
        name, work,
        [&] {
          bench::keep(::ftruncate(file, 0));
          ring.pass(kBlocks, true);
        },
        "pwrite", plain);
  };
  beside("write/ring, extending/depth 1", one);
  beside("write/ring, extending/depth 4", four);
  ::close(file);
}

void bench_round_trips(bench::Report& report, const Buffers& buffers) {
  const int file = nameless_file(kChunkBytes);
  const auto plain = [&] { bench::keep(::pread(file, buffers.data(), 1, 0)); };
  bench::RawRing ring(file, buffers.data(), kChunkBytes, {.depth = 1});
  report.run("round trip/empty", {}, [&] { ring.nop(); });
  base::Log log{base::Log::Output{}};
  for (const io::Backend backend : {io::Backend::io_uring, io::Backend::epoll}) {
    const auto io = io::make_io(backend, log);
    if (!io) continue;
    const std::string name = (*io)->name();
    report.beside(
        "round trip/1 byte/" + name, {}, [&] { Reader{**io, file, 1, 1}.pass(buffers.data(), 1); },
        "pread", plain);
    report.run("wake and run/" + name, {}, [&] {
      (*io)->wake();
      (*io)->run_once(io::Io::kForever);
    });
    report.run("run with nothing to do/" + name, {},
               [&] { (*io)->run_once(base::Duration::zero()); });
  }
  ::close(file);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  const Buffers buffers;
  bench_round_trips(report, buffers);
  bench_reads(report, buffers);
  bench_registration(buffers);
  bench_writes(report, buffers);
}
