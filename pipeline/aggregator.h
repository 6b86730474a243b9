// Aggregator: gathers a routed block's records into one batch per shard: count, prefix sum, one
// copy.
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

  // Fills parcel.slab and parcel.batches (room for `outlets` reserved by ParcelPool::take); each
  // batch's RunHeader is complete, with end_offset = parcel.end_offset. No batch is made for a
  // shard that gets no record; a parcel without any batch has an empty slab. Data and keys must be
  // readable kPaddingBytes past their ends.
  GatherResult gather(const RecordBlock& block, Marks marks, Parcel& parcel);

 private:
  struct Tally {
    std::uint64_t bytes_max = 0;  // of packed records
    std::uint64_t count = 0;
  };

  // The steps. `keys` and `skip` are types, so that each combination is a loop of its own.
  template <typename Keys, typename Skip>
  void gather_by(const RecordBlock& block, Keys keys, Skip skip, Parcel& parcel);
  template <typename Keys, typename Skip>
  void count(const RecordBlock& block, Keys keys, Skip skip);
  void lay_out(Parcel& parcel);
  void write_headers(const RecordBlock& block, Parcel& parcel);

  std::uint32_t outlets_;
  SlabPool& slabs_;
  bool avx2_;                   // how to copy
  std::vector<Tally> tallies_;  // per outlet, reused
  std::vector<char*> at_;       // per outlet, reused: where its next record goes
};

}  // namespace pipeline
