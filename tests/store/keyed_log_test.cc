#include "store/keyed_log.h"

#include <ctime>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/catalog.h"
#include "tests/store/store_rig.h"
#include "tests/test.h"

using store_test::StoreRig;

namespace {

constexpr const char* kDirectory = "/data/_log/0";

std::unique_ptr<store::KeyedLog> open_log(StoreRig& rig, const io::Environment& environment) {
  auto log = store::KeyedLog::open(environment, kDirectory,
                                   {.stream_id = 1, .stream = "_log", .shard = {}});
  REQUIRE(log.has_value());
  (*log)->attach(environment);
  (void)rig;
  return std::move(*log);
}

// No changes: what was written before is made durable.
int write(store::KeyedLog& log, const io::Environment& environment,
          std::vector<store::KeyedLogChange> changes, bool synced) {
  int answer = -1;
  store::KeyedLog::Write write;
  write.owner = &answer;
  write.done = [](void* owner, store::KeyedLog::Write&, int error) {
    *static_cast<int*>(owner) = error;
  };
  write.synced = synced;
  if (changes.empty()) {
    log.make_durable(write);
  } else {
    log.write(write, changes);
  }
  while (answer == -1 || !log.idle()) environment.io.run_once(std::chrono::milliseconds(10));
  for (const std::string& path : log.retire()) (void)environment.files.remove(path);
  return answer;
}

}  // namespace

TEST_CASE("keyed_log: keeps the latest value per key, and erasures", "[store][keyed_log]") {
  StoreRig rig;
  const io::Environment environment = rig.environment();
  auto log = open_log(rig, environment);
  CHECK(write(*log, environment, {{.key = "a", .value = "1"}, {.key = "b", .value = "2"}}, true) ==
        0);
  CHECK(write(*log, environment, {{.key = "a", .value = "3"}}, false) == 0);
  CHECK(write(*log, environment, {{.key = "b", .value = {}, .erase = true}}, false) == 0);
  log.reset();
  log = open_log(rig, environment);
  CHECK(log->size() == 1);
  REQUIRE(log->find("a") != nullptr);
  CHECK(*log->find("a") == "3");
  CHECK(log->find("b") == nullptr);
  CHECK(log->damaged() == 0);
}

