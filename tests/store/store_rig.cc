#include "tests/store/store_rig.h"

#include <cstring>

#include "base/packed_record.h"
#include "tests/test.h"

namespace store_test {

std::string record_text(std::uint64_t number, std::size_t filling) {
  std::string text = "r" + std::to_string(number) + " ";
  for (std::size_t i = 0; i < filling; ++i) {
    text.push_back(static_cast<char>('!' + (number * 31 + i * i * 7) % 90));
  }
  return text;
}

std::string make_run(std::uint64_t first, std::uint32_t count, std::uint64_t origin,
                     std::uint64_t end_offset, std::int64_t arrival_us, std::size_t filling) {
  std::string body;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string text = record_text(first + i, filling);
    const base::Record record{.key = "k", .data = text, .hash = std::nullopt};
    const std::size_t at = body.size();
    body.resize(at + base::packed_bytes(record));
    base::pack(record, body.data() + at);
  }
  const base::RunHeader header{.origin = base::Origin{origin},
                               .end_offset = end_offset,
                               .arrival_us = arrival_us,
                               .record_count = count,
                               .bytes = static_cast<std::uint32_t>(body.size())};
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + body;
}

StoreRig::StoreRig(std::uint64_t seed) : world_(seed), process_(world_.start_process()) {
  process_->io().wait_by_advancing(true);
  environment_.emplace(process_->environment());
}

StoreRig::~StoreRig() = default;

store::Shard& StoreRig::open(store::ShardOptions options, base::SequenceNumber known_next,
                             store::PackingSeat* seat) {
  auto shard = store::Shard::open(*environment_, kDirectory,
                                  {.stream_id = 0x0102030405060708, .stream = "s", .shard = {}},
                                  options, known_next);
  REQUIRE(shard.has_value());
  shard_ = std::move(*shard);
  shard_->attach(*environment_, seat);
  return *shard_;
}

void StoreRig::close(bool note_settled) {
  if (note_settled) shard_->note_settled();
  shard_.reset();
}

void StoreRig::step() { process_->io().run_once(std::chrono::milliseconds(10)); }

void StoreRig::run_until_idle() {
  for (int i = 0; i < 1000 && !shard_->idle(); ++i) {
    process_->io().run_once(std::chrono::milliseconds(10));
    shard_->tick(world_.clock().monotonic());
  }
  REQUIRE(shard_->idle());
}

int StoreRig::append(std::uint32_t count, std::size_t filling) {
  const std::string run = make_run(appended_, count, 7, (appended_ + count) * 100,
                                   world_.clock().wall().time_since_epoch().count(), filling);
  const std::string_view piece = run;
  int answer = -1;
  store::Append append;
  append.runs = {&piece, 1};
  append.owner = &answer;
  append.done = [](void* owner, store::Append&, int error) { *static_cast<int*>(owner) = error; };
  shard_->append(append);
  run_until_idle();
  if (answer == 0) {
    CHECK(append.first_sequence == appended_);
    appended_ += count;
  }
  return answer;
}

Reading StoreRig::read(store::StartAt start) {
  Reading reading;
  auto cursor = store::Cursor::open(process_->files(), kDirectory, start);
  REQUIRE(cursor.has_value());
  store::StoredRecord record;
  for (;;) {
    const auto more = cursor->next(record);
    REQUIRE(more.has_value());
    if (!*more) break;
    reading.data.emplace_back(record.record.data);
    reading.sequences.push_back(record.sequence);
  }
  reading.counters = cursor->counters();
  return reading;
}

}  // namespace store_test
