// Budget: bytes a flow may have in flight, the only bound there is.
//
// Shared by the reactors of a flow: `available_` is one atomic, relaxed adds, because the number
// orders nothing. When a reactor finds too little it sets `starving_` and rings everybody: owners
// of shard buffers flush although nothing is due (a slab is pinned by its slowest shard), and
// whoever returns credit clears the flag and rings again so that readers try once more.
//
// Who lacks the credit for a large read is next: small ones of others would use up for ever what
// comes back. They wait until it has its credit, or wants it no more, and are rung then.
//
// No wake-up is lost. A taker writes `starving_`, then reads `available_` once more; a giver writes
// `available_`, then reads `starving_`. Both put a sequentially consistent fence between, so either
// the taker sees the credit or the giver sees the flag and rings. The Doorbell carries that ring to
// a taker already on its way to sleep. Credit is taken by compare-and-exchange and never subtracted
// on trial: a trial subtraction could make another taker fail on credit that comes back without a
// ring.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "pipeline/doorbell.h"

namespace pipeline {

class Budget {
 public:
  // `doorbells`: of all reactors; they outlive the budget.
  Budget(std::uint64_t bytes, std::vector<Doorbell*> doorbells);

  // Takes `bytes` of credit, or takes nothing and returns false after marking the flow as starving.
  bool take(std::uint64_t bytes) { return take_as(bytes, nullptr); }
  // The same for the one read its taker cannot do without: a flow whose limit is smaller may still
  // have it when nothing else of it is out. Better over the limit for a moment than stuck for good.
  // `next`: who takes it; when it fails he is next, if nobody is, until a take of his succeeds or
  // he withdraws, which he does before he ends. nullptr: he need not be.
  bool take_or_alone(std::uint64_t bytes, const void* next = nullptr);
  void withdraw(const void* next);
  // Takes `bytes` even if that overdraws: a slab that grew beyond what its chunk was charged.
  void overdraw(std::uint64_t bytes);
  void give_back(std::uint64_t bytes);

  // Any thread, one at a time. What is out stays out: until enough of it is back, nobody gets more.
  void resize(std::uint64_t bytes);

  // Was anything given back since the last call? For one who asks now and then.
  bool came_back() { return came_back_.exchange(false, std::memory_order_relaxed); }
  // Is there less than `bytes`, or has somebody found too little? Then the flow is starving, and
  // what waits to be flushed is, also if nobody reads.
  bool lacks(std::uint64_t bytes);
  bool starving() const { return starving_.load(std::memory_order_relaxed); }
  std::uint64_t limit_bytes() const { return limit_bytes_.load(std::memory_order_relaxed); }
  std::int64_t available_bytes() const { return available_.load(std::memory_order_relaxed); }

 private:
  bool take_as(std::uint64_t bytes, const void* taker);
  bool try_take(std::uint64_t bytes, const void* taker);
  void ring_all();

  std::atomic<std::uint64_t> limit_bytes_;
  std::atomic<std::int64_t> available_;
  std::atomic<bool> starving_{false};
  std::atomic<bool> came_back_{false};
  std::atomic<const void*> next_{nullptr};  // nullptr: first come, first served
  std::vector<Doorbell*> doorbells_;
};

}  // namespace pipeline