TEST_CASE("keyed_log: compacts, and a hundred thousand keys are fine", "[store][keyed_log]") {
  StoreRig rig;
  const io::Environment environment = rig.environment();
  auto log = open_log(rig, environment);
  std::vector<std::string> keys;
  for (int i = 0; i < 100'000; ++i) keys.push_back("key" + std::to_string(i));
  std::vector<store::KeyedLogChange> changes;
  for (const std::string& key : keys)
    changes.push_back({.key = key, .value = "some value or other"});
  CHECK(write(*log, environment, changes, true) == 0);
  for (int round = 0; round < 12; ++round) CHECK(write(*log, environment, changes, false) == 0);
  const std::string last = keys.back();
  CHECK(write(*log, environment, {{.key = last, .value = {}, .erase = true}}, true) == 0);
  CHECK(rig.world().disk().list(kDirectory).size() <= 2);
  log.reset();
  log = open_log(rig, environment);
  CHECK(log->size() == 99'999);
  std::size_t seen = 0;
  REQUIRE(store::KeyedLog::read(environment.files, kDirectory,
                                [&](std::string_view, std::string_view) { ++seen; }));
  CHECK(seen == 99'999);
}

TEST_CASE("keyed_log: a disk too full to compact costs no entry, and no room (F60)",
          "[store][keyed_log]") {
  const bool killed = GENERATE(false, true);  // while it is full
  CAPTURE(killed);
  StoreRig rig;
  const io::Environment environment = rig.environment();
  auto log = open_log(rig, environment);
  std::vector<std::string> keys;
  for (int i = 0; i < 5000; ++i) keys.push_back("key" + std::to_string(i));
  std::vector<store::KeyedLogChange> changes;
  for (const std::string& key : keys)
    changes.push_back({.key = key, .value = "some value or other"});
  CHECK(write(*log, environment, changes, true) == 0);
  const io::Space space = rig.world().disk().space();
  const std::uint64_t used = space.total_bytes - space.free_bytes;
  // Room for some changes, and not for all that is known.
  rig.world().disk().set_capacity(used + used / 2);
  int failed = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string value = "new " + std::to_string(i);
    if (write(*log, environment, {{.key = "changing", .value = value}}, true) != 0) ++failed;
  }
  CHECK(failed > 0);
  CHECK(rig.world().disk().list(kDirectory).size() <= 2);
  if (killed) {
    log.reset();
    log = open_log(rig, environment);
    CHECK(log->damaged() == 0);
    CHECK(log->size() == 5001);
    CHECK(write(*log, environment, {{.key = "later", .value = "1"}}, true) == ENOSPC);
  }
  rig.world().disk().set_capacity(1ULL << 40);
  CHECK(write(*log, environment, {{.key = "later", .value = "2"}}, true) == 0);
  log.reset();
  log = open_log(rig, environment);
  CHECK(log->damaged() == 0);
  CHECK(log->size() == 5002);
  REQUIRE(log->find("later") != nullptr);
  CHECK(*log->find("later") == "2");
  if (!killed) CHECK(*log->find("changing") == "new 9999");
}

TEST_CASE("keyed_log: damage loses entries, not the start", "[store][keyed_log]") {
  StoreRig rig;
  const io::Environment environment = rig.environment();
  auto log = open_log(rig, environment);
  for (int i = 0; i < 10; ++i) {
    const std::string key = "k" + std::to_string(i);
    CHECK(write(*log, environment, {{.key = key, .value = "v"}}, true) == 0);
  }
  log.reset();
  const std::string path = std::string(kDirectory) + "/00000000000000000000.seg";
  std::string bytes = rig.world().disk().content(path);
  bytes[bytes.size() / 2] ^= 1;
  rig.world().disk().put(path, bytes);
  log = open_log(rig, environment);
  CHECK(log->damaged() == 1);
  CHECK(log->size() == 9);
  CHECK(write(*log, environment, {{.key = "new", .value = "v"}}, true) == 0);
  log.reset();
  log = open_log(rig, environment);
  CHECK(log->damaged() == 0);  // the snapshot replaced it
  CHECK(log->size() == 10);
}

TEST_CASE("catalog: creates even shards once and remembers them", "[store][catalog]") {
  StoreRig rig;
  const io::Environment environment = rig.environment();
  auto catalog = *store::Catalog::open(environment, "/data");
  const auto stream = catalog->ensure("access", 3, {.compression = store::Compression::none});
  REQUIRE(stream.has_value());
  REQUIRE(stream->shards.size() == 3);
  CHECK(stream->shards[0].hash_start == 0);
  CHECK(stream->shards[2].hash_end == base::kHashKeyMax);
  for (int i = 0; i < 2; ++i)
    CHECK(stream->shards[i].hash_end + 1 == stream->shards[i + 1].hash_start);
  const auto again = catalog->ensure("access", 4, {});
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().code == base::ErrorCode::invalid);
  CHECK(catalog->ensure("one", 1, {})->shards[0].hash_end == base::kHashKeyMax);
  CHECK(catalog->ensure("access", 3, {.sync = store::SyncPolicy::os}).has_value());
  catalog.reset();
  const auto streams = *store::Catalog::read(environment.files, "/data");
  REQUIRE(streams.size() == 2);
  CHECK(streams[0].name == "access");
  CHECK(streams[0].id == stream->id);
  CHECK(streams[0].options.sync == store::SyncPolicy::os);
  CHECK(streams[0].shards[1].hash_start == stream->shards[1].hash_start);
}

TEST_CASE("keyed_log: what a failed sync takes with it is written again, and no damage",
          "[store][keyed_log]") {
  for (const bool write_again : {false, true}) {
    CAPTURE(write_again);
    StoreRig rig;
    rig.world().faults().set(kDirectory, {});  // files opened from now on follow it
    const io::Environment environment = rig.environment();
    auto log = open_log(rig, environment);
    CHECK(write(*log, environment, {{.key = "a", .value = "1"}}, true) == 0);
    CHECK(write(*log, environment, {{.key = "b", .value = "2"}}, false) == 0);
    sim::FaultPlan plan;
    plan.sync_error = 1;
    rig.world().faults().set(kDirectory, plan);
    CHECK(write(*log, environment, {{.key = "c", .value = "3"}}, true) != 0);
    rig.world().faults().switch_on(false);
    if (write_again) CHECK(write(*log, environment, {{.key = "d", .value = "4"}}, true) == 0);
    for (int opening = 0; opening < 2; ++opening) {
      log.reset();
      log = open_log(rig, environment);
      CHECK(log->find("a") != nullptr);
      CHECK(log->damaged() == 0);
      CHECK(log->size() == (write_again ? 4 : 1) + static_cast<std::size_t>(opening));
      CHECK(write(*log, environment, {{.key = "e", .value = "5"}}, false) == 0);
    }
  }
}

TEST_CASE("keyed_log: what was made durable survives a power cut", "[store][keyed_log]") {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const bool durable = seed % 2 == 0;
    const bool erased = seed % 4 < 2;  // to the last key
    StoreRig rig(seed);
    const io::Environment environment = rig.environment();
    auto log = open_log(rig, environment);
    CHECK(write(*log, environment, {{.key = "a", .value = "1"}}, true) == 0);
    CHECK(write(*log, environment, {{.key = "a", .value = "2", .erase = erased}}, false) == 0);
    if (durable) CHECK(write(*log, environment, {}, true) == 0);
    log.reset();
    rig.world().disk().cut_power();
    log = open_log(rig, environment);
    const std::string* const a = log->find("a");
    const bool kept = erased ? a == nullptr : a != nullptr && *a == "2";
    if (durable) CHECK(kept);
    if (!kept) ++lost;
    CHECK(log->damaged() == 0);
  }
  CHECK(lost > 0);  // of those that were not
}

