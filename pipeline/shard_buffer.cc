#include "pipeline/shard_buffer.h"

#include <algorithm>

namespace pipeline {

void ShardBuffer::add(Batch& batch, base::Instant now) {
  batches_.push_back({&batch, now});
  bytes_ += batch.run.size();
  records_ += batch.record_count;
}

bool ShardBuffer::due(base::Instant now) const {
  if (empty()) return false;
  return bytes_ >= policy_.bytes_max || records_ >= policy_.records_max || now >= due_at();
}

base::Instant ShardBuffer::due_at() const {
  if (empty()) return base::Instant::max();
  const base::Instant oldest = batches_[first_].arrived;
  // "Never by age" is written as a very long age; it must not wrap around into the past.
  if (policy_.age_max > base::Instant::max() - oldest) return base::Instant::max();
  return oldest + policy_.age_max;
}

void ShardBuffer::take(std::uint64_t bytes_max, std::vector<Batch*>& out) {
  std::uint64_t taken_bytes = 0;
  while (!empty()) {
    Batch* batch = batches_[first_].batch;
    if (taken_bytes != 0 && taken_bytes + batch->run.size() > bytes_max) break;
    taken_bytes += batch->run.size();
    bytes_ -= batch->run.size();
    records_ -= batch->record_count;
    out.push_back(batch);
    ++first_;
  }
  if (empty()) {
    batches_.clear();
    first_ = 0;
  } else if (first_ > batches_.size() / 2) {
    // A buffer that is never emptied would otherwise grow with all it ever held.
    batches_.erase(batches_.begin(), batches_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

base::Instant ShardBuffer::oldest() const {
  base::Instant oldest = base::Instant::max();
  for (std::size_t i = first_; i < batches_.size(); ++i) {
    oldest = std::min(oldest, batches_[i].batch->parcel->taken);
  }
  return oldest;
}

}  // namespace pipeline
