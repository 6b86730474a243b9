// Segments that are gone: what is told, what goes on, and that no number is given twice.
#include <cstring>
#include <string>
#include <vector>

#include "store/recovery.h"
#include "store/verify.h"
#include "tests/store/store_rig.h"
#include "tests/test.h"

using store_test::StoreRig;

namespace {

constexpr store::ShardOptions kSmallSegments{.compression = store::Compression::none,
                                             .segment_bytes_max = 1000};

// A rig with six segments of ten records, closed.
struct SixSegments {
  SixSegments() {
    rig.open(kSmallSegments);
    for (int i = 0; i < 5; ++i) REQUIRE(rig.append(10, 100) == 0);
    REQUIRE(rig.append(10, 20) == 0);  // not enough to begin the next
    rig.close(true);
    names = rig.world().disk().list(StoreRig::kDirectory);
    REQUIRE(names.size() == 6);
  }
  void remove(std::size_t number) {
    REQUIRE(rig.environment().files.remove(rig.path(names[number])));
  }
  std::uint64_t lost_as_verified() {
    const store::KnownNumbers known{{{"s", 0}, 60}};
    return store::verify(rig.environment(), "/data", store::Repair::no, known, [](const auto&) {})
        ->records_lost;
  }

  StoreRig rig;
  std::vector<std::string> names;
};

}  // namespace

TEST_CASE("missing segments: without the only one, numbers go on and the loss is told once",
          "[store][missing]") {
  StoreRig rig;
  rig.open();
  REQUIRE(rig.append(7) == 0);
  rig.close(true);
  REQUIRE(rig.environment().files.remove(rig.path(store_test::kFirstSegment)));
  const store::KnownNumbers known{{{"s", 0}, 7}};
  const auto lost = [&] {
    return store::verify(rig.environment(), "/data", store::Repair::no, known, [](const auto&) {})
        ->records_lost;
  };
  CHECK(lost() == 7);

  store::Shard& shard = rig.open({}, 7);
  CHECK(shard.counters().corrupt_records.value() == 7);
  CHECK(shard.next_sequence() == 7);
  CHECK(shard.first_sequence() == 7);
  CHECK(rig.world().logged("last segment missing"));
  CHECK(rig.read().data.empty());
  rig.close(false);

  CHECK(rig.open({}, 7).counters().corrupt_records.value() == 0);
  CHECK(rig.shard().next_sequence() == 7);
  CHECK(rig.append(2) == 0);  // the rig compares numbers
  const auto reading = rig.read();
  CHECK(reading.sequences == std::vector<std::uint64_t>{7, 8});
  CHECK(reading.counters.corrupt_records == 0);
  CHECK(lost() == 0);
}

TEST_CASE("missing segments: a whole directory that is gone is told like its segments",
          "[store][missing]") {
  StoreRig rig;
  const store::KnownNumbers known{{{"s", 3}, 9}};
  std::vector<std::string> paths;
  const auto totals =
      store::verify(rig.environment(), "/", store::Repair::no, known,
                    [&](const store::SegmentReport& report) { paths.push_back(report.path); });
  REQUIRE(totals);
  CHECK(totals->records_lost == 9);
  CHECK(paths == std::vector<std::string>{"//s/3"});
}

TEST_CASE("missing segments: without the last ones, what is left is read and the gap is counted",
          "[store][missing]") {
  for (const std::size_t removed : {1, 2, 3}) {
    CAPTURE(removed);
    SixSegments scene;
    for (std::size_t i = 0; i < removed; ++i) scene.remove(5 - i);
    const std::uint64_t lost = 10 * removed;
    CHECK(scene.lost_as_verified() == lost);

    CHECK(scene.rig.open(kSmallSegments, 60).counters().corrupt_records.value() == lost);
    CHECK(scene.rig.shard().next_sequence() == 60);
    CHECK(scene.rig.world().logged("last segment missing"));
    CHECK(scene.lost_as_verified() == lost);
    scene.rig.close(false);

    // As after a kill, before anything is stored.
    scene.rig.open(kSmallSegments, 60);
    CHECK(scene.rig.shard().counters().corrupt_records.value() == 0);
    CHECK(scene.rig.shard().next_sequence() == 60);
    CHECK(scene.rig.append(10, 100) == 0);
    scene.rig.close(true);
    CHECK(scene.rig.open(kSmallSegments, 70).counters().corrupt_records.value() == 0);
    const auto reading = scene.rig.read();
    CHECK(reading.data.size() == 60 - lost + 10);
    CHECK(reading.counters.corrupt_records == lost);
    CHECK(scene.lost_as_verified() == lost);
  }
}

