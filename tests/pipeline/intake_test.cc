#include "pipeline/intake.h"

#include <cstring>
#include <string>
#include <vector>

#include "base/packed_record.h"
#include "pipeline/source.h"
#include "tests/pipeline/chunks.h"
#include "tests/test.h"

using base::Origin;
using base::ReactorId;
using pipeline::Batch;
using pipeline::BatchQueue;
using pipeline::Budget;
using pipeline::Doorbell;
using pipeline::Intake;
using pipeline::LongLines;
using pipeline::Parcel;
using pipeline::ParcelPool;
using pipeline::PartitionKey;
using pipeline::ProgramOptions;
using pipeline::ShardMap;
using pipeline::SlabPool;
using pipeline_test::PaddedBytes;

namespace {

constexpr std::uint64_t kBudgetBytes = 1 << 20;
constexpr base::Instant kNow{std::chrono::seconds(5)};

struct NullSource final : pipeline::Source {
  void settled(Parcel&) override {}
};

// An intake and everything around it, on one thread.
struct Flow {
  Doorbell doorbell{nullptr, [](void*) noexcept {}};
  pipeline::Ringer ringer;
  std::vector<std::unique_ptr<BatchQueue>> queues;
  SlabPool slabs{1 << 20};
  ParcelPool parcels;
  Budget budget{kBudgetBytes, {}};
  NullSource source;
  std::unique_ptr<Intake> intake;

  explicit Flow(std::uint32_t shards, ProgramOptions program = {}) {
    std::vector<BatchQueue*> outlets;
    for (std::uint32_t i = 0; i <= shards; ++i) {
      queues.push_back(std::make_unique<BatchQueue>(1, doorbell));
      outlets.push_back(queues.back().get());
    }
    intake = std::make_unique<Intake>(Intake::Parts{.program = std::move(program),
                                                    .map = ShardMap::even(shards),
                                                    .outlets = std::move(outlets),
                                                    .slabs = slabs,
                                                    .parcels = parcels,
                                                    .budget = budget,
                                                    .reactor = ReactorId{0},
                                                    .ringer = ringer});
  }

  Intake::Taken take(std::string_view text, pipeline::Marks marks = {},
                     std::uint64_t credit = 10'000, bool last = false) {
    const PaddedBytes bytes(text);
    REQUIRE(budget.take(credit));
    return intake->take({.bytes = bytes.view(), .origin = Origin{3}, .offset = 100, .last = last},
                        source, marks, credit, kNow);
  }
  std::vector<Batch*> queued() {
    std::vector<Batch*> batches(64);
    std::size_t count = 0;
    for (const auto& queue : queues) count += queue->drain(std::span(batches).subspan(count));
    batches.resize(count);
    return batches;
  }
};

std::vector<std::string> records_of(const Batch& batch) {
  std::vector<std::string> records;
  const char* at = batch.run.data() + base::kRunHeaderBytes;
  base::Record record;
  for (std::uint32_t i = 0; i < batch.record_count; ++i) {
    at = base::unpack(at, batch.run.data() + batch.run.size(), record);
    records.push_back(std::string(record.key) + "|" + std::string(record.data));
  }
  return records;
}

}  // namespace

TEST_CASE("intake: a chunk becomes a parcel whose batches are queued", "[pipeline][intake]") {
  Flow flow(1);
  const Intake::Taken taken = flow.take("one\ntwo\nthr");
  CHECK(taken.consumed == 8);
  REQUIRE(taken.parcel != nullptr);
  CHECK(taken.parcel->begin_offset == 100);
  CHECK(taken.parcel->end_offset == 108);
  CHECK(taken.parcel->origin == Origin{3});
  CHECK(taken.parcel->source == &flow.source);
  CHECK(taken.parcel->record_count == 2);
  CHECK(taken.parcel->unsettled == 1);
  CHECK(taken.parcel->taken == kNow);
  const std::vector<Batch*> batches = flow.queued();
  REQUIRE(batches.size() == 1);
  CHECK(records_of(*batches[0]) == std::vector<std::string>{"|one", "|two"});
  CHECK(flow.intake->counters().records_in_flight_total.value() == 2);
}

TEST_CASE("intake: credit is what the slab takes, and returns when the parcel is released",
          "[pipeline][intake]") {
  Flow flow(1);
  const Intake::Taken taken = flow.take("one\n");
  const auto slab_bytes = static_cast<std::int64_t>(taken.parcel->slab.size());
  CHECK(flow.budget.available_bytes() == static_cast<std::int64_t>(kBudgetBytes) - slab_bytes);
  CHECK(Intake::settle(*flow.queued()[0]) == taken.parcel);
  flow.intake->release(*taken.parcel);
  CHECK(flow.budget.available_bytes() == static_cast<std::int64_t>(kBudgetBytes));
}

TEST_CASE("intake: a slab larger than its credit overdraws until it is released",
          "[pipeline][intake]") {
  Flow flow(1);
  const std::string line(5000, 'x');
  const Intake::Taken taken = flow.take(line + "\n", {}, 10);
  CHECK(taken.parcel->credit_bytes == taken.parcel->slab.size());
  CHECK(flow.budget.available_bytes() <= static_cast<std::int64_t>(kBudgetBytes) - 5000);
  CHECK(Intake::settle(*flow.queued()[0]) == taken.parcel);
  flow.intake->release(*taken.parcel);
  CHECK(flow.budget.available_bytes() == static_cast<std::int64_t>(kBudgetBytes));
}

