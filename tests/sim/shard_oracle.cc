#include "tests/sim/shard_oracle.h"

#include <optional>
#include <string_view>

#include "base/packed_record.h"
#include "store/cursor.h"

namespace sim {
namespace {

// Walks a shard's records from the oldest kept; `visit` returns a violation, or "".
template <typename Visit>
std::string for_each_record(io::Files& files, const std::string& directory, Visit visit) {
  auto cursor = store::Cursor::open(files, directory, {});
  if (!cursor) return "cursor does not open: " + cursor.error().message;
  store::StoredRecord record;
  while (true) {
    const auto more = cursor->next(record);
    if (!more) return "cursor fails: " + more.error().message;
    if (!*more) return "";
    std::string violation = visit(*cursor, record);
    if (!violation.empty()) return violation;
  }
}

std::string packed(const std::vector<std::string>& records) {
  std::string bytes;
  for (const std::string& text : records) {
    const base::Record record{.key = {}, .data = text, .hash = std::nullopt};
    const std::size_t at = bytes.size();
    bytes.resize(at + base::packed_bytes(record));
    base::pack(record, bytes.data() + at);
  }
  return bytes;
}

}  // namespace

void ShardOracle::add_run(SimRandom& random, std::int64_t arrival_us) {
  AppendedRun run;
  run.origin = static_cast<base::Origin>(random.between(1, 3));
  std::uint64_t& offset = offsets_[run.origin];
  const std::uint64_t count = random.between(1, 5);
  for (std::uint64_t i = 0; i < count; ++i) {  // each text is unlike all others
    std::string text = std::to_string(runs_.size()) + ':' + std::to_string(i) + ' ';
    const std::uint64_t size = random.below(10) == 0 ? random.below(3000) : random.below(100);
    text.append(size, static_cast<char>('a' + runs_.size() % 26));
    offset += text.size() + 1;
    run.records.push_back(std::move(text));
  }
  run.end_offset = offset;
  const std::string body = packed(run.records);
  const base::RunHeader header{.origin = run.origin,
                               .end_offset = run.end_offset,
                               .arrival_us = arrival_us,
                               .record_count = static_cast<std::uint32_t>(count),
                               .bytes = static_cast<std::uint32_t>(body.size())};
  run.bytes.assign(reinterpret_cast<const char*>(&header), sizeof header);
  run.bytes += body;
  runs_.push_back(std::move(run));
}

std::string ShardOracle::check(io::Files& files, const store::Shard& shard, bool retention,
                               std::size_t& stored) const {
  std::size_t run = 0;
  std::size_t index = 0;  // of the next record within its run
  base::SequenceNumber expected = 0;
  base::Timestamp arrival{};
  bool first = true;
  std::string violation = for_each_record(
      files, directory_,
      [&](const store::Cursor& cursor, const store::StoredRecord& record) -> std::string {
        if (cursor.counters().corrupt_blocks + cursor.counters().corrupt_records != 0) {
          return "1: the cursor saw corruption";
        }
        if (first) {  // retention may have taken the front: find where we are
          first = false;
          if (record.sequence != shard.first_sequence())
            return "1: first_sequence is not the first";
          if (!retention && record.sequence != 0) return "1: the front is missing";
          while (run < runs_.size() && expected + runs_[run].records.size() <= record.sequence) {
            expected += runs_[run++].records.size();
          }
          index = record.sequence - expected;
          expected = record.sequence;
        }
        const std::string where = " at record " + std::to_string(record.sequence);
        if (record.sequence != expected++) return "1: sequence numbers are not dense" + where;
        if (run >= runs_.size()) return "1: a record that was never appended" + where;
        if (record.record.data != runs_[run].records[index]) {
          return "1: not run " + std::to_string(run) + where;
        }
        if (record.origin != runs_[run].origin) return "1: another origin" + where;
        if (record.arrival < arrival) return "4: arrival times decrease" + where;
        arrival = record.arrival;
        if (++index == runs_[run].records.size()) {
          index = 0;
          ++run;
        }
        return "";
      });
  if (!violation.empty()) return violation;
  if (index != 0) return "1: a run is there in part";
  if (first && shard.next_sequence() != 0) {  // nothing is kept: only retention may do that
    if (!retention) return "1: all records are missing";
    run = stored;
  } else if (expected != shard.next_sequence()) {
    return "1: next_sequence is not one past the last";
  }
  if (run < stored) {
    return "2: stored runs are lost: " + std::to_string(run) + " of " + std::to_string(stored);
  }
  stored = run;
  return check_marks(shard, stored);
}

std::string ShardOracle::check_marks(const store::Shard& shard, std::size_t stored) const {
  std::map<base::Origin, std::uint64_t> expected;
  for (std::size_t i = 0; i < stored; ++i) expected[runs_[i].origin] = runs_[i].end_offset;
  std::map<base::Origin, std::uint64_t> found;
  for (const auto& [origin, offset] : shard.marks()) found[origin] = offset;
  if (found == expected) return "";
  std::string text = "3: marks are wrong:";
  for (const auto& [origin, offset] : expected) {
    text += " origin " + std::to_string(base::value(origin)) + " should be " +
            std::to_string(offset) + " is " + std::to_string(found[origin]);
  }
  return text;
}

std::string ShardOracle::check_beside(io::Files& files, std::size_t stored) const {
  std::vector<std::string_view> all;
  std::size_t promised = 0;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    for (const std::string& text : runs_[i].records) all.push_back(text);
    if (i < stored) promised = all.size();
  }
  std::optional<base::SequenceNumber> next;
  std::string violation = for_each_record(
      files, directory_,
      [&](const store::Cursor&, const store::StoredRecord& record) -> std::string {
        if (next && record.sequence != *next) return "reader: numbers are not dense";
        if (record.sequence >= all.size() || all[record.sequence] != record.record.data) {
          return "reader: not what was appended at record " + std::to_string(record.sequence);
        }
        next = record.sequence + 1;
        return "";
      });
  if (!violation.empty()) return violation;
  return next && *next < promised ? "reader: an answered record is not there" : "";
}

std::string ShardOracle::check_loosely(io::Files& files) const {
  std::map<std::string_view, std::uint64_t> order;
  for (const AppendedRun& run : runs_) {
    for (const std::string& text : run.records) order.emplace(text, order.size());
  }
  std::optional<base::SequenceNumber> last;
  std::optional<std::uint64_t> last_place;
  return for_each_record(
      files, directory_,
      [&](const store::Cursor&, const store::StoredRecord& record) -> std::string {
        if (last && record.sequence <= *last) return "loose: numbers do not rise";
        last = record.sequence;
        const auto found = order.find(record.record.data);
        if (found == order.end()) return "loose: a record that was never appended";
        if (last_place && found->second <= *last_place) return "loose: out of order, or twice";
        last_place = found->second;
        return "";
      });
}

}  // namespace sim
