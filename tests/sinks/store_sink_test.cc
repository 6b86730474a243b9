#include "sinks/store_sink.h"

#include "store/cursor.h"
#include "tests/sinks/group_driver.h"
#include "tests/test.h"

using namespace sinks_test;
using sinks::Outcome;
using Strings = std::vector<std::string>;

namespace {

constexpr const char* kDirectory = "/data/s/0";

struct Setup {
  explicit Setup(std::uint64_t seed, store::SyncPolicy sync = store::SyncPolicy::flush)
      : world(seed), process(world.start_process()) {
    store::ShardOptions options;
    options.sync = sync;
    auto opened = store::Shard::open(environment, kDirectory,
                                     {.stream_id = 1, .stream = "s", .shard = {}}, options);
    REQUIRE(opened);
    shard = std::move(*opened);
    shard->attach(environment);
  }
  Strings stored() {
    Strings out;
    auto cursor = store::Cursor::open(process->files(), kDirectory, {});
    REQUIRE(cursor);
    store::StoredRecord record;
    while (cursor->next(record).value()) out.emplace_back(record.record.data);
    return out;
  }
  sim::SimWorld world;
  std::unique_ptr<sim::Process> process;
  io::Environment environment = process->environment();  // outlives the shard
  std::unique_ptr<store::Shard> shard;
};

}  // namespace

TEST_CASE("store sink: stores a group in order and gives every batch its sequence number",
          "[sinks][store_sink]") {
  Setup setup(1);
  sinks::StoreSink sink(*setup.shard);
  GroupDriver driver(setup.world, *setup.process, sink);
  CHECK(driver.give({"a", "b"}) == Outcome::delivered);
  CHECK(driver.give({"c"}) == Outcome::delivered);
  CHECK(driver.batches()[0]->first_sequence == 2);
  CHECK(setup.stored() == Strings{"a", "b", "c"});
}

TEST_CASE("store sink: several flows share one shard", "[sinks][store_sink]") {
  Setup setup(2);
  sinks::StoreSink one(*setup.shard), other(*setup.shard);
  GroupDriver first(setup.world, *setup.process, one);
  GroupDriver second(setup.world, *setup.process, other);
  CHECK(first.give({"a"}) == Outcome::delivered);
  CHECK(second.give({"b"}) == Outcome::delivered);
  CHECK(first.give({"c"}) == Outcome::delivered);
  CHECK(setup.stored() == Strings{"a", "b", "c"});
}

TEST_CASE("store sink: only interval syncing needs several groups out", "[sinks][store_sink]") {
  Setup flush(3, store::SyncPolicy::flush), interval(4, store::SyncPolicy::interval);
  CHECK(sinks::StoreSink(*flush.shard).groups_max() == 1);
  CHECK(sinks::StoreSink(*interval.shard).groups_max() == sinks::StoreSink::kIntervalGroupsMax);
}

TEST_CASE("store sink: by chance, failing writes and syncs leave every record once and in order",
          "[sinks][store_sink][random]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Setup setup(seed);
    sinks::StoreSink sink(*setup.shard);
    GroupDriver driver(setup.world, *setup.process, sink);
    sim::FaultPlan plan;
    plan.write_error = 0.1;
    plan.write_full = 0.1;
    plan.sync_error = 0.1;
    setup.world.faults().set("/data", plan);
    Strings all;
    for (int group = 0; group < 20; ++group) {
      const Strings records{std::to_string(group) + "a", std::to_string(group) + "b"};
      const int failed = driver.give_until_delivered(records);
      REQUIRE(failed >= 0);
      if (failed > 0) CHECK_FALSE(sink.reason().empty());
      all.insert(all.end(), records.begin(), records.end());
    }
    setup.world.faults().switch_on(false);
    CHECK(setup.stored() == all);
  }
}
