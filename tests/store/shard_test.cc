#include "store/shard.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "store/marks.h"
#include "tests/store/store_rig.h"
#include "tests/test.h"

using store_test::StoreRig;

TEST_CASE("shard: knows when its newest record arrived, after reopening as well",
          "[store][shard]") {
  StoreRig rig;
  rig.open();
  CHECK_FALSE(rig.shard().newest_arrival());
  CHECK(rig.append(3) == 0);
  const auto newest = rig.shard().newest_arrival();
  REQUIRE(newest);
  const bool sealed = GENERATE(false, true);
  if (sealed) rig.shard().roll();
  rig.close(false);
  rig.world().clock().advance(std::chrono::hours(48));
  rig.open();
  CHECK(rig.shard().newest_arrival() == newest);
  rig.close(true);
}

TEST_CASE("shard: gives back what was appended, in order, after reopening", "[store][shard]") {
  for (const auto compression : {store::Compression::none, store::Compression::lz4}) {
    for (const auto sync :
         {store::SyncPolicy::flush, store::SyncPolicy::interval, store::SyncPolicy::os}) {
      StoreRig rig;
      const store::ShardOptions options{.compression = compression, .sync = sync};
      rig.open(options);
      CHECK(rig.read().data.empty());
      for (std::uint32_t i = 0; i < 20; ++i) CHECK(rig.append(1 + i % 3, i * 50) == 0);
      rig.close(false);
      rig.open(options);
      CHECK(rig.shard().next_sequence() == rig.appended());
      const auto reading = rig.read();
      REQUIRE(reading.data.size() == rig.appended());
      for (std::size_t i = 0; i < reading.sequences.size(); ++i) CHECK(reading.sequences[i] == i);
      CHECK(rig.shard().marks() == std::vector<std::pair<base::Origin, std::uint64_t>>{
                                       {base::Origin{7}, rig.appended() * 100}});
      rig.close(true);
    }
  }
}

