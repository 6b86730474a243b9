#include "pipeline/shard_map.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace pipeline {
namespace {

// floor(index * 2^128 / count) for index < count, without 2^128 itself: with
// 2^128 = quotient * count + remainder it is index * quotient + floor(index * remainder / count).
base::HashKey even_start(std::uint64_t index, std::uint64_t count) {
  base::HashKey quotient = base::kHashKeyMax / count;
  std::uint64_t remainder = static_cast<std::uint64_t>(base::kHashKeyMax % count) + 1;
  if (remainder == count) {
    ++quotient;  // wraps to 0 for one shard, whose only start is 0 anyway
    remainder = 0;
  }
  return index * quotient + index * remainder / count;
}

std::vector<base::HashKey> even_starts(std::uint64_t count) {
  std::vector<base::HashKey> starts(count);
  for (std::uint64_t i = 0; i < count; ++i) starts[i] = even_start(i, count);
  return starts;
}

}  // namespace

ShardMap ShardMap::even(std::uint32_t count) {
  ASSERT(count > 0);
  return ShardMap(even_starts(count));
}

ShardMap::ShardMap(std::vector<base::HashKey> starts) : starts_(std::move(starts)) {
  ASSERT(!starts_.empty());
  ASSERT(starts_.front() == 0);
  // Two equal starts would make a shard no key can reach.
  ASSERT(std::ranges::adjacent_find(starts_, std::greater_equal<>{}) == starts_.end());
  is_even_ = starts_ == even_starts(starts_.size());
}

base::HashKey ShardMap::end(base::ShardNumber shard) const {
  const std::size_t next = base::index(shard) + std::size_t{1};
  return next == starts_.size() ? base::kHashKeyMax : starts_[next] - 1;
}

base::ShardNumber ShardMap::find_by_search(base::HashKey key) const {
  const auto after = std::ranges::upper_bound(starts_, key);
  return base::ShardNumber{static_cast<std::uint32_t>(after - starts_.begin() - 1)};
}

}  // namespace pipeline
