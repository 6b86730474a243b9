// Router: a shard number for each record of a block, many keys hashed at once.
#pragma once

#include <vector>

#include "base/hash_key.h"
#include "pipeline/record_block.h"
#include "pipeline/shard_map.h"

namespace pipeline {

// The hash of a record without a key: depends on origin and offset alone, so a record read again after
// a crash goes to the same shard. Uniform over 64 bits (the upper half of the hash key).
std::uint64_t random_hash(base::Origin origin, std::uint64_t offset);

class Router {
 public:
  explicit Router(ShardMap map) : map_(std::move(map)) {}

  // Fills block.shard. Keyed records go by MD5 of their key; records with an empty key by random_hash;
  // rejected ones to dead_letter_shard().
  void route(RecordBlock& block);

  // The outlet after the last shard takes rejected records.
  base::ShardNumber dead_letter_shard() const { return base::ShardNumber{map_.size()}; }
  const ShardMap& map() const { return map_; }

 private:
  ShardMap map_;
  std::vector<base::HashKey> hashes_;  // reused
};

}  // namespace pipeline
