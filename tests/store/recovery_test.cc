#include "store/recovery.h"

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "store/segment_walk.h"
#include "store/verify.h"
#include "tests/store/store_rig.h"
#include "tests/test.h"

using store_test::StoreRig;

namespace {

// Positions, sizes and records of the blocks of a whole segment file.
struct Block {
  std::size_t begin, end;
  std::uint64_t first, records;
};

std::vector<Block> blocks_of(const std::string& bytes) {
  std::vector<Block> blocks;
  for (std::size_t at = store::kHeaderBytes; at < bytes.size();) {
    store::BlockHeader header;
    std::memcpy(&header, bytes.data() + at, sizeof header);
    const std::size_t end = at + store::block_bytes(header);
    blocks.push_back({at, end, header.first_sequence, header.record_count});
    at = end;
  }
  return blocks;
}

std::string filled_segment(store::Compression compression, int appends) {
  StoreRig rig;
  rig.open({.compression = compression});
  for (int i = 0; i < appends; ++i) REQUIRE(rig.append(3, 40) == 0);
  rig.close(true);
  return rig.file(store_test::kFirstSegment);
}

}  // namespace

TEST_CASE("recovery: cuts a torn block at every possible byte", "[store][recovery]") {
  std::string whole = filled_segment(store::Compression::none, 3);
  whole.resize(whole.size() - store::kHeaderBytes);  // without the note that all was settled
  const std::vector<Block> blocks = blocks_of(whole);
  REQUIRE(blocks.size() == 4);
  for (std::size_t cut = blocks[2].end; cut < whole.size(); ++cut) {
    CAPTURE(cut);
    StoreRig rig;
    rig.put(store_test::kFirstSegment, whole.substr(0, cut));
    store::Shard& shard = rig.open();
    CHECK(shard.next_sequence() == 6);
    CHECK(shard.counters().torn_bytes.value() == cut - blocks[2].end);
    CHECK(shard.counters().corrupt_records.value() == 0);
    CHECK(shard.counters().torn_records.value() == (cut >= blocks[3].begin + 64 ? 3 : 0));
    CHECK(rig.read().data.size() == 6);
  }
}

