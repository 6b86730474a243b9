// Batches from one core to another, one by one and many at once, and on one thread.
#include <atomic>
#include <thread>
#include <vector>

#include "bench/bench.h"
#include "pipeline/batch_queue.h"

namespace {

constexpr std::size_t kBatches = 100'000;
constexpr std::size_t kInFlight = 4096;  // a budget's worth

void across(pipeline::BatchQueue& queue, std::vector<pipeline::Batch>& batches, std::size_t bulk) {
  std::atomic<std::size_t> got{0};
  std::thread owner([&] {
    pipeline::Batch* out[256];
    while (got.load(std::memory_order_relaxed) < kBatches) {
      const std::size_t count = queue.maybe_ready() ? queue.drain(out) : 0;
      got.store(got.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
  });
  pipeline::Ringer ringer;
  std::vector<pipeline::Batch*> group;
  for (std::size_t i = 0; i < kBatches; ++i) {
    while (i - got.load(std::memory_order_relaxed) > kInFlight) {
    }
    if (bulk == 1) {
      queue.push(base::ReactorId{0}, batches[i], ringer);
      continue;
    }
    group.push_back(&batches[i]);
    if (group.size() < bulk && i + 1 < kBatches) continue;
    queue.push(base::ReactorId{0}, group, ringer);
    group.clear();
  }
  owner.join();
}

}  // namespace

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  pipeline::Doorbell doorbell{nullptr, [](void*) noexcept {}};
  pipeline::BatchQueue queue(1, doorbell);
  std::vector<pipeline::Batch> batches(kBatches);
  const bench::Work work{.items = kBatches};
  report.run("batch queue/two cores/one by one", work, [&] { across(queue, batches, 1); });
  report.run("batch queue/two cores/by 16", work, [&] { across(queue, batches, 16); });
  pipeline::Batch* out[16];
  pipeline::Ringer ringer;
  report.run("batch queue/one core/push and drain", {.items = 16}, [&] {
    for (std::size_t i = 0; i < 16; ++i) queue.push(base::ReactorId{0}, batches[i], ringer);
    bench::keep(queue.drain(out));
  });
}
