#include "pipeline/batch_queue.h"

#include <atomic>
#include <chrono>
#include <semaphore>
#include <thread>
#include <vector>

#include "tests/test.h"

using base::ReactorId;
using pipeline::Batch;
using pipeline::BatchQueue;
using pipeline::Doorbell;

namespace {

struct Owner {
  pipeline::Ringer ringer;  // of whoever pushes
  std::counting_semaphore<> wakes{0};
  int woken = 0;
  Doorbell doorbell{this, [](void* self) noexcept {
                      ++static_cast<Owner*>(self)->woken;
                      static_cast<Owner*>(self)->wakes.release();
                    }};
};

}  // namespace

TEST_CASE("batch queue: gives back what was pushed, in order", "[pipeline][batch_queue]") {
  Owner owner;
  BatchQueue queue(1, owner.doorbell);
  std::vector<Batch> batches(5);
  CHECK_FALSE(queue.maybe_ready());
  for (Batch& batch : batches) queue.push(ReactorId{0}, batch, owner.ringer);
  CHECK(queue.maybe_ready());
  std::vector<Batch*> out(8);
  REQUIRE(queue.drain(out) == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(out[i] == &batches[i]);
  CHECK_FALSE(queue.maybe_ready());
  CHECK(queue.drain(out) == 0);
}

TEST_CASE("batch queue: what did not fit is still announced", "[pipeline][batch_queue]") {
  Owner owner;
  BatchQueue queue(1, owner.doorbell);
  std::vector<Batch> batches(5);
  std::vector<Batch*> pushed;
  for (Batch& batch : batches) pushed.push_back(&batch);
  queue.push(ReactorId{0}, pushed, owner.ringer);
  queue.push(ReactorId{0}, std::span<Batch* const>{}, owner.ringer);
  std::vector<Batch*> got;
  while (queue.maybe_ready()) {
    Batch* out[2];
    const std::size_t count = queue.drain(out);
    got.insert(got.end(), out, out + count);
  }
  CHECK(got == pushed);
}

TEST_CASE("batch queue: a push wakes an owner that sleeps, once", "[pipeline][batch_queue]") {
  Owner owner;
  BatchQueue queue(1, owner.doorbell);
  std::vector<Batch> batches(3);
  owner.doorbell.awake();
  queue.push(ReactorId{0}, batches[0], owner.ringer);
  owner.ringer.ring_all();
  CHECK(owner.woken == 0);
  CHECK_FALSE(owner.doorbell.announce_sleep());  // it must look again first
  owner.doorbell.awake();
  CHECK(owner.doorbell.announce_sleep());
  queue.push(ReactorId{0}, batches[1], owner.ringer);
  queue.push(ReactorId{0}, batches[2], owner.ringer);
  CHECK(owner.woken == 0);  // not before the pusher's reactor says so
  CHECK(queue.maybe_ready());
  owner.ringer.ring_all();
  CHECK(owner.woken == 1);
  CHECK(owner.ringer.empty());
}

TEST_CASE("batch queue: several reactors push, nothing is lost, each one's order is kept",
          "[pipeline][batch_queue]") {
  constexpr std::size_t kPushers = 3;
  constexpr std::size_t kEach = 50'000;
  Owner owner;
  BatchQueue queue(kPushers, owner.doorbell);
  std::vector<std::vector<Batch>> batches(kPushers, std::vector<Batch>(kEach));
  for (std::uint32_t pusher = 0; pusher < kPushers; ++pusher) {
    for (std::size_t i = 0; i < kEach; ++i) {
      batches[pusher][i].shard = base::ShardNumber{pusher};
      batches[pusher][i].first_sequence = i;
    }
  }
  std::vector<std::thread> threads;
  for (std::uint32_t pusher = 0; pusher < kPushers; ++pusher) {
    threads.emplace_back([&, pusher] {
      pipeline::Ringer ringer;
      std::vector<Batch*> several;
      for (std::size_t i = 0; i < kEach; ++i) {
        if (i % 7 == 0) {
          queue.push(ReactorId{pusher}, batches[pusher][i], ringer);
          if (i % 3 == 0) ringer.ring_all();
          continue;
        }
        several.push_back(&batches[pusher][i]);
        if (several.size() == 6 || i + 1 == kEach) {
          queue.push(ReactorId{pusher}, several, ringer);
          several.clear();
        }
      }
      ringer.ring_all();
    });
  }
  std::vector<std::size_t> next(kPushers);
  std::size_t got = 0;
  bool in_order = true;
  bool lost = false;
  while (got < kPushers * kEach && !lost) {
    owner.doorbell.awake();
    Batch* out[100];
    for (std::size_t count = queue.drain(out); count != 0; count = queue.drain(out)) {
      for (std::size_t i = 0; i < count; ++i) {
        in_order = in_order && out[i]->first_sequence == next[base::index(out[i]->shard)]++;
      }
      got += count;
    }
    if (got == kPushers * kEach || !owner.doorbell.announce_sleep() || queue.maybe_ready())
      continue;
    lost = !owner.wakes.try_acquire_for(
        std::chrono::seconds(20));  // only a lost wake-up takes so long
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(lost);
  CHECK(in_order);
  CHECK(got == kPushers * kEach);
}
