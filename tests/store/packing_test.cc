#include "store/packing.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/log.h"
#include "io/backends.h"
#include "store/block.h"
#include "tests/store/store_rig.h"
#include "tests/test.h"

using store_test::StoreRig;

namespace {

constexpr std::uint32_t kRecords = 400;  // of 200 bytes: a run longer than a block

std::vector<std::string> make_runs(std::uint64_t first, std::size_t count) {
  std::vector<std::string> runs;
  for (std::size_t i = 0; i < count; ++i) {
    runs.push_back(store_test::make_run(first + i * kRecords, kRecords, 7, (first + i) * 100,
                                        1'700'000'000'000'000, 200));
  }
  return runs;
}

// What a reader makes of the group's bytes: the payloads of its blocks, in order.
std::string read_back(const store::BlockGroup& group) {
  std::string bytes;
  for (const std::string_view piece : group.pieces()) bytes += piece;
  std::string all;
  std::uint32_t previous = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    store::BlockHeader header;
    std::memcpy(&header, bytes.data() + at, sizeof header);
    REQUIRE(store::check(header, at));
    CHECK(header.previous_crc == previous);
    previous = header.crc;
    std::string raw;
    std::string_view payload;
    const std::string_view stored{bytes.data() + at + store::kHeaderBytes, header.stored_bytes};
    REQUIRE(store::decode_payload(header, stored, raw, payload));
    all += payload;
    at += store::block_bytes(header);
  }
  return all;
}

std::string joined(const std::vector<std::string>& runs) {
  std::string all;
  for (const std::string& run : runs) all += run;
  return all;
}

void fill(store::BlockGroup& group, const std::vector<std::string>& runs) {
  group.begin({}, 0);
  for (const std::string& run : runs) group.add_run(run);
  group.close();
}

}  // namespace

TEST_CASE("packing: blocks packed in any order stand in the order of their runs",
          "[store][packing]") {
  for (const auto compression : {store::Compression::none, store::Compression::lz4}) {
    const std::vector<std::string> runs = make_runs(0, 9);
    store::BlockGroup group(compression);
    store::Packer packer;
    fill(group, runs);
    for (std::size_t block = group.block_count(); block > 0; --block) {
      group.pack(block - 1, packer);
    }
    group.finish();
    CHECK(read_back(group) == joined(runs));
  }
}

TEST_CASE("packing: whoever packs, every block is packed once and the owner is told",
          "[store][packing]") {
  base::Log log{{}};
  const auto io = io::make_io(io::Backend::epoll, log).value();
  store::PackingBoard board(3, [](std::size_t) {});
  std::atomic<bool> over{false};
  std::vector<std::jthread> helpers;
  for (std::size_t seat = 1; seat < 3; ++seat) {
    helpers.emplace_back([&board, &over, seat] {
      while (!over.load(std::memory_order_acquire)) board.seat(seat).help();
    });
  }
  store::BlockGroup group(store::Compression::lz4);
  store::Packing packing(group);
  store::PackingSeat& own = board.seat(0);
  for (std::size_t round = 0; round < 200; ++round) {
    const std::vector<std::string> runs = make_runs(round, 1 + round % 12);
    fill(group, runs);
    packing.begin(*io);
    own.offer(packing);
    // Every third group is left to the others.
    while (round % 3 != 0 && packing.pack_one(own.packer())) {
    }
    while (!packing.done()) {
      if (packing.all_taken()) REQUIRE(io->run_once(std::chrono::seconds(60)));
    }
    own.withdraw(packing);
    group.finish();
    REQUIRE(read_back(group) == joined(runs));
  }
  over.store(true, std::memory_order_release);
}

TEST_CASE("packing: a shard's large groups take several turns and anybody's help",
          "[store][packing]") {
  StoreRig rig;
  std::size_t rung = 0;
  store::PackingBoard board(2, [&rung](std::size_t seat) {
    CHECK(seat == 0);
    ++rung;
  });
  store::Shard& shard = rig.open({.compression = store::Compression::lz4}, 0, &board.seat(0));
  const bool help = GENERATE(false, true);
  const bool free = GENERATE(false, true);
  board.seat(1).set_free(free);
  const int own = free ? 1 : 2;  // of a turn
  const std::vector<std::string> runs = make_runs(0, 30);
  const std::vector<std::string_view> pieces(runs.begin(), runs.end());
  store::Append append;
  int answer = -1;
  append.runs = pieces;
  append.owner = &answer;
  append.done = [](void* owner, store::Append&, int error) { *static_cast<int*>(owner) = error; };
  shard.append(append);
  const base::Instant now = rig.world().clock().monotonic();
  while (rung == 0) rig.step();  // until the file is there
  int turns = 0;
  while (shard.next_deadline() <= now && turns < 100) {
    ++turns;
    shard.tick(rig.world().clock().monotonic());
    CHECK(answer == -1);  // nothing is written before all is packed
    if (help) {
      CHECK(board.seat(1).help() == (turns * (own + 1) <= 30));
    }
  }
  CHECK(rung == 1);
  // With help a last turn finds all of them taken.
  CHECK(turns == (help ? 30 / (own + 1) + 1 : 30 / own));
  rig.run_until_idle();
  CHECK(answer == 0);
  CHECK_FALSE(board.seat(1).help());
  CHECK(rig.read().data.size() == 30 * kRecords);
}

TEST_CASE("packing: large and small groups of one shard, with a helper that never rests",
          "[store][packing][process]") {
  const std::string directory = "/tmp/tailrace-packing-" + std::to_string(::getpid());
  base::Log log{{}};
  const auto io = io::make_io(io::Backend::epoll, log).value();
  const auto files = io::make_files();
  const auto clock = io::make_clock();
  const auto random = io::make_random();
  const io::Environment environment{*io, *files, *clock, *random, log};
  store::PackingBoard board(2, [](std::size_t) {});
  const auto shard =
      store::Shard::open(environment, directory, {.stream_id = 1, .stream = "s", .shard = {}},
                         {.compression = store::Compression::lz4, .sync = store::SyncPolicy::os})
          .value();
  shard->attach(environment, &board.seat(0));
  std::atomic<bool> over{false};
  std::jthread helper([&board, &over] {
    while (!over.load(std::memory_order_acquire)) board.seat(1).help();
  });
  std::uint64_t first = 0;
  for (int round = 0; round < 300; ++round) {
    // The small ones are never offered; an offer of a large one may still be in the helper's hand.
    const std::vector<std::string> runs = make_runs(first, round % 3 == 0 ? 6 : 3);
    const std::vector<std::string_view> pieces(runs.begin(), runs.end());
    store::Append append;
    int answer = -1;
    append.runs = pieces;
    append.owner = &answer;
    append.done = [](void* owner, store::Append&, int error) { *static_cast<int*>(owner) = error; };
    shard->append(append);
    while (answer == -1) {
      const bool due = shard->next_deadline() <= clock->monotonic();
      io->run_once(due ? base::Duration::zero() : std::chrono::seconds(1));
      if (due) shard->tick(clock->monotonic());
    }
    REQUIRE(answer == 0);
    first += runs.size() * kRecords;
  }
  over.store(true, std::memory_order_release);
  helper.join();
  auto cursor = *store::Cursor::open(*files, directory, {});
  store::StoredRecord record;
  std::uint64_t next = 0;
  while (*cursor.next(record)) {
    REQUIRE(record.record.data == store_test::record_text(next, 200));
    ++next;
  }
  CHECK(next == first);
  CHECK(cursor.counters().corrupt_blocks == 0);
  std::filesystem::remove_all(directory);
}

TEST_CASE("packing: more groups than a seat can offer are packed all the same",
          "[store][packing]") {
  base::Log log{{}};
  const auto io = io::make_io(io::Backend::epoll, log).value();
  std::size_t rung = 0;
  store::PackingBoard board(2, [&rung](std::size_t) { ++rung; });
  const std::vector<std::string> runs = make_runs(0, 2);
  std::deque<store::BlockGroup> groups;
  std::deque<store::Packing> packings;
  for (std::size_t i = 0; i <= store::PackingSeat::kOffersMax; ++i) {
    fill(groups.emplace_back(store::Compression::lz4), runs);
    packings.emplace_back(groups.back()).begin(*io);
    board.seat(0).offer(packings.back());
  }
  CHECK(rung == store::PackingSeat::kOffersMax);
  std::size_t helped = 0;
  while (board.seat(1).help()) ++helped;
  CHECK(helped == 2 * store::PackingSeat::kOffersMax);
  CHECK_FALSE(packings.back().done());
  while (packings.back().pack_one(board.seat(0).packer())) {
  }
  CHECK(packings.back().done());
  for (store::Packing& packing : packings) board.seat(0).withdraw(packing);
}
