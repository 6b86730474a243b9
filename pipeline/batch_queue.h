// BatchQueue: a lock-free queue of batches from any reactor to one owner; the shard queue and the
// settle queue are both this class. FIFO per pushing reactor. Unbounded by itself: the Budget
// bounds it. The only file that includes concurrentqueue.h.
//
// `ready_` says that draining may find something. A pusher enqueues, then sets it; the owner clears
// it, then drains. Both sides exchange, because a read-modify-write keeps every earlier pusher's
// release visible to the owner's acquire: an owner that clears the flag sees all batches whose
// pushers had set it, and a pusher that comes later sets it again. The Doorbell wakes a sleeping
// owner; the pusher rings it when its Ringer's turn comes.
#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <atomic>
#include <span>
#include <vector>

#include "base/ids.h"
#include "pipeline/batch.h"
#include "pipeline/doorbell.h"
#include "pipeline/ringer.h"

namespace pipeline {

class BatchQueue {
 public:
  // `doorbell`: the owner's; outlives the queue.
  BatchQueue(std::size_t reactor_count, Doorbell& doorbell);

  // From reactor `from`'s thread, which owes the owner's doorbell a ring from then on.
  void push(base::ReactorId from, Batch& batch, Ringer& ringer);
  // Many at once.
  void push(base::ReactorId from, std::span<Batch* const> batches, Ringer& ringer);

  // Owner only. Returns how many batches it put in `out`.
  std::size_t drain(std::span<Batch*> out);
  // Owner only, cheap: may the queue hold something? Never false when a completed push is unseen.
  bool maybe_ready() const { return ready_.load(std::memory_order_acquire); }

 private:
  void announce(Ringer& ringer);

  moodycamel::ConcurrentQueue<Batch*> queue_;
  std::vector<moodycamel::ProducerToken> tokens_;  // one per reactor, used by that reactor only
  moodycamel::ConsumerToken consumer_;             // the owner's
  std::atomic<bool> ready_{false};  // set by pushers, cleared by the owner before it drains
  Doorbell& doorbell_;
};

}  // namespace pipeline