namespace {

// Three keys, each written again and again, and one that is erased in the end: what the log says
// after each of its writes, and the bytes it is.
struct WrittenLog {
  using Entries = std::map<std::string, std::string>;
  std::string bytes;
  std::vector<Entries> after;  // each write, oldest first; before the first one: nothing

  WrittenLog() {
    StoreRig rig;
    const io::Environment environment = rig.environment();
    auto log = open_log(rig, environment);
    Entries now;
    after.push_back(now);
    for (int i = 0; i < 6; ++i) {
      const std::string key = "key " + std::to_string(i % 3);
      const bool erase = i == 5;
      if (erase) {
        now.erase(key);
      } else {
        now[key] = "offset " + std::to_string(i);
      }
      const std::string value = erase ? "" : now[key];
      REQUIRE(write(*log, environment, {{.key = key, .value = value, .erase = erase}}, true) == 0);
      after.push_back(now);
    }
    log.reset();
    bytes = rig.world().disk().content(std::string(kDirectory) + "/00000000000000000000.seg");
  }
};

// What a log with these bytes says, and what it says after one more write and another start.
std::pair<WrittenLog::Entries, WrittenLog::Entries> opened_with(const std::string& bytes) {
  StoreRig rig;
  rig.world().disk().put(std::string(kDirectory) + "/00000000000000000000.seg", bytes);
  const io::Environment environment = rig.environment();
  const auto entries = [&] {
    WrittenLog::Entries all;
    REQUIRE(store::KeyedLog::read(
        environment.files, kDirectory,
        [&](std::string_view key, std::string_view value) { all[std::string(key)] = value; }));
    return all;
  };
  auto log = open_log(rig, environment);
  std::pair<WrittenLog::Entries, WrittenLog::Entries> both;
  both.first = entries();
  REQUIRE(log->size() == both.first.size());
  REQUIRE(write(*log, environment, {{.key = "new", .value = "v"}}, true) == 0);
  log.reset();
  log = open_log(rig, environment);
  REQUIRE(log->damaged() == 0);  // a snapshot has replaced what was
  both.second = entries();
  REQUIRE(both.second.erase("new") == 1);
  return both;
}

}  // namespace

TEST_CASE("keyed_log: cut at any byte, it says what it said after one of its writes (F54)",
          "[store][keyed_log]") {
  const WrittenLog written;
  std::size_t least = 0;  // the longer it is the more it knows
  for (std::size_t bytes = 0; bytes <= written.bytes.size(); ++bytes) {
    CAPTURE(bytes);
    const auto [first, second] = opened_with(written.bytes.substr(0, bytes));
    while (least < written.after.size() && written.after[least] != first) ++least;
    REQUIRE(least < written.after.size());
    REQUIRE(second == first);
  }
  CHECK(least + 1 == written.after.size());
}

TEST_CASE("keyed_log: with any byte changed it says nothing that was not said once (F54)",
          "[store][keyed_log]") {
  const WrittenLog written;
  std::set<std::pair<std::string, std::string>> ever;
  for (const auto& entries : written.after) ever.insert(entries.begin(), entries.end());
  for (std::size_t at = 0; at < written.bytes.size(); ++at) {
    CAPTURE(at);
    std::string bytes = written.bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    const auto [first, second] = opened_with(bytes);
    // No key and no value of its own making: an offset may be an old one, never one ahead.
    for (const auto& entry : first) REQUIRE(ever.contains(entry));
    REQUIRE(second == first);
  }
}

TEST_CASE("keyed_log: of a hundred thousand keys one that changes costs its own bytes (F56)",
          "[store][keyed_log]") {
  StoreRig rig;
  const io::Environment environment = rig.environment();
  auto log = open_log(rig, environment);
  std::vector<std::string> keys;
  for (int i = 0; i < 100'000; ++i) keys.push_back("flow 64768 " + std::to_string(1'000'000 + i));
  const std::string value(100, 'v');
  std::vector<store::KeyedLogChange> changes;
  for (const std::string& key : keys) changes.push_back({.key = key, .value = value});
  REQUIRE(write(*log, environment, changes, true) == 0);
  const auto stored = [&] {
    std::size_t bytes = 0;
    for (const std::string& name : rig.world().disk().list(kDirectory)) {
      bytes += rig.world().disk().content(std::string(kDirectory) + "/" + name).size();
    }
    return bytes;
  };
  // A file that grows all the time is noted every 200 ms: ten minutes of that.
  constexpr int kNotes = 3000;
  const std::size_t before = stored();
  REQUIRE(before > 10'000'000);
  const std::clock_t begin = std::clock();
  for (int i = 0; i < kNotes; ++i) {
    REQUIRE(write(*log, environment, {{.key = keys[7], .value = value}}, false) == 0);
  }
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  CHECK((stored() - before) / kNotes <
        400);                   // key, value, a block's header, what says that it is safe
  CHECK(seconds < 600 * 0.01);  // 1 % of the ten minutes
}
