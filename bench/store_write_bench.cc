// How should a segment be written? Copies one cached file by each candidate, sync included, beside
// `cp` + sync in the same minutes. The decision: docs/design/0003-how-the-store-writes.md.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/bench.h"
#include "bench/raw_ring.h"

namespace {

constexpr std::size_t kBlockBytes = 1 << 20;
constexpr std::size_t kBlocks = 512;
constexpr std::size_t kBytes = kBlocks * kBlockBytes;
constexpr unsigned kDepth = 4;
constexpr int kRounds = 7;
const char* const kSource = "store_write_bench.source";
const char* const kTarget = "store_write_bench.target";

char* buffers() {
  static char* const memory = static_cast<char*>(std::aligned_alloc(4096, kDepth * kBlockBytes));
  return memory;
}

int open_or_exit(const char* path, int flags) {
  const int file = ::open(path, flags, 0640);
  bench::RawRing::expect(file, path);
  return file;
}

void require(bool fine) {
  if (!fine) {
    std::perror("store_write_bench");
    std::exit(1);
  }
}

void cp_and_sync() {
  require(std::system((std::string("cp ") + kSource + " " + kTarget).c_str()) == 0);
  const int file = open_or_exit(kTarget, O_WRONLY);
  require(::fdatasync(file) == 0);
  ::close(file);
}

// Reads a block, hands it to `write`, and so on; then one sync.
void copy(int target, const std::function<void(std::size_t block, char* data)>& write) {
  const int source = open_or_exit(kSource, O_RDONLY);
  for (std::size_t i = 0; i < kBlocks; ++i) {
    char* const data = buffers() + i % kDepth * kBlockBytes;
    require(::pread(source, data, kBlockBytes, static_cast<off_t>(i * kBlockBytes)) ==
            static_cast<ssize_t>(kBlockBytes));
    write(i, data);
  }
  require(::fdatasync(target) == 0);
  ::close(source);
  ::close(target);
}

// `sync_every`: blocks between two syncs through the ring, which run while we go on; 0: none.
void plain_writes(std::size_t sync_every) {
  const int target = open_or_exit(kTarget, O_WRONLY | O_CREAT | O_TRUNC);
  io_uring ring;
  bench::RawRing::expect(io_uring_queue_init(8, &ring, 0), "io_uring_queue_init");
  bool syncing = false;
  const auto wait_for_sync = [&] {
    if (!syncing) return;
    io_uring_cqe* cqe = nullptr;
    require(io_uring_wait_cqe(&ring, &cqe) == 0 && cqe->res == 0);
    io_uring_cqe_seen(&ring, cqe);
    syncing = false;
  };
  copy(target, [&](std::size_t i, char* data) {
    require(::pwrite(target, data, kBlockBytes, static_cast<off_t>(i * kBlockBytes)) ==
            static_cast<ssize_t>(kBlockBytes));
    if (sync_every == 0 || (i + 1) % sync_every != 0) return;
    wait_for_sync();
    io_uring_prep_fsync(io_uring_get_sqe(&ring), target, IORING_FSYNC_DATASYNC);
    io_uring_submit(&ring);
    syncing = true;
  });
  io_uring_queue_exit(&ring);
}

// `flags`: of open; `written`: into blocks that hold data already, else only reserved.
void direct_writes(bool written) {
  const int target = open_or_exit(kTarget, O_WRONLY | O_CREAT | O_DIRECT | (written ? 0 : O_TRUNC));
  if (!written) require(::fallocate(target, 0, 0, kBytes) == 0);
  io_uring ring;
  bench::RawRing::expect(io_uring_queue_init(8, &ring, 0), "io_uring_queue_init");
  unsigned in_flight = 0;
  const auto reap = [&] {
    io_uring_cqe* cqe = nullptr;
    require(io_uring_wait_cqe(&ring, &cqe) == 0 && cqe->res == static_cast<int>(kBlockBytes));
    io_uring_cqe_seen(&ring, cqe);
    --in_flight;
  };
  copy(target, [&](std::size_t i, char* data) {
    io_uring_prep_write(io_uring_get_sqe(&ring), target, data, kBlockBytes, i * kBlockBytes);
    io_uring_submit(&ring);
    ++in_flight;
    // Its buffer is read into again kDepth blocks later; the oldest must be done by then.
    const bool last = i + 1 == kBlocks;
    while (in_flight == kDepth || (last && in_flight != 0)) reap();
  });
  io_uring_queue_exit(&ring);
}

double cpu_seconds() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      sum += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    }
  }
  return sum;
}

struct Measured {
  std::vector<double> seconds;
  std::vector<double> cpu;
  std::vector<double> ratio;  // to cp + sync of the same round
};

}  // namespace

int main() {
  {
    const int source = open_or_exit(kSource, O_WRONLY | O_CREAT | O_TRUNC);
    std::memset(buffers(), 'x', kDepth * kBlockBytes);
    for (std::size_t i = 0; i < kBlocks; ++i) {
      require(::write(source, buffers(), kBlockBytes) == static_cast<ssize_t>(kBlockBytes));
    }
    require(::fsync(source) == 0);
    ::close(source);
  }
  struct Way {
    const char* name;
    std::function<void()> run;
  };
  const std::vector<Way> ways = {
      {"cp + sync", cp_and_sync},
      {"pwrite, one sync", [] { plain_writes(0); }},
      {"pwrite, ring sync each 4 MiB", [] { plain_writes(4); }},
      {"pwrite, ring sync each 32 MiB", [] { plain_writes(32); }},
      {"O_DIRECT ring, reserved, one sync", [] { direct_writes(false); }},
      {"O_DIRECT ring, overwriting, one sync", [] { direct_writes(true); }},
  };
  std::vector<Measured> measured(ways.size());
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      // The overwriting way needs the file of the one before it; all others start without.
      if (i + 1 != ways.size()) ::unlink(kTarget);
      const double cpu = cpu_seconds();
      const auto start = std::chrono::steady_clock::now();
      ways[i].run();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      measured[i].seconds.push_back(took.count());
      measured[i].cpu.push_back(cpu_seconds() - cpu);
      measured[i].ratio.push_back(measured[0].seconds.back() / took.count());
    }
  }
  constexpr double kGigabytes = static_cast<double>(kBytes) / 1e9;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const bench::Spread seconds = bench::spread(measured[i].seconds);
    const bench::Spread ratio = bench::spread(measured[i].ratio);
    std::printf("%-38s %5.2f GB/s  %4.2f CPU s/GB  %4.2f [%.2f … %.2f] × cp + sync\n", ways[i].name,
                kGigabytes / seconds.median, bench::spread(measured[i].cpu).median / kGigabytes,
                ratio.median, ratio.least, ratio.most);
  }
  ::unlink(kSource);
  ::unlink(kTarget);
}
