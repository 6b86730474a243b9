// ShardBuffer: the owner's side of a shard queue: lists batches and says when it is time to flush.
// Pure: time comes in as an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "pipeline/batch.h"

namespace pipeline {

struct FlushPolicy {
  std::uint64_t bytes_max = 4ULL << 20;  // of runs gathered
  std::uint64_t records_max = 1'000'000;
  base::Duration age_max = std::chrono::seconds(1);  // of the oldest batch; 0: at once

  bool operator==(const FlushPolicy&) const = default;
};

class ShardBuffer {
 public:
  explicit ShardBuffer(FlushPolicy policy) : policy_(policy) {}

  void add(Batch& batch, base::Instant now);
  bool due(base::Instant now) const;
  // When it will be due by age; Instant::max() when empty.
  base::Instant due_at() const;
  // Appends the oldest batches, at most `bytes_max` together but at least one, to `out`.
  void take(std::uint64_t bytes_max, std::vector<Batch*>& out);

  bool empty() const { return batches_.size() == first_; }
  // When the oldest of it was read; Instant::max() when empty.
  base::Instant oldest() const;
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t records() const { return records_; }
  const FlushPolicy& policy() const { return policy_; }

 private:
  struct Entry {
    Batch* batch;
    base::Instant arrived;
  };
  FlushPolicy policy_;
  std::vector<Entry> batches_;  // [first_, end) are waiting; the rest is dropped now and then
  std::size_t first_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t records_ = 0;
};

}  // namespace pipeline
