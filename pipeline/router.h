// Router: a shard number for each record of a block, many keys hashed at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash_key.h"
#include "pipeline/record_block.h"
#include "pipeline/shard_map.h"

namespace pipeline {

// The hash of a record without a key: depends on origin and offset alone, so a record read again
// after a crash goes to the same shard. Uniform over 64 bits (the upper half of the hash key).
//
// It decides what a restarted agent skips, so it must never change. The mix is wyhash's: two
// products of 64 bits folded by xor; the constants are wyhash's first two.
inline std::uint64_t random_hash(base::Origin origin, std::uint64_t offset) {
  constexpr auto kFold = [](std::uint64_t a, std::uint64_t b) {
    const base::HashKey product = static_cast<base::HashKey>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  constexpr std::uint64_t kFirst = 0xa0761d6478bd642fU;
  constexpr std::uint64_t kSecond = 0xe7037ed1a0b428dbU;
  return kFold(kFold(base::value(origin) ^ kFirst, offset ^ kSecond) ^ offset, kSecond);
}

class Router {
 public:
  explicit Router(ShardMap map) : map_(std::move(map)) {}

  // Fills block.shard. Keyed records go by MD5 of their key; records with an empty key by
  // random_hash; rejected ones to dead_letter_shard().
  void route(RecordBlock& block);

  // The outlet after the last shard takes rejected records.
  base::ShardNumber dead_letter_shard() const { return base::ShardNumber{map_.size()}; }
  const ShardMap& map() const { return map_; }

 private:
  void route_at_random(RecordBlock& block) const;
  void route_by_key(RecordBlock& block);
  base::ShardNumber shard_of(std::string_view key);
  base::ShardNumber find_random(base::Origin origin, std::uint64_t offset) const {
    return map_.find(static_cast<base::HashKey>(random_hash(origin, offset)) << 64);
  }

  ShardMap map_;
  std::vector<base::HashKey> hashes_;  // reused
  std::string shared_key_;             // the last shared key and its shard: hashed once
  base::ShardNumber shared_shard_{};
};

}  // namespace pipeline
