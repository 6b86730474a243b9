#include "pipeline/shard_map.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/test.h"

using base::HashKey;
using base::ShardNumber;
using pipeline::ShardMap;

namespace {

HashKey random_key(std::mt19937_64& random) {
  return static_cast<HashKey>(random()) << 64 | random();
}

// Every place where the shard could change, and its neighbours.
void check_borders(const ShardMap& map) {
  for (std::uint32_t i = 0; i < map.size(); ++i) {
    const ShardNumber shard{i};
    if (map.find(map.start(shard)) != shard) FAIL("start of " << i << " of " << map.size());
    if (map.find(map.end(shard)) != shard) FAIL("end of " << i << " of " << map.size());
    if (i > 0 && map.end(ShardNumber{i - 1}) + 1 != map.start(shard)) FAIL("gap before " << i);
  }
  CHECK(map.start(ShardNumber{0}) == 0);
  CHECK(map.end(ShardNumber{map.size() - 1}) == base::kHashKeyMax);
}

}  // namespace

TEST_CASE("shard map: three even shards start where Kinesis starts them", "[pipeline][shard_map]") {
  const ShardMap map = ShardMap::even(3);
  CHECK(base::to_decimal(map.start(ShardNumber{1})) == "113427455640312821154458202477256070485");
  CHECK(base::to_decimal(map.start(ShardNumber{2})) == "226854911280625642308916404954512140970");
  CHECK(base::to_decimal(map.end(ShardNumber{2})) == "340282366920938463463374607431768211455");
}

TEST_CASE("shard map: one shard has everything", "[pipeline][shard_map]") {
  const ShardMap map = ShardMap::even(1);
  CHECK(map.size() == 1);
  check_borders(map);
}

TEST_CASE("shard map: even ranges meet without gap and are found at their borders",
          "[pipeline][shard_map]") {
  for (std::uint32_t count = 1; count <= 300; ++count) check_borders(ShardMap::even(count));
  for (const std::uint32_t count : {1000U, 4096U, 10'007U, 65'536U})
    check_borders(ShardMap::even(count));
}

TEST_CASE("shard map: even sizes differ by at most one key", "[pipeline][shard_map]") {
  for (const std::uint32_t count : {2U, 3U, 7U, 16U, 1000U, 10'007U}) {
    const ShardMap map = ShardMap::even(count);
    CHECK(map.is_even());
    HashKey least = base::kHashKeyMax;
    HashKey most = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const HashKey size = map.end(ShardNumber{i}) - map.start(ShardNumber{i});
      least = std::min(least, size);
      most = std::max(most, size);
    }
    CHECK(most - least <= 1);
  }
}

TEST_CASE("shard map: uneven ranges are found by search", "[pipeline][shard_map]") {
  const unsigned seed = 7;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::vector<HashKey> starts{0};
  for (int i = 0; i < 50; ++i) starts.push_back(random_key(random));
  std::ranges::sort(starts);
  const ShardMap map(starts);
  CHECK_FALSE(map.is_even());
  check_borders(map);
  for (int i = 0; i < 1000; ++i) {
    const HashKey key = random_key(random);
    const auto expected =
        std::ranges::count_if(starts, [&](HashKey start) { return start <= key; }) - 1;
    if (base::index(map.find(key)) != expected) FAIL("key " << base::to_decimal(key));
  }
}

TEST_CASE("shard map: given starts that are even are known to be", "[pipeline][shard_map]") {
  const ShardMap even = ShardMap::even(2);
  CHECK(ShardMap({0, HashKey{1} << 127}) == even);
  CHECK(ShardMap({0, HashKey{1} << 127}).is_even());
  CHECK_FALSE(ShardMap({0, (HashKey{1} << 127) + 1}).is_even());
}
