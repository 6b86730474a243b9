#include "pipeline/router.h"

#include <algorithm>
#include <span>

#include "base/assert.h"

namespace pipeline {

void Router::route(RecordBlock& block) {
  block.shard.resize(block.size());
  const bool keyless = block.key.empty();
  block.one_shard = block.size() != 0 && block.reject.empty() &&
                    (map_.size() == 1 || (keyless && !block.shared_key.empty()));
  if (map_.size() == 1) {
    std::ranges::fill(block.shard, base::ShardNumber{0});
  } else if (!keyless) {
    ASSERT(block.key.size() == block.size());
    route_by_key(block);
  } else if (!block.shared_key.empty()) {
    std::ranges::fill(block.shard, shard_of(block.shared_key));
  } else {
    route_at_random(block);
  }
  for (std::size_t i = 0; i < block.reject.size(); ++i) {
    if (block.reject[i] != 0) block.shard[i] = dead_letter_shard();
  }
}

void Router::route_at_random(RecordBlock& block) const {
  const base::Origin origin = block.chunk->origin;
  const std::uint64_t* offset = block.offset.data();
  base::ShardNumber* shard = block.shard.data();
  const std::size_t count = block.size();
  if (!map_.is_even()) {
    for (std::size_t i = 0; i < count; ++i) shard[i] = find_random(origin, offset[i]);
    return;
  }
  // ShardMap::find_even of a key whose lower half is 0, in one multiplication.
  const base::HashKey shards = map_.size();
  for (std::size_t i = 0; i < count; ++i) {
    shard[i] = base::ShardNumber{
        static_cast<std::uint32_t>(random_hash(origin, offset[i]) * shards >> 64)};
  }
}

void Router::route_by_key(RecordBlock& block) {
  const std::size_t count = block.size();
  if (hashes_.size() < count) hashes_.resize(count);
  base::hash_keys(block.key, std::span(hashes_).first(count));
  for (std::size_t i = 0; i < count; ++i) {
    block.shard[i] = block.key[i].empty() ? find_random(block.chunk->origin, block.offset[i])
                                          : map_.find(hashes_[i]);
  }
}

base::ShardNumber Router::shard_of(std::string_view key) {
  if (key != shared_key_) {
    base::HashKey hash{};
    base::hash_keys({&key, 1}, {&hash, 1});
    shared_key_ = key;
    shared_shard_ = map_.find(hash);
  }
  return shared_shard_;
}

}  // namespace pipeline
