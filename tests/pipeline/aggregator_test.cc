#include "pipeline/aggregator.h"

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/packed_record.h"
#include "tests/pipeline/chunks.h"
#include "tests/test.h"

using base::Origin;
using base::ShardNumber;
using pipeline::Aggregator;
using pipeline::Batch;
using pipeline::Chunk;
using pipeline::GatherResult;
using pipeline::Marks;
using pipeline::Parcel;
using pipeline::ParcelPool;
using pipeline::RecordBlock;
using pipeline::SlabPool;
using pipeline_test::PaddedBytes;

namespace {

struct Packed {
  std::string key;
  std::string data;
  bool operator==(const Packed&) const = default;
};
using Shards = std::map<std::uint32_t, std::vector<Packed>>;

// A routed block over memory with exactly the promised padding.
struct Routed {
  PaddedBytes bytes;
  PaddedBytes key_bytes;
  Chunk chunk;
  RecordBlock block;
  Shards expected;
  std::uint64_t end = 0;

  enum class Keys { none, shared, own };
  struct Shape {
    std::uint32_t outlets;
    std::size_t records;
    std::size_t data_bytes_max;
    Keys keys;
  };

  Routed(std::mt19937& random, const Shape& shape)
      : bytes(noise(random, shape.records * shape.data_bytes_max)),
        key_bytes(noise(random, shape.records * 40 + 40)),
        chunk{.bytes = bytes.view(),
              .origin = Origin{7},
              .offset = 5000,
              .arrival = base::Timestamp{std::chrono::microseconds{123456}}} {
    block.chunk = &chunk;
    if (shape.keys == Keys::shared)
      block.shared_key = key_bytes.view().substr(0, 1 + random() % 200 % 40);
    std::size_t at = 0;
    std::size_t key_at = 0;
    for (std::size_t i = 0; i < shape.records; ++i) {
      const std::size_t size = random() % (shape.data_bytes_max + 1);
      block.data.push_back(bytes.view().substr(at, size));
      block.offset.push_back(chunk.offset + at);
      block.shard.push_back(ShardNumber{static_cast<std::uint32_t>(random() % shape.outlets)});
      std::string_view key = block.shared_key;
      if (shape.keys == Keys::own) {
        const std::size_t key_size = random() % 4 == 0 ? 0 : random() % 40;
        key = key_size == 0 ? std::string_view{} : key_bytes.view().substr(key_at, key_size);
        block.key.push_back(key);
        key_at += key_size;
      }
      expected[base::index(block.shard[i])].push_back(
          {std::string(key), std::string(block.data[i])});
      at += size;
    }
    end = chunk.offset + at;
  }

  static std::string noise(std::mt19937& random, std::size_t size) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  }
};

Shards unpacked(const Parcel& parcel) {
  Shards shards;
  for (const Batch& batch : parcel.batches) {
    base::RunHeader header;
    REQUIRE(batch.run.size() >= sizeof header);
    std::memcpy(&header, batch.run.data(), sizeof header);
    CHECK(header.record_count == batch.record_count);
    CHECK(header.bytes + sizeof header == batch.run.size());
    CHECK(header.origin == parcel.origin);
    CHECK(header.end_offset == parcel.end_offset);
    CHECK(header.arrival_us == 123456);
    CHECK(batch.parcel == &parcel);
    const char* at = batch.run.data() + sizeof header;
    const char* end = batch.run.data() + batch.run.size();
    std::vector<Packed>& records = shards[base::index(batch.shard)];
    CHECK(records.empty());  // at most one batch per shard
    base::Record record;
    for (std::uint32_t i = 0; i < header.record_count; ++i) {
      at = base::unpack(at, end, record);
      REQUIRE(at != nullptr);
      CHECK_FALSE(record.hash.has_value());
      records.push_back({std::string(record.key), std::string(record.data)});
    }
    CHECK(at == end);
  }
  return shards;
}

struct Gathered {
  GatherResult result;
  Shards shards;
  std::size_t batches = 0;
  std::size_t slab_bytes = 0;
};

Gathered gather(const Routed& routed, std::uint32_t outlets, Marks marks = {}) {
  SlabPool slabs(0);
  ParcelPool parcels;
  Aggregator aggregator(outlets, slabs);
  Parcel& parcel = parcels.take(outlets);
  parcel.origin = routed.chunk.origin;
  parcel.end_offset = routed.end;
  Gathered gathered;
  gathered.result = aggregator.gather(routed.block, marks, parcel);
  CHECK(parcel.record_count == gathered.result.records);
  gathered.shards = unpacked(parcel);
  gathered.batches = parcel.batches.size();
  gathered.slab_bytes = parcel.slab.size();
  slabs.give_back(parcel.slab);
  parcels.give_back(parcel);
  return gathered;
}

}  // namespace

