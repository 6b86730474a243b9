#include "pipeline/router.h"

#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tests/test.h"

using base::HashKey;
using base::Origin;
using base::ShardNumber;
using pipeline::Chunk;
using pipeline::RecordBlock;
using pipeline::Reject;
using pipeline::Router;
using pipeline::ShardMap;

namespace {

RecordBlock block_of(const Chunk& chunk, std::size_t count, std::uint64_t step = 130) {
  RecordBlock block;
  block.chunk = &chunk;
  for (std::size_t i = 0; i < count; ++i) {
    block.data.push_back("data");
    block.offset.push_back(chunk.offset + i * step);
  }
  return block;
}

ShardNumber shard_by_md5(const ShardMap& map, std::string_view key) {
  HashKey hash{};
  base::hash_keys({&key, 1}, {&hash, 1});
  return map.find(hash);
}

ShardNumber shard_at_random(const ShardMap& map, Origin origin, std::uint64_t offset) {
  return map.find(static_cast<HashKey>(pipeline::random_hash(origin, offset)) << 64);
}

}  // namespace

TEST_CASE("router: the random hash never changes", "[pipeline][router]") {
  // A restarted agent of another version must route the records it reads again as this one did.
  CHECK(pipeline::random_hash(Origin{1}, 0) == 0xf97eca4602a2d12aU);
  CHECK(pipeline::random_hash(Origin{0x123456789abcdef0}, 1'000'000) == 0x603497f34c69b04eU);
}

TEST_CASE("router: random records spread evenly over shards", "[pipeline][router]") {
  for (const std::uint64_t step : {1ULL, 2ULL, 64ULL, 130ULL, 4096ULL, 1ULL << 20, 1ULL << 32}) {
    for (const std::uint32_t shards : {2U, 3U, 16U, 64U}) {
      CAPTURE(step, shards);
      const Chunk chunk{.origin = Origin{42}};
      RecordBlock block = block_of(chunk, 64'000, step);
      Router router(ShardMap::even(shards));
      router.route(block);
      std::vector<double> count(shards);
      for (const ShardNumber shard : block.shard) count.at(base::index(shard)) += 1;
      const double mean = 64'000.0 / shards;
      double chi_squared = 0;
      for (const double n : count) chi_squared += (n - mean) * (n - mean) / mean;
      const double degrees = shards - 1;
      CHECK(chi_squared < degrees + 5 * std::sqrt(2 * degrees));
    }
  }
}

TEST_CASE("router: flipping any bit of origin or offset flips half of the hash",
          "[pipeline][router]") {
  const unsigned seed = 3;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (unsigned bit = 0; bit < 64; ++bit) {
    double by_origin = 0;
    double by_offset = 0;
    constexpr int kTrials = 400;
    for (int i = 0; i < kTrials; ++i) {
      const std::uint64_t origin = random();
      const std::uint64_t offset = random() >> 20;
      const std::uint64_t hash = pipeline::random_hash(Origin{origin}, offset);
      by_origin +=
          std::popcount(hash ^ pipeline::random_hash(Origin{origin ^ 1ULL << bit}, offset));
      by_offset +=
          std::popcount(hash ^ pipeline::random_hash(Origin{origin}, offset ^ 1ULL << bit));
    }
    CAPTURE(bit);
    CHECK(std::abs(by_origin / kTrials - 32) < 2.5);
    CHECK(std::abs(by_offset / kTrials - 32) < 2.5);
  }
}

TEST_CASE("router: a record without a key goes where its random hash points, whatever the map",
          "[pipeline][router]") {
  const Chunk chunk{.origin = Origin{9}, .offset = 1000};
  for (const ShardMap& map : {ShardMap::even(1), ShardMap::even(7),
                              ShardMap({0, HashKey{1} << 100, HashKey{1} << 126})}) {
    RecordBlock block = block_of(chunk, 500);
    Router router(map);
    router.route(block);
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (block.shard[i] != shard_at_random(map, Origin{9}, block.offset[i])) FAIL(i);
    }
  }
}

TEST_CASE("router: keys go by MD5, missing ones at random", "[pipeline][router]") {
  const Chunk chunk{.origin = Origin{9}};
  RecordBlock block = block_of(chunk, 300);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < block.size(); ++i) {
    keys.push_back(i % 10 == 3 ? "" : "client-" + std::to_string(i * i));
  }
  for (const std::string& key : keys) block.key.push_back(key);
  for (const ShardMap& map : {ShardMap::even(5), ShardMap({0, 1, HashKey{1} << 120})}) {
    Router router(map);
    router.route(block);
    for (std::size_t i = 0; i < block.size(); ++i) {
      const ShardNumber expected = keys[i].empty()
                                       ? shard_at_random(map, Origin{9}, block.offset[i])
                                       : shard_by_md5(map, keys[i]);
      if (block.shard[i] != expected) FAIL(i);
    }
  }
}

TEST_CASE("router: a shared key takes all records to its shard", "[pipeline][router]") {
  const Chunk chunk{.origin = Origin{9}};
  Router router(ShardMap::even(16));
  for (const std::string key : {"first", "second", "first"}) {
    RecordBlock block = block_of(chunk, 3);
    block.shared_key = key;
    router.route(block);
    const ShardNumber shard = shard_by_md5(router.map(), key);
    CHECK(block.shard[0] == shard);
    CHECK(block.shard[2] == shard);
  }
}

TEST_CASE("router: rejected records go to the outlet after the last shard", "[pipeline][router]") {
  const Chunk chunk{.origin = Origin{9}};
  for (const std::uint32_t shards : {1U, 4U}) {
    RecordBlock block = block_of(chunk, 3);
    for (const Reject reject : {Reject::none, Reject::too_long, Reject::none}) {
      block.reject.push_back(static_cast<std::uint8_t>(reject));
    }
    Router router(ShardMap::even(shards));
    router.route(block);
    CHECK(block.shard[1] == ShardNumber{shards});
    CHECK(base::index(block.shard[0]) < shards);
    CHECK(base::index(block.shard[2]) < shards);
  }
}

TEST_CASE("router: an empty block is fine", "[pipeline][router]") {
  const Chunk chunk{};
  RecordBlock block = block_of(chunk, 0);
  Router router(ShardMap::even(4));
  router.route(block);
  CHECK(block.shard.empty());
}