TEST_CASE("missing segments: a middle one is counted at start, by readers and by verify",
          "[store][missing]") {
  SixSegments scene;
  scene.remove(2);
  CHECK(scene.lost_as_verified() == 10);
  CHECK(scene.rig.open(kSmallSegments, 60).counters().corrupt_records.value() == 10);
  CHECK(scene.rig.world().logged("segment missing"));
  CHECK_FALSE(scene.rig.world().logged("last segment missing"));
  CHECK(scene.rig.read().counters.corrupt_records == 10);
}

TEST_CASE("missing segments: the oldest may go, as by retention", "[store][missing]") {
  SixSegments scene;
  scene.remove(0);
  CHECK(scene.lost_as_verified() == 0);
  CHECK(scene.rig.open(kSmallSegments, 60).counters().corrupt_records.value() == 0);
  CHECK(scene.rig.shard().first_sequence() == 10);
  CHECK(scene.rig.shard().next_sequence() == 60);
  CHECK(scene.rig.append(10, 100) == 0);
  CHECK(scene.rig.read().data.size() == 60);
}

TEST_CASE("missing segments: a number that was noted too early to be the last loses nothing",
          "[store][missing]") {
  SixSegments scene;
  CHECK(scene.rig.open(kSmallSegments, 41).counters().corrupt_records.value() == 0);
  CHECK(scene.rig.shard().next_sequence() == 60);
}

TEST_CASE("missing segments: an end that was cut off as unfinished was not, if it was noted",
          "[store][missing]") {
  StoreRig rig;
  rig.open(kSmallSegments);
  REQUIRE(rig.append(2) == 0);
  REQUIRE(rig.append(3) == 0);
  rig.close(false);  // no settled block
  std::string bytes = rig.file(store_test::kFirstSegment);
  bytes.resize(bytes.size() - 8);
  rig.put(store_test::kFirstSegment, bytes);
  CHECK(rig.open(kSmallSegments, 5).counters().corrupt_records.value() == 3);
  CHECK(rig.shard().next_sequence() == 5);
  CHECK(rig.append(1) == 0);
  CHECK(rig.read().sequences == std::vector<std::uint64_t>{0, 1, 5});
}

TEST_CASE("missing segments: when the disk is full at that moment, the first append does it",
          "[store][missing]") {
  SixSegments scene;
  scene.remove(5);
  scene.rig.world().disk().set_capacity(1);
  scene.rig.open(kSmallSegments, 60);
  CHECK(scene.rig.shard().next_sequence() == 60);
  scene.rig.world().disk().set_capacity(1ULL << 40);
  CHECK(scene.rig.append(10, 100) == 0);
  CHECK(scene.rig.read().counters.corrupt_records == 10);
  CHECK(scene.lost_as_verified() == 10);
}

TEST_CASE("missing segments: a directory that may be removed is not missed, numbers go on",
          "[store][missing]") {
  StoreRig rig;
  const auto open = [&] {
    return store::Shard::open(rig.environment(), "/data/s/1",
                              {.stream_id = 1, .stream = "s", .shard = base::ShardNumber{1}}, {}, 9,
                              true)
        .value();
  };
  const auto lost = [&] {
    const store::KnownNumbers known{{{"s", 1}, 9}};
    return store::verify(rig.environment(), "/data", store::Repair::no, known, [](const auto&) {})
        ->records_lost;
  };
  for (int start = 0; start < 2; ++start) {
    CAPTURE(start);
    const auto shard = open();
    CHECK(shard->next_sequence() == 9);
    CHECK(shard->counters().corrupt_records.value() == 0);
    CHECK_FALSE(rig.world().logged("missing"));
    CHECK(lost() == 0);
  }
  // It is there, and what was in it is not.
  REQUIRE(rig.environment().files.remove("/data/s/1/00000000000000000009.seg"));
  CHECK(open()->counters().corrupt_records.value() == 9);
}

TEST_CASE("missing segments: a last one of a newer version is not one that is missing",
          "[store][missing]") {
  SixSegments scene;
  std::string bytes = scene.rig.file(scene.names[5]);
  store::SegmentHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  ++header.version;
  store::seal(header);
  bytes.replace(0, sizeof header, store::bytes_of(header));
  scene.rig.put(scene.names[5], bytes);
  CHECK(scene.lost_as_verified() == 0);
}