TEST_CASE("aggregator: every record is in its shard's batch, in order", "[pipeline][aggregator]") {
  const auto seed = GENERATE(range(0U, 6U));
  for (const std::uint32_t outlets : {1U, 2U, 3U, 17U, 200U}) {
    for (const Routed::Keys keys : {Routed::Keys::none, Routed::Keys::shared, Routed::Keys::own}) {
      for (const std::size_t data_bytes_max : {0U, 5U, 40U, 300U, 40'000U}) {
        CAPTURE(seed, outlets, static_cast<int>(keys), data_bytes_max);
        std::mt19937 random(seed);
        const std::size_t records = data_bytes_max > 1000 ? 20 : 1 + random() % 500;
        const Routed routed(random, {outlets, records, data_bytes_max, keys});
        const Gathered gathered = gather(routed, outlets);
        CHECK(gathered.shards == routed.expected);
        CHECK(gathered.result.records == records);
        CHECK(gathered.result.records_skipped == 0);
        CHECK(gathered.batches == routed.expected.size());
      }
    }
  }
}

TEST_CASE("aggregator: every length around a copy's and a varint's steps",
          "[pipeline][aggregator]") {
  std::mt19937 random(1);
  for (const std::size_t around : {0U, 32U, 64U, 128U, 256U, 16'384U}) {
    for (std::size_t size = around < 3 ? 0 : around - 3; size <= around + 3; ++size) {
      // Two records in two shards each: the second shard's bytes lie behind the first's.
      const PaddedBytes bytes(Routed::noise(random, 4 * size));
      const Chunk chunk{.bytes = bytes.view(),
                        .arrival = base::Timestamp{std::chrono::microseconds{123456}}};
      RecordBlock block;
      block.chunk = &chunk;
      for (std::uint32_t i = 0; i < 4; ++i) {
        block.data.push_back(bytes.view().substr(i * size, size));
        block.offset.push_back(i * size);
        block.shard.push_back(ShardNumber{1 - i / 2});  // shard 1 is written first
      }
      SlabPool slabs(0);
      ParcelPool parcels;
      Aggregator aggregator(2, slabs);
      Parcel& parcel = parcels.take(2);
      aggregator.gather(block, {}, parcel);
      CAPTURE(size);
      const auto record = [&](std::size_t i) { return Packed{"", std::string(block.data[i])}; };
      CHECK(unpacked(parcel) == Shards{{0, {record(2), record(3)}}, {1, {record(0), record(1)}}});
    }
  }
}

TEST_CASE("aggregator: no records, no batches, no slab", "[pipeline][aggregator]") {
  std::mt19937 random(1);
  const Routed routed(random, {3, 0, 10, Routed::Keys::none});
  const Gathered gathered = gather(routed, 3);
  CHECK(gathered.batches == 0);
  CHECK(gathered.slab_bytes == 0);
}

TEST_CASE("aggregator: skips what its shard already has, and only that", "[pipeline][aggregator]") {
  std::mt19937 random(2);
  for (const Routed::Keys keys : {Routed::Keys::none, Routed::Keys::shared, Routed::Keys::own}) {
    const Routed routed(random, {4, 400, 100, keys});
    const std::uint64_t middle = routed.block.offset[200];
    // Shard 0 has everything up to a record in the middle, 1 nothing, 2 all; 3 has no mark at all.
    const std::vector<std::uint64_t> marks{middle, 0, routed.end};
    Shards expected;
    std::uint64_t records = 0;
    for (std::size_t i = 0; i < routed.block.size(); ++i) {
      const std::uint32_t shard = base::index(routed.block.shard[i]);
      if (shard < marks.size() && routed.block.offset[i] < marks[shard]) continue;
      const std::string_view key =
          keys == Routed::Keys::own ? routed.block.key[i] : routed.block.shared_key;
      expected[shard].push_back({std::string(key), std::string(routed.block.data[i])});
      ++records;
    }
    const Gathered gathered = gather(routed, 4, marks);
    CHECK(gathered.shards == expected);
    CHECK(gathered.result.records == records);
    CHECK(gathered.result.records_skipped == 400 - records);
  }
}

TEST_CASE("aggregator: all skipped makes an empty parcel", "[pipeline][aggregator]") {
  std::mt19937 random(2);
  const Routed routed(random, {2, 50, 10, Routed::Keys::none});
  const std::vector<std::uint64_t> marks(2, routed.end + 1);
  const Gathered gathered = gather(routed, 2, marks);
  CHECK(gathered.batches == 0);
  CHECK(gathered.slab_bytes == 0);
  CHECK(gathered.result.records_skipped == 50);
}