TEST_CASE("intake: nothing complete, nothing taken, all credit back", "[pipeline][intake]") {
  Flow flow(2);
  const Intake::Taken taken = flow.take("unfinished");
  CHECK(taken.consumed == 0);
  CHECK(taken.parcel == nullptr);
  CHECK(flow.queued().empty());
  CHECK(flow.budget.available_bytes() == static_cast<std::int64_t>(kBudgetBytes));
}

TEST_CASE("intake: the last batch home settles the parcel", "[pipeline][intake]") {
  Flow flow(8);
  std::string text;
  for (int i = 0; i < 200; ++i) text += "line " + std::to_string(i) + "\n";
  const Intake::Taken taken = flow.take(text);
  const std::vector<Batch*> batches = flow.queued();
  REQUIRE(batches.size() == 8);
  for (std::size_t i = 0; i < 7; ++i) CHECK(Intake::settle(*batches[i]) == nullptr);
  CHECK(Intake::settle(*batches[7]) == taken.parcel);
  flow.intake->release(*taken.parcel);
}

TEST_CASE("intake: a chunk whose records are all durable is settled at once",
          "[pipeline][intake]") {
  Flow flow(2);
  const std::vector<std::uint64_t> marks(3, 1000);
  const Intake::Taken taken = flow.take("one\ntwo\n", marks);
  CHECK(taken.consumed == 8);
  REQUIRE(taken.parcel != nullptr);
  CHECK(taken.parcel->unsettled == 0);
  CHECK(taken.parcel->end_offset == 108);
  CHECK(flow.queued().empty());
  CHECK(flow.budget.available_bytes() == static_cast<std::int64_t>(kBudgetBytes));
  CHECK(flow.intake->counters().records_skipped.value() == 2);
  flow.intake->release(*taken.parcel);
  CHECK(flow.budget.available_bytes() == static_cast<std::int64_t>(kBudgetBytes));
}

TEST_CASE("intake: what is too long goes to the last outlet", "[pipeline][intake]") {
  Flow flow(
      2, {.framer = {.line_bytes_max = 4, .long_lines = LongLines::reject}, .partition_key = {}});
  flow.take("abcdefg\n");
  Batch* out[1];
  REQUIRE(flow.queues[2]->drain(out) == 1);
  CHECK(out[0]->shard == base::ShardNumber{2});
  CHECK(records_of(*out[0]) == std::vector<std::string>{"|abcd"});

  const PaddedBytes head("abcdef");
  REQUIRE(flow.budget.take(100));
  const Intake::Taken taken =
      flow.intake->take_long_line({.bytes = head.view(), .origin = Origin{3}, .offset = 0},
                                  1'000'000, flow.source, {}, 100, kNow);
  CHECK(taken.consumed == 1'000'001);
  CHECK(taken.parcel->end_offset == 1'000'001);
  REQUIRE(flow.queues[2]->drain(out) == 1);
  CHECK(records_of(*out[0]) == std::vector<std::string>{"|abcd"});
}

TEST_CASE("intake: keys travel with their records", "[pipeline][intake]") {
  Flow constant(4, {.framer = {}, .partition_key = {PartitionKey::Kind::constant, "tenant"}});
  constant.take("a\nb\n");
  const std::vector<Batch*> one = constant.queued();
  REQUIRE(one.size() == 1);
  CHECK(records_of(*one[0]) == std::vector<std::string>{"tenant|a", "tenant|b"});

  Flow field(1, {.framer = {}, .partition_key = {PartitionKey::Kind::field, "/k"}});
  field.take("{\"k\":\"x\\ty\"}\nno\n{\"k\":7}\n");
  CHECK(records_of(*field.queued().at(0)) ==
        std::vector<std::string>{"x\ty|{\"k\":\"x\\ty\"}", "|no", "7|{\"k\":7}"});
}

TEST_CASE("intake: read again from any record, each goes to the same shard", "[pipeline][intake]") {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "line " + std::to_string(i) + "\n";
  Flow whole(8);
  whole.take(text);
  std::vector<std::vector<std::string>> expected(9);
  for (const Batch* batch : whole.queued())
    expected[base::index(batch->shard)] = records_of(*batch);
  Flow halves(8);
  const std::size_t middle = text.find("line 50");
  std::vector<std::vector<std::string>> got(9);
  const auto collect = [&] {
    for (const Batch* batch : halves.queued()) {
      for (std::string& record : records_of(*batch))
        got[base::index(batch->shard)].push_back(record);
    }
  };
  halves.take(text.substr(0, middle));
  collect();
  const PaddedBytes rest(text.substr(middle));
  REQUIRE(halves.budget.take(10'000));
  halves.intake->take({.bytes = rest.view(), .origin = Origin{3}, .offset = 100 + middle},
                      halves.source, {}, 10'000, kNow);
  collect();
  CHECK(got == expected);
}