TEST_CASE("recovery: any damage loses the damaged records only, and counts them",
          "[store][recovery]") {
  const char* const seed_text = std::getenv("TAILRACE_SEED");
  const std::uint64_t seed = seed_text == nullptr ? 1 : std::strtoull(seed_text, nullptr, 10);
  INFO("TAILRACE_SEED=" << seed);
  sim::SimRandom random(seed);
  for (const auto compression : {store::Compression::none, store::Compression::lz4}) {
    const std::string whole = filled_segment(compression, 8);
    const std::vector<Block> blocks = blocks_of(whole);
    for (int round = 0; round < 5000; ++round) {
      std::string bytes = whole;
      const std::size_t at = static_cast<std::size_t>(random.below(bytes.size()));
      const auto flip =
          static_cast<char>(random.below(2) == 0 ? 1U << random.below(8) : random.between(1, 255));
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      std::uint64_t lost = 0;
      for (const Block& block : blocks) {
        if (at >= block.begin && at < block.end) lost = block.records;
      }
      CAPTURE(round, at, int{flip});
      StoreRig rig;
      rig.put(store_test::kFirstSegment, bytes);
      const auto start = std::chrono::steady_clock::now();
      store::Shard& shard = rig.open();
      REQUIRE(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
      const auto reading = rig.read();
      // A flip in the padding, or in a field that changes nothing, loses nothing.
      const bool harmless = reading.data.size() == 24;
      if (!harmless) REQUIRE(reading.data.size() == 24 - lost);
      REQUIRE(shard.counters().corrupt_records.value() == (harmless ? 0 : lost));
      REQUIRE(shard.next_sequence() == 24);
      for (std::size_t i = 0; i < reading.data.size(); ++i) {
        REQUIRE(reading.data[i] == store_test::record_text(reading.sequences[i], 40));
      }
    }
  }
}

TEST_CASE("recovery: a newer file of the same number replaces an older one only by a block",
          "[store][recovery]") {
  const std::string whole = filled_segment(store::Compression::none, 3);
  for (const std::size_t newborn : {0U, 30U, 64U, 100U}) {  // bytes its maker got down
    CAPTURE(newborn);
    StoreRig rig;
    rig.put(store_test::kFirstSegment, whole);
    rig.put("00000000000000000000-1.seg", whole.substr(0, newborn));
    CHECK(rig.read().data.size() == 9);
    const std::string run = store_test::make_run(9, 1, 9, 1, 1);
    const std::string_view piece = run;
    store::Append append;
    append.runs = {&piece, 1};
    append.done = [](void*, store::Append&, int error) { CHECK(error == 0); };
    CHECK(rig.open().next_sequence() == 9);
    rig.shard().append(append);
    rig.run_until_idle();
    rig.close(false);
    // Nobody removed the newborn yet, and now it is not the last any more.
    rig.put("00000000000000000000-1.seg", {});
    CHECK(rig.open().next_sequence() == 10);
    CHECK(rig.shard().counters().corrupt_records.value() == 0);
    CHECK(rig.read().data.size() == 10);
    for (const std::string& path : rig.shard().retire(rig.world().clock().wall())) {
      CHECK(path != rig.path(store_test::kFirstSegment));
    }
  }
}

TEST_CASE("recovery: a segment whose first block is torn and unpromised is given up",
          "[store][recovery]") {
  StoreRig maker;
  maker.open({.compression = store::Compression::none});
  REQUIRE(maker.append(3, 40) == 0);  // one write: head and records
  maker.close(false);
  std::string bytes = maker.file(store_test::kFirstSegment);
  bytes[store::kHeaderBytes + 20] ^= 1;  // in the marks block's header
  StoreRig rig;
  rig.put(store_test::kFirstSegment, bytes);
  CHECK(rig.open().next_sequence() == 0);
  CHECK(rig.file(store_test::kFirstSegment).empty());
  REQUIRE(rig.append(2) == 0);
  CHECK(rig.read().data.size() == 2);
}

TEST_CASE("recovery: after damage, writing goes on and readers count once", "[store][recovery]") {
  std::string bytes = filled_segment(store::Compression::none, 4);
  const std::vector<Block> blocks = blocks_of(bytes);
  bytes[blocks[2].begin + 100] ^= 1;
  StoreRig rig;
  rig.put(store_test::kFirstSegment, bytes);
  rig.open();
  const std::string run = store_test::make_run(12, 2, 9, 1, 1);
  const std::string_view piece = run;
  store::Append append;
  append.runs = {&piece, 1};
  append.done = [](void*, store::Append&, int error) { CHECK(error == 0); };
  rig.shard().append(append);
  rig.run_until_idle();
  CHECK(append.first_sequence == 12);
  const auto reading = rig.read();
  CHECK(reading.data.size() == 11);
  CHECK(reading.counters.corrupt_blocks == 1);
  CHECK(reading.counters.corrupt_records == 3);

  store::VerifyTotals totals =
      *store::verify(rig.environment(), "/data", store::Repair::yes, {}, [](const auto&) {});
  CHECK(totals.records_lost == 3);
  CHECK(totals.segments_repaired == 1);
  totals = *store::verify(rig.environment(), "/data", store::Repair::no, {}, [](const auto&) {});
  CHECK(totals.bad_ranges == 0);
  CHECK(totals.records == 11);
  CHECK(rig.read().data.size() == 11);
  CHECK(rig.read().counters.corrupt_blocks == 0);
}

TEST_CASE("recovery: a missing segment is counted and reading goes on", "[store][recovery]") {
  StoreRig rig;
  rig.open({.compression = store::Compression::none, .segment_bytes_max = 1000});
  for (int i = 0; i < 6; ++i) REQUIRE(rig.append(10, 100) == 0);
  rig.close(true);
  std::vector<std::string> names = rig.world().disk().list(StoreRig::kDirectory);
  REQUIRE(names.size() >= 6);
  REQUIRE(rig.environment().files.remove(rig.path(names[2])));
  CHECK(rig.open().counters().corrupt_records.value() == 10);
  const auto reading = rig.read();
  CHECK(reading.data.size() == 50);
  CHECK(reading.counters.corrupt_records == 10);
  CHECK(rig.world().logged("segment missing"));
}

TEST_CASE("recovery: what it does not understand is set aside, not deleted", "[store][recovery]") {
  StoreRig rig;
  rig.put(store_test::kFirstSegment, std::string(5000, 'x'));
  rig.open();
  CHECK(rig.shard().counters().segments_set_aside.value() == 1);
  CHECK(rig.file(std::string(store_test::kFirstSegment) + ".damaged") == std::string(5000, 'x'));
  CHECK(rig.append(1) == 0);
  CHECK(rig.read().data.size() == 1);

  StoreRig newer;
  store::SegmentHeader header;
  header.version = 2;
  seal(header);
  newer.put("00000000000000000005.seg",
            std::string(store::bytes_of(header)) + std::string(500, 'y'));
  newer.open();
  CHECK(newer.world().logged("newer version"));
  CHECK(newer.shard().next_sequence() == 5);
}

TEST_CASE("recovery: an empty file from a crash at creation is nothing", "[store][recovery]") {
  for (const std::size_t size : {0, 1, 63, 64, 100}) {
    StoreRig rig;
    rig.open();
    REQUIRE(rig.append(4) == 0);
    rig.close(true);
    rig.put("00000000000000000004.seg", std::string(size, '\0'));
    rig.open();
    CHECK(rig.shard().next_sequence() == 4);
    CHECK(rig.append(1) == 0);
    CHECK(rig.read().data.size() == 5);
    CHECK(rig.read().counters.corrupt_blocks == 0);
  }
}
