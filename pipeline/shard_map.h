// ShardMap: the hash ranges of a stream's open shards, in order, covering 0 … 2^128-1 without gap.
#pragma once

#include <cstdint>
#include <vector>

#include "base/hash_key.h"
#include "base/ids.h"

namespace pipeline {

class ShardMap {
 public:
  // Even ranges for `count` shards, as Kinesis cuts them: shard i starts at floor(i * 2^128 /
  // count).
  static ShardMap even(std::uint32_t count);
  // `starts`: first hash key of each shard, ascending, starts[0] == 0.
  explicit ShardMap(std::vector<base::HashKey> starts);

  base::ShardNumber find(base::HashKey key) const {
    return is_even_ ? find_even(key) : find_by_search(key);
  }
  std::uint32_t size() const { return static_cast<std::uint32_t>(starts_.size()); }
  base::HashKey start(base::ShardNumber shard) const { return starts_[base::index(shard)]; }
  base::HashKey end(base::ShardNumber shard) const;  // last key of the shard, inclusive

  // Whether the ranges are those of even(size()), which find_even() needs.
  bool is_even() const { return is_even_; }
  // find() for an even map, for loops that test is_even() once: two multiplications, no memory.
  // With n shards and start(i) = floor(i * 2^128 / n), the shard of `key` is
  // floor((key * n + n - 1) / 2^128): key >= floor(a / n) exactly when key * n >= a - (n - 1).
  base::ShardNumber find_even(base::HashKey key) const {
    const std::uint64_t count = starts_.size();
    const base::HashKey low =
        static_cast<base::HashKey>(static_cast<std::uint64_t>(key)) * count + (count - 1);
    const base::HashKey high = (key >> 64) * count + (low >> 64);
    return base::ShardNumber{static_cast<std::uint32_t>(high >> 64)};
  }

  bool operator==(const ShardMap&) const = default;

 private:
  base::ShardNumber find_by_search(base::HashKey key) const;

  std::vector<base::HashKey> starts_;
  bool is_even_ = false;
};

}  // namespace pipeline
