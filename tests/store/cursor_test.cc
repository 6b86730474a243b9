#include "store/cursor.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "io/backends.h"
#include "store/data_dir.h"
#include "tests/store/store_rig.h"
#include "tests/test.h"

using store::StartAt;
using store_test::StoreRig;

TEST_CASE("cursor: every start resolves to its first record", "[store][cursor]") {
  StoreRig rig;
  rig.open({.segment_bytes_max = 2000});
  std::vector<base::Timestamp> times;
  for (int i = 0; i < 30; ++i) {
    times.push_back(rig.world().clock().wall());
    CHECK(rig.append(2, 200) == 0);
    rig.world().clock().advance(std::chrono::seconds(1));
  }
  const auto first = [&](StartAt start) {
    const auto reading = rig.read(start);
    return reading.sequences.empty() ? std::uint64_t{999} : reading.sequences.front();
  };
  CHECK(first({}) == 0);
  CHECK(first({.kind = StartAt::Kind::latest}) == 999);
  for (std::uint64_t i = 0; i < 60; ++i) {
    CHECK(first({.kind = StartAt::Kind::at_sequence, .sequence = i}) == i);
    CHECK(first({.kind = StartAt::Kind::after_sequence, .sequence = i}) == (i == 59 ? 999 : i + 1));
  }
  for (std::size_t i = 0; i < times.size(); ++i) {
    CHECK(first({.kind = StartAt::Kind::at_time, .time = times[i]}) == i * 2);
  }
  CHECK(first({.kind = StartAt::Kind::at_time, .time = base::Timestamp{}}) == 0);
  CHECK(first({.kind = StartAt::Kind::at_time, .time = times.back() + std::chrono::hours(1)}) ==
        999);
}

TEST_CASE("cursor: an error on the way is told, never taken for the end", "[store][cursor]") {
  StoreRig rig;
  rig.open({.segment_bytes_max = 1000});
  for (int i = 0; i < 20; ++i) REQUIRE(rig.append(2, 200) == 0);
  sim::FaultPlan plan;
  plan.open_error = plan.look_error = 0.1;
  rig.world().faults().set("/data", plan);
  std::size_t failures = 0;
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    auto cursor = store::Cursor::open(rig.environment().files, StoreRig::kDirectory, {});
    std::uint64_t count = 0;
    store::StoredRecord record;
    while (cursor) {
      const auto more = cursor->next(record);
      if (!more) ++failures;
      if (more && !*more) break;
      if (more) REQUIRE(record.sequence == count++);
    }
    if (!cursor) continue;
    CHECK(count == 40);
    CHECK(cursor->counters().corrupt_records + cursor->counters().corrupt_blocks == 0);
  }
  CHECK(failures > 0);
}

TEST_CASE("cursor: follows a live shard over rolls and from latest on", "[store][cursor]") {
  StoreRig rig;
  auto early = *store::Cursor::open(rig.environment().files, StoreRig::kDirectory, {});
  store::StoredRecord record;
  CHECK_FALSE(*early.next(record));  // there is no such directory yet
  rig.open({.segment_bytes_max = 2000});
  CHECK(rig.append(3) == 0);
  auto late = *store::Cursor::open(rig.environment().files, StoreRig::kDirectory,
                                   {.kind = StartAt::Kind::latest});
  CHECK(late.sequence() == 3);
  for (std::uint64_t i = 3; i < 40; ++i) {
    CHECK_FALSE(*late.next(record));
    CHECK(rig.append(1, 300) == 0);
    REQUIRE(*late.next(record));
    CHECK(record.sequence == i);
  }
  std::uint64_t count = 0;
  while (*early.next(record)) CHECK(record.sequence == count++);
  CHECK(count == 40);
  CHECK(early.counters().corrupt_records == 0);
}

