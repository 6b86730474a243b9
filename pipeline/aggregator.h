// Aggregator: gathers a routed block's records into one batch per shard: count, prefix sum, one copy.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/batch.h"
#include "pipeline/pools.h"
#include "pipeline/record_block.h"

namespace pipeline {

// Marks of one origin after a restart: marks[shard] = everything below is durable in that shard.
// Records below their shard's mark are skipped. Empty: nothing to skip.
using Marks = std::span<const std::uint64_t>;

struct GatherResult {
  std::uint64_t records = 0;          // gathered
  std::uint64_t records_skipped = 0;  // durable already, by their shard's mark
};

class Aggregator {
 public:
  // `outlets`: shards of the target plus the dead-letter outlet. `slabs` outlives the aggregator.
  Aggregator(std::uint32_t outlets, SlabPool& slabs);

  // Fills parcel.slab and parcel.batches (room for `outlets` reserved by ParcelPool::take); each batch's
  // RunHeader is complete, with end_offset = parcel.end_offset. No batch is made for a shard that gets
  // no record; a parcel without any batch has an empty slab.
  GatherResult gather(const RecordBlock& block, Marks marks, Parcel& parcel);

 private:
  std::uint32_t outlets_;
  SlabPool& slabs_;
  std::vector<std::uint64_t> bytes_;   // per outlet, reused
  std::vector<std::uint32_t> count_;   // per outlet, reused
  std::vector<char*> at_;              // per outlet, reused
};

}  // namespace pipeline
