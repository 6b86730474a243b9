#include "tests/sim/store_oracle.h"

#include <ranges>
#include <utility>

#include "store/catalog.h"
#include "store/cursor.h"

namespace sim {

StoreOracle::StoreOracle(SimWorld& world, std::string data_dir, std::string stream,
                         std::uint32_t shards)
    : world_(world), data_dir_(std::move(data_dir)), stream_(std::move(stream)), shards_(shards) {}

std::string StoreOracle::check(const LogWriters& writers) {
  seen_.assign(writers.count(), {});
  for (std::uint32_t i = 0; i < writers.count(); ++i) seen_[i].resize(writers.lines(i));
  const auto reader = world_.start_process();
  for (std::uint32_t shard = 0; shard < shards_; ++shard) {
    last_.assign(writers.count(), {});
    if (std::string wrong = check_shard(reader->files(), shard, writers); !wrong.empty()) {
      return "shard " + std::to_string(shard) + ": " + wrong;
    }
  }
  return {};
}

std::string StoreOracle::check_shard(io::Files& files, std::uint32_t shard,
                                     const LogWriters& writers) {
  auto cursor = store::Cursor::open(
      files, store::shard_directory(data_dir_, stream_, base::ShardNumber{shard}), {});
  if (!cursor) return "cannot open: " + cursor.error().message;
  base::SequenceNumber expected = 0;
  base::Timestamp last_arrival{};
  store::StoredRecord record;
  for (;;) {
    const auto more = cursor->next(record);
    if (!more) return "cannot read: " + more.error().message;
    if (!*more) break;
    if (record.sequence != expected++) {
      return "sequence " + std::to_string(record.sequence) + " where " +
             std::to_string(expected - 1) + " was due";
    }
    if (record.arrival < last_arrival) return "time goes back at " + std::to_string(expected - 1);
    last_arrival = record.arrival;
    // A record is one line, or several with delimiters between.
    for (const auto part : std::views::split(record.record.data, writers.delimiter())) {
      const std::string_view text(part.begin(), part.end());
      WrittenLine line;
      if (!LogWriters::parse(text, line)) {
        return "stored but never written: '" + std::string(text) + "'";
      }
      if (std::string wrong = note(line, shard, writers); !wrong.empty()) return wrong;
    }
  }
  if (cursor->counters().corrupt_blocks != 0) return "corrupt blocks";
  return {};
}

std::string StoreOracle::note(const WrittenLine& line, std::uint32_t /*shard*/,
                              const LogWriters& writers) {
  const std::string name = "'" + LogWriters::text(line).substr(0, 24) + "…'";
  if (line.writer >= writers.count() || line.number >= seen_[line.writer].size()) {
    return "stored before it was written: " + name;
  }
  if (seen_[line.writer][line.number]) return "stored twice: " + name;
  seen_[line.writer][line.number] = true;
  auto& generations = last_[line.writer];
  if (generations.size() <= line.generation) generations.resize(line.generation + 1, -1);
  const auto number = static_cast<std::int64_t>(line.number);
  if (generations[line.generation] > number) return "out of order: " + name;
  generations[line.generation] = number;
  return {};
}

bool StoreOracle::complete(const LogWriters& writers) const { return missing(writers).empty(); }

std::string StoreOracle::missing(const LogWriters& writers) const {
  std::string result;
  for (std::uint32_t writer = 0; writer < writers.count(); ++writer) {
    std::uint64_t count = 0;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    for (std::uint64_t number = 0; number < writers.lines(writer); ++number) {
      if (number < seen_[writer].size() && seen_[writer][number]) continue;
      if (writers.may_be_missing(writer, number)) continue;
      if (count++ == 0) first = number;
      last = number;
    }
    if (count == 0) continue;
    result += " writer " + std::to_string(writer) + " misses " + std::to_string(count) + " of " +
              std::to_string(writers.lines(writer)) + " from " + std::to_string(first) + " to " +
              std::to_string(last) + ";";
  }
  return result;
}

}  // namespace sim