TEST_CASE("cursor: goes on at the oldest kept when its segment was retired", "[store][cursor]") {
  StoreRig rig;
  rig.open({.segment_bytes_max = 2000, .retention_bytes = 4000});
  CHECK(rig.append(1) == 0);
  auto cursor = *store::Cursor::open(rig.environment().files, StoreRig::kDirectory, {});
  store::StoredRecord record;
  REQUIRE(*cursor.next(record));
  for (int i = 0; i < 30; ++i) CHECK(rig.append(2, 500) == 0);
  for (const std::string& path : rig.shard().retire(rig.world().clock().wall())) {
    (void)rig.environment().files.remove(path);
  }
  std::uint64_t read = 1;
  std::uint64_t last = 0;
  while (*cursor.next(record)) {
    ++read;
    last = record.sequence;
  }
  CHECK(last == 60);
  CHECK(read + cursor.counters().corrupt_records == 61);
}

namespace {

struct TempDir {
  TempDir() {
    char name[] = "/tmp/tailrace-store-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  std::string path;
};

// The child appends `count` runs and exits; 0: all were answered.
int write_in_child(io::Backend backend, const std::string& directory, std::uint64_t count) {
  base::Log log({.owner = nullptr,
                 .write = [](void*, base::LogLevel, std::string_view) {},
                 .now_us = [](void*) -> std::int64_t { return 0; }});
  auto io = io::make_io(backend, log);
  if (!io) return 2;
  const auto files = io::make_files();
  const auto clock = io::make_clock();
  const auto random = io::make_random();
  const io::Environment environment{**io, *files, *clock, *random, log};
  auto shard =
      store::Shard::open(environment, directory, {.stream_id = 1, .stream = "s", .shard = {}},
                         {.segment_bytes_max = 100'000});
  if (!shard) return 3;
  (*shard)->attach(environment);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string run = store_test::make_run(i * 10, 10, 1, i, 1, 100);
    const std::string_view piece = run;
    int answer = -1;
    store::Append append;
    append.runs = {&piece, 1};
    append.owner = &answer;
    append.done = [](void* owner, store::Append&, int error) { *static_cast<int*>(owner) = error; };
    (*shard)->append(append);
    while (answer == -1 || !(*shard)->idle()) (*io)->run_once(std::chrono::seconds(1));
    if (answer != 0) return 4;
  }
  return 0;
}

}  // namespace

TEST_CASE("cursor: reads in this process what another is writing", "[store][cursor][process]") {
  for (const io::Backend backend : {io::Backend::automatic, io::Backend::epoll}) {
    const TempDir directory;
    const std::string path = directory.path + "/s/0";
    constexpr std::uint64_t kRuns = 400;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(write_in_child(backend, path, kRuns));
    REQUIRE(child > 0);
    const auto files = io::make_files();
    auto cursor = *store::Cursor::open(*files, path, {});
    store::StoredRecord record;
    std::uint64_t next = 0;
    bool ended = false;
    while (next < kRuns * 10) {
      if (*cursor.next(record)) {
        REQUIRE(record.sequence == next);
        REQUIRE(record.record.data == store_test::record_text(next, 100));
        ++next;
      } else if (ended) {
        break;
      } else {
        int status = 0;
        ended = ::waitpid(child, &status, WNOHANG) == child;
        if (ended) CHECK(WEXITSTATUS(status) == 0);
      }
    }
    if (!ended) ::waitpid(child, nullptr, 0);
    CHECK(next == kRuns * 10);
    CHECK(cursor.counters().corrupt_blocks == 0);
    CHECK(cursor.counters().corrupt_records == 0);
  }
}

TEST_CASE("data_dir: a second writer is told who holds it", "[store][data_dir][process]") {
  const TempDir directory;
  base::Log log({.owner = nullptr,
                 .write = [](void*, base::LogLevel, std::string_view) {},
                 .now_us = [](void*) -> std::int64_t { return 0; }});
  auto io = *io::make_io(io::Backend::epoll, log);
  const auto files = io::make_files();
  const auto clock = io::make_clock();
  const auto random = io::make_random();
  const io::Environment environment{*io, *files, *clock, *random, log};
  const auto held = store::DataDir::lock(environment, directory.path);
  REQUIRE(held.has_value());
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    const auto second = store::DataDir::lock(environment, directory.path);
    const std::string expected = directory.path + " is in use by pid " + std::to_string(parent);
    const bool told = !second && second.error().code == base::ErrorCode::busy &&
                      second.error().message == expected;
    ::_exit(told ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 0);
}
