#include "pipeline/batch_queue.h"

#include "base/assert.h"

namespace pipeline {

BatchQueue::BatchQueue(std::size_t reactor_count, Doorbell& doorbell)
    : consumer_(queue_), doorbell_(doorbell) {
  tokens_.reserve(reactor_count);
  for (std::size_t i = 0; i < reactor_count; ++i) tokens_.emplace_back(queue_);
}

void BatchQueue::push(base::ReactorId from, Batch& batch, Ringer& ringer) {
  // Fails only without memory, and then a batch would be lost.
  ASSERT(queue_.enqueue(tokens_[base::index(from)], &batch));
  announce(ringer);
}

void BatchQueue::push(base::ReactorId from, std::span<Batch* const> batches, Ringer& ringer) {
  if (batches.empty()) return;
  ASSERT(queue_.enqueue_bulk(tokens_[base::index(from)], batches.data(), batches.size()));
  announce(ringer);
}

std::size_t BatchQueue::drain(std::span<Batch*> out) {
  if (out.empty() || !ready_.exchange(false, std::memory_order_acq_rel)) return 0;
  const std::size_t count = queue_.try_dequeue_bulk(consumer_, out.data(), out.size());
  // A full `out` may have left something behind, whose pusher will not announce it again.
  if (count == out.size()) ready_.store(true, std::memory_order_relaxed);
  return count;
}

void BatchQueue::announce(Ringer& ringer) {
  ready_.exchange(true, std::memory_order_acq_rel);
  ringer.note(doorbell_);
}

}  // namespace pipeline
