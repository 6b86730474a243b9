// World: everything a Delivery needs around it, with time as a variable and the sink in our hand.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/packed_record.h"
#include "pipeline/batch_queue.h"
#include "pipeline/budget.h"
#include "sinks/delivery.h"

namespace sinks_test {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""s;

class HandClock final : public io::Clock {
 public:
  base::Instant monotonic() override { return now; }
  base::Timestamp wall() override { return base::Timestamp{}; }
  base::Instant now{1h};
};

class SeededRandom final : public io::Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {  // splitmix64
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }

 private:
  std::uint64_t state_;
};

// A parcel with one batch, and the bytes under it.
struct TestBatch {
  pipeline::Parcel parcel;
  std::vector<char> slab;
  pipeline::Batch& batch() { return parcel.batches[0]; }
};

inline base::Record record_with(std::string_view data) {
  return {.key = {}, .data = data, .hash = {}};
}

inline std::unique_ptr<TestBatch> make_batch(const std::vector<std::string>& records,
                                             std::uint32_t home = 0) {
  auto made = std::make_unique<TestBatch>();
  std::size_t bytes = 0;
  for (const std::string& data : records) bytes += base::packed_bytes(record_with(data));
  made->slab.resize(base::kRunHeaderBytes + bytes);
  base::RunHeader header;
  header.origin = base::Origin{7};
  header.end_offset = 1000;
  header.record_count = static_cast<std::uint32_t>(records.size());
  header.bytes = static_cast<std::uint32_t>(bytes);
  std::memcpy(made->slab.data(), &header, sizeof header);
  char* at = made->slab.data() + base::kRunHeaderBytes;
  for (const std::string& data : records) at = base::pack(record_with(data), at);
  made->parcel.home = base::ReactorId{home};
  made->parcel.unsettled = 1;
  made->parcel.batches.emplace_back();
  made->batch().parcel = &made->parcel;
  made->batch().record_count = header.record_count;
  made->batch().run = made->slab;
  return made;
}

inline std::vector<std::string> records_of(const pipeline::Batch& batch) {
  std::vector<std::string> out;
  const char* at = batch.run.data() + base::kRunHeaderBytes;
  const char* const end = batch.run.data() + batch.run.size();
  base::Record record;
  while (at != end) {
    at = base::unpack(at, end, record);
    if (at == nullptr) return {"not a packed record"};
    out.emplace_back(record.data);
  }
  return out;
}

inline std::vector<std::string> records_of(const sinks::Group& group) {
  std::vector<std::string> out;
  for (const pipeline::Batch* batch : group.batches) {
    for (std::string& data : records_of(*batch)) out.push_back(std::move(data));
  }
  return out;
}

// Keeps the groups it is given until the test answers them, or answers at once. Keeps the promises
// of sink.h: nothing overtakes a group that failed.
class ScriptedSink final : public sinks::Sink {
 public:
  explicit ScriptedSink(std::size_t groups_max) : groups_max_(groups_max) {}

  void deliver(sinks::Group& group) override {
    given.push_back(records_of(group));
    out.push_back(&group);
    if (at_once) answer(sinks::Outcome::delivered);
  }
  std::size_t groups_max() const override { return groups_max_; }
  std::string reason() const override { return "because"; }

  // Answers the oldest group; with anything but `delivered` all the others answer `retry`. A group
  // that holds a bad record is refused instead of delivered.
  void answer(sinks::Outcome outcome, base::Duration retry_after = 0s) {
    sinks::Group& group = *out.front();
    out.pop_front();
    const std::vector<std::string> records = records_of(group);
    if (outcome == sinks::Outcome::delivered) {
      for (const std::string& data : records) {
        if (bad.contains(data)) outcome = sinks::Outcome::rejected;
      }
    }
    if (outcome == sinks::Outcome::delivered) {
      for (pipeline::Batch* batch : group.batches) {
        batch->first_sequence = stored.size();
        for (std::string& data : records_of(*batch)) stored.push_back(std::move(data));
      }
    }
    const std::deque<sinks::Group*> rest =
        outcome == sinks::Outcome::delivered ? std::deque<sinks::Group*>{} : std::exchange(out, {});
    group.done(group.owner, group, outcome, retry_after);
    for (sinks::Group* later : rest) {
      later->done(later->owner, *later, sinks::Outcome::retry, 0s);
    }
  }

  bool at_once = false;
  std::set<std::string> bad;
  std::deque<sinks::Group*> out;
  std::vector<std::vector<std::string>> given;  // records of each group, in order
  std::vector<std::string> stored;

 private:
  std::size_t groups_max_;
};

struct World {
  explicit World(pipeline::FlushPolicy policy, std::size_t groups_max = 1, std::uint64_t seed = 1)
      : random(seed), sink(groups_max) {
    for (int i = 0; i < kReactors; ++i) {
      settle.push_back(std::make_unique<pipeline::BatchQueue>(kReactors, doorbell));
      homes.push_back(settle.back().get());
    }
    delivery = std::make_unique<sinks::Delivery>(sinks::Delivery::Parts{.name = "flow/0",
                                                                        .queue = queue,
                                                                        .settle = homes,
                                                                        .budget = budget,
                                                                        .policy = policy,
                                                                        .sink = sink,
                                                                        .clock = clock,
                                                                        .random = random,
                                                                        .log = log,
                                                                        .reactor = {},
                                                                        .ringer = ringer,
                                                                        .retry = {}});
  }

  pipeline::Batch& push(const std::vector<std::string>& records, std::uint32_t home = 0) {
    batches.push_back(make_batch(records, home));
    pipeline::Batch& batch = batches.back()->batch();
    queue.push(base::ReactorId{home}, batch, ringer);
    return batch;
  }
  void tick() { delivery->tick(clock.now); }
  void advance(base::Duration by) {
    clock.now += by;
    tick();
  }
  // Takes in what is queued, then waits for the next deadline.
  void advance_to_deadline() {
    tick();
    const base::Instant deadline = delivery->next_deadline();
    if (deadline > clock.now && deadline != base::Instant::max()) clock.now = deadline;
    tick();
  }
  std::vector<pipeline::Batch*> settled(std::uint32_t home) {
    std::vector<pipeline::Batch*> out;
    std::array<pipeline::Batch*, 64> some{};
    while (const std::size_t count = settle[home]->drain(some)) {
      out.insert(out.end(), some.begin(), some.begin() + count);
    }
    return out;
  }

  static constexpr int kReactors = 3;
  HandClock clock;
  SeededRandom random;
  std::string log_text;
  base::Log log{
      {.owner = &log_text,
       .write = [](void* text, base::LogLevel,
                   std::string_view line) { static_cast<std::string*>(text)->append(line); },
       .now_us = [](void*) -> std::int64_t { return 0; }}};
  pipeline::Doorbell doorbell{nullptr, [](void*) noexcept {}};
  pipeline::BatchQueue queue{kReactors, doorbell};
  pipeline::Ringer ringer;
  std::vector<std::unique_ptr<pipeline::BatchQueue>> settle;
  std::vector<pipeline::BatchQueue*> homes;
  pipeline::Budget budget{1 << 20, {&doorbell}};
  ScriptedSink sink;
  std::vector<std::unique_ptr<TestBatch>> batches;
  std::unique_ptr<sinks::Delivery> delivery;
};

}  // namespace sinks_test