TEST_CASE("shard: a group larger than a block is cut between runs", "[store][shard]") {
  StoreRig rig;
  rig.open({.compression = store::Compression::none});
  CHECK(rig.append(3, 900'000) == 0);                 // one run of 2.7 MB: one block
  CHECK(rig.shard().counters().blocks.value() == 2);  // marks, records
  CHECK(rig.read().data.size() == 3);
}

TEST_CASE("shard: a full disk fails appends and makes no new files", "[store][shard]") {
  StoreRig rig;
  rig.open();
  CHECK(rig.append(5) == 0);
  rig.world().disk().set_capacity(1);
  for (int i = 0; i < 10; ++i) CHECK(rig.append(500, 2000) == ENOSPC);
  CHECK(rig.world().disk().list(StoreRig::kDirectory).size() == 1);
  rig.world().disk().set_capacity(1U << 30);
  CHECK(rig.append(5) == 0);
  CHECK(rig.read().data.size() == 10);
  CHECK(rig.read().counters.corrupt_blocks == 0);
}

TEST_CASE("shard: a segment that fills the disk alone goes when its time is over (F60)",
          "[store][shard]") {
  const bool power_cut = GENERATE(false, true);
  CAPTURE(power_cut);
  StoreRig rig;
  const store::ShardOptions options{.compression = store::Compression::none,
                                    .segment_age_max = std::chrono::hours(1),
                                    .retention_age = std::chrono::hours(2)};
  rig.open(options);
  CHECK(rig.append(500, 2000) == 0);
  const io::Space space = rig.world().disk().space();
  rig.world().disk().set_capacity(space.total_bytes - space.free_bytes);
  CHECK(rig.append(5) == ENOSPC);
  rig.world().clock().advance(std::chrono::minutes(90));
  CHECK(rig.append(5) == ENOSPC);  // nor is there room for the next segment's head
  CHECK(rig.shard().retire(rig.world().clock().wall()).empty());
  rig.world().clock().advance(std::chrono::hours(1));
  CHECK(rig.append(5) == ENOSPC);
  const std::vector<std::string> paths = rig.shard().retire(rig.world().clock().wall());
  REQUIRE(paths == std::vector<std::string>{rig.path(store_test::kFirstSegment)});
  CHECK(rig.environment().files.remove(paths[0]).has_value());
  if (power_cut) {
    rig.close(false);
    rig.world().disk().cut_power();
    rig.open(options);
    CHECK(rig.shard().next_sequence() == 500);
  }
  CHECK(rig.append(5) == 0);
  CHECK(rig.shard().first_sequence() == 500);
  CHECK(rig.read().sequences == std::vector<std::uint64_t>{500, 501, 502, 503, 504});
  rig.close(true);
  rig.open(options);
  CHECK(rig.shard().next_sequence() == 505);
  CHECK(rig.read().counters.corrupt_records == 0);
}

TEST_CASE("shard: after a failed sync the file is left behind", "[store][shard]") {
  StoreRig rig;
  sim::FaultPlan plan;
  rig.world().faults().set("/data", plan);
  rig.open();
  CHECK(rig.append(5) == 0);
  plan.sync_error = 1;
  rig.world().faults().set("/data", plan);
  CHECK(rig.append(5) == EIO);
  CHECK(rig.append(5) == EIO);
  rig.world().faults().switch_on(false);
  CHECK(rig.shard().next_sequence() == 5);
  CHECK(rig.append(5) == 0);
  CHECK(rig.file(store_test::kFirstSegment).size() > 0);
  CHECK(rig.shard().counters().segments_created.value() == 3);
  const auto reading = rig.read();
  CHECK(reading.data.size() == 10);
  CHECK(reading.counters.corrupt_records == 0);
  CHECK(rig.shard().retire(base::Timestamp{}).size() == 1);  // the one that never held a record
}

TEST_CASE("shard: rolls by size and retires the oldest by bytes and by age", "[store][shard]") {
  StoreRig rig;
  rig.open({.compression = store::Compression::none,
            .segment_bytes_max = 4096,
            .retention_age = std::chrono::hours(1),
            .retention_bytes = 20'000});
  for (int i = 0; i < 40; ++i) CHECK(rig.append(10, 100) == 0);
  CHECK(rig.shard().counters().segments_created.value() > 8);
  const base::Timestamp now = rig.world().clock().wall();
  CHECK_FALSE(rig.shard().retire(now).empty());
  CHECK(rig.shard().retire(now).empty());
  CHECK(rig.shard().stored_bytes() <= 20'000);
  CHECK(rig.shard().first_sequence() > 0);
  (void)rig.shard().retire(now + std::chrono::hours(2));
  CHECK(rig.shard().stored_bytes() < 6000);
  CHECK(rig.shard().next_sequence() == 400);
}

TEST_CASE("shard: arrival times never go back although clocks do", "[store][shard]") {
  StoreRig rig;
  rig.open();
  CHECK(rig.append(2) == 0);
  rig.world().clock().jump_wall(-std::chrono::hours(5));
  CHECK(rig.append(2) == 0);
  auto cursor = store::Cursor::open(rig.environment().files, StoreRig::kDirectory, {});
  REQUIRE(cursor);
  store::StoredRecord record;
  base::Timestamp last{};
  while (*cursor->next(record)) {
    CHECK(record.arrival >= last);
    last = record.arrival;
  }
  CHECK(cursor->counters().records == 4);
}

TEST_CASE("shard: marks not renewed are forgotten at the next segment", "[store][shard]") {
  StoreRig rig;
  rig.open();
  CHECK(rig.append(2) == 0);
  rig.shard().forget_marks_before(rig.world().clock().monotonic() + std::chrono::hours(1), {});
  CHECK(rig.shard().marks().size() == 1);
  rig.shard().roll();
  CHECK(rig.append(1) == 0);
  rig.shard().forget_marks_before(base::Instant::min(), {});
  CHECK(rig.shard().marks().size() == 1);  // seen again since
}

TEST_CASE("marks: those that are needed are kept, once", "[store][shard]") {
  using std::chrono::seconds;
  const auto at = [](int second) { return base::Instant{} + seconds(second); };
  constexpr base::Origin kNeeded{1};
  constexpr base::Origin kOther{2};
  constexpr base::Origin kUnknown{3};
  store::Marks marks;
  marks.renew(kNeeded, 10, at(1));
  marks.renew(kOther, 20, at(1));
  marks.keep(std::array{kNeeded, kUnknown}, at(5));
  marks.forget_before(at(5));
  std::vector<store::Mark> left;
  marks.list(left);
  REQUIRE(left.size() == 1);
  CHECK(left[0].origin == base::value(kNeeded));
  CHECK(left[0].end_offset == 10);
  marks.forget_before(at(6));
  marks.list(left);
  CHECK(left.empty());
}

TEST_CASE("shard: quiet for a while, it notes that all is delivered, once", "[store][shard]") {
  StoreRig rig;
  rig.open();
  CHECK(rig.append(2) == 0);
  const std::uint64_t blocks = rig.shard().counters().blocks.value();
  REQUIRE(rig.shard().next_deadline() != base::Instant::max());
  rig.world().clock().advance(std::chrono::seconds(2));
  rig.shard().tick(rig.world().clock().monotonic());
  rig.run_until_idle();
  CHECK(rig.shard().counters().blocks.value() == blocks + 1);
  rig.world().clock().advance(std::chrono::seconds(2));
  rig.shard().tick(rig.world().clock().monotonic());
  CHECK(rig.shard().idle());
  CHECK(rig.append(2) == 0);
  CHECK(rig.read().data.size() == 4);
}

TEST_CASE("shard: retires what a segment stood in for before the segment", "[store][shard]") {
  StoreRig rig;
  rig.open({.compression = store::Compression::none, .segment_bytes_max = 1000});
  for (int i = 0; i < 12; ++i) REQUIRE(rig.append(2, 300) == 0);
  rig.close(false);
  const std::string newer = "00000000000000000000-1.seg";
  rig.put(newer, rig.file(store_test::kFirstSegment));
  rig.open({.segment_bytes_max = 1000, .retention_bytes = 1500});
  const std::vector<std::string> paths = rig.shard().retire(rig.world().clock().wall());
  const auto place = [&](const std::string& name) {
    return std::find(paths.begin(), paths.end(), rig.path(name)) - paths.begin();
  };
  REQUIRE(place(newer) < std::ssize(paths));
  CHECK(place(store_test::kFirstSegment) < place(newer));
}
