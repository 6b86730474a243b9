#include "pipeline/shard_buffer.h"

#include <chrono>
#include <deque>
#include <random>
#include <vector>

#include "tests/test.h"

using namespace std::chrono_literals;
using base::Instant;
using pipeline::Batch;
using pipeline::FlushPolicy;
using pipeline::ShardBuffer;

namespace {

constexpr Instant kStart{100s};

Batch batch_of(std::size_t bytes, std::uint32_t records = 1) {
  static char memory[10'000];
  return {.record_count = records, .run = {memory, bytes}};
}

}  // namespace

TEST_CASE("shard buffer: an empty one is never due", "[pipeline][shard_buffer]") {
  const ShardBuffer buffer(FlushPolicy{.age_max = 0s});
  CHECK(buffer.empty());
  CHECK_FALSE(buffer.due(Instant::max()));
  CHECK(buffer.due_at() == Instant::max());
}

TEST_CASE("shard buffer: due by bytes, by records or by age of the oldest",
          "[pipeline][shard_buffer]") {
  ShardBuffer buffer({.bytes_max = 100, .records_max = 10, .age_max = 5s});
  Batch small = batch_of(40, 2);
  buffer.add(small, kStart);
  CHECK_FALSE(buffer.due(kStart));
  CHECK(buffer.due_at() == kStart + 5s);
  SECTION("bytes") {
    Batch below = batch_of(59, 1);
    buffer.add(below, kStart);
    CHECK_FALSE(buffer.due(kStart));
    Batch last = batch_of(1, 1);
    buffer.add(last, kStart);
    CHECK(buffer.due(kStart));
    CHECK(buffer.bytes() == 100);
  }
  SECTION("records") {
    Batch below = batch_of(1, 7);
    buffer.add(below, kStart);
    CHECK_FALSE(buffer.due(kStart));
    Batch last = batch_of(1, 1);
    buffer.add(last, kStart);
    CHECK(buffer.due(kStart));
    CHECK(buffer.records() == 10);
  }
  SECTION("age") {
    Batch younger = batch_of(1, 1);
    buffer.add(younger, kStart + 4s);
    CHECK_FALSE(buffer.due(kStart + 5s - 1ns));
    CHECK(buffer.due(kStart + 5s));
    std::vector<Batch*> out;
    buffer.take(40, out);
    CHECK(out == std::vector<Batch*>{&small});
    CHECK(buffer.due_at() == kStart + 9s);
  }
}

TEST_CASE("shard buffer: without an age limit it is never due by age", "[pipeline][shard_buffer]") {
  ShardBuffer buffer({.age_max = base::Duration::max()});
  Batch batch = batch_of(1);
  buffer.add(batch, kStart);
  CHECK(buffer.due_at() == Instant::max());
  CHECK_FALSE(buffer.due(kStart + 1000h));
}

TEST_CASE("shard buffer: takes the oldest that fit, at least one", "[pipeline][shard_buffer]") {
  ShardBuffer buffer({});
  Batch big = batch_of(100, 3);
  Batch small = batch_of(10, 2);
  Batch other = batch_of(10, 1);
  buffer.add(big, kStart);
  buffer.add(small, kStart);
  buffer.add(other, kStart);
  std::vector<Batch*> out;
  buffer.take(50, out);
  CHECK(out == std::vector<Batch*>{&big});
  CHECK(buffer.bytes() == 20);
  CHECK(buffer.records() == 3);
  buffer.take(20, out);
  CHECK(out == std::vector<Batch*>{&big, &small, &other});
  CHECK(buffer.empty());
  CHECK(buffer.bytes() == 0);
  CHECK(buffer.records() == 0);
  buffer.take(20, out);
  CHECK(out.size() == 3);
}

TEST_CASE("shard buffer: behaves like a queue under random use", "[pipeline][shard_buffer]") {
  const unsigned seed = 11;
  CAPTURE(seed);
  std::mt19937 random(seed);
  ShardBuffer buffer({});
  std::vector<Batch> batches(3000);
  std::deque<Batch*> expected;
  std::vector<Batch*> out;
  for (Batch& batch : batches) {
    batch = batch_of(1 + random() % 100, 1);
    buffer.add(batch, kStart);
    expected.push_back(&batch);
    if (random() % 3 != 0) continue;
    const std::uint64_t limit = random() % 400;
    out.clear();
    buffer.take(limit, out);
    std::uint64_t bytes = 0;
    for (const Batch* got : out) {
      REQUIRE(got == expected.front());
      bytes += got->run.size();
      expected.pop_front();
    }
    CHECK((bytes <= limit || out.size() == 1));
    // It took all it could.
    CHECK((expected.empty() || bytes + expected.front()->run.size() > limit));
    CHECK(buffer.empty() == expected.empty());
  }
}
