// ShardMap: the hash ranges of a stream's open shards, in order, covering 0 … 2^128-1 without gap.
#pragma once

#include <cstdint>
#include <vector>

#include "base/hash_key.h"
#include "base/ids.h"

namespace pipeline {

class ShardMap {
 public:
  // Even ranges for `count` shards, as Kinesis cuts them: shard i starts at floor(i * 2^128 / count).
  static ShardMap even(std::uint32_t count);
  // `starts`: first hash key of each shard, ascending, starts[0] == 0.
  explicit ShardMap(std::vector<base::HashKey> starts);

  base::ShardNumber find(base::HashKey key) const;
  std::uint32_t size() const { return static_cast<std::uint32_t>(starts_.size()); }
  base::HashKey start(base::ShardNumber shard) const { return starts_[base::index(shard)]; }
  base::HashKey end(base::ShardNumber shard) const;  // last key of the shard, inclusive

  bool operator==(const ShardMap&) const = default;

 private:
  std::vector<base::HashKey> starts_;
};

}  // namespace pipeline
