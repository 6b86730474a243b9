#include "tests/agent/storm/stored_lines.h"

#include <algorithm>

#include "store/catalog.h"
#include "tests/agent/storm/storm_line.h"

namespace storm {

StoredLines::StoredLines(io::Files& files, std::string data_dir, std::string stream,
                         std::uint32_t writers, std::uint64_t lines)
    : files_(files),
      data_dir_(std::move(data_dir)),
      stream_(std::move(stream)),
      lines_(lines),
      seen_(writers, std::vector<bool>(lines)),
      seen_below_(writers),
      complete_below_(writers) {}

base::Result<bool> StoredLines::find_shards() {
  if (!shards_.empty()) return true;
  const auto streams = store::Catalog::read(files_, data_dir_);
  if (!streams) {
    if (streams.error().code == base::ErrorCode::not_found) return false;
    return std::unexpected(streams.error());
  }
  for (const store::StreamInfo& stream : *streams) {
    if (stream.name != stream_) continue;
    for (const store::ShardInfo& shard : stream.shards) {
      shards_.push_back({TRY(store::Cursor::open(
                             files_, store::shard_directory(data_dir_, stream_, shard.shard), {})),
                         {}});
    }
  }
  return !shards_.empty();
}

base::Result<void> StoredLines::read_on() {
  if (!TRY(find_shards())) return {};
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    store::StoredRecord record;
    base::SequenceNumber expected = shards_[i].cursor.sequence();
    while (TRY(shards_[i].cursor.next(record))) {
      if (record.sequence != expected) {
        complain("shard " + std::to_string(i) + ": sequence number " +
                 std::to_string(record.sequence) + " after " + std::to_string(expected) + " - 1");
      }
      expected = record.sequence + 1;
      judge(i, record);
    }
  }
  return {};
}

void StoredLines::judge(std::size_t shard, const store::StoredRecord& record) {
  ++records_;
  const std::string where =
      "shard " + std::to_string(shard) + " record " + std::to_string(record.sequence) + ": ";
  const std::optional<StormLine> line = parse_line(record.record.data);
  if (!line || line->writer >= seen_.size() || line->sequence >= lines_) {
    return complain(where + "nobody wrote '" + std::string(record.record.data.substr(0, 100)) +
                    "'");
  }
  const std::string which =
      "line " + std::to_string(line->sequence) + " of writer " + std::to_string(line->writer);
  auto bit = seen_[line->writer][line->sequence];
  if (bit) {
    ++doubled_;
    complain(where + which + " once more");
  }
  bit = true;
  auto& next = shards_[shard].next[{line->writer, line->generation}];
  if (ordered_ && line->sequence < next) {
    complain(where + which + " after line " + std::to_string(next - 1) + " of the same file");
  }
  next = std::max(next, line->sequence + 1);
  seen_below_[line->writer] = std::max(seen_below_[line->writer], line->sequence + 1);
}

std::uint64_t StoredLines::complete_below(std::uint32_t writer) {
  std::uint64_t& below = complete_below_[writer];
  while (below < lines_ && seen_[writer][below]) ++below;
  return below;
}

void StoredLines::complain(std::string text) {
  ++wrong_;
  if (complaints_.size() < kComplaintsMax) complaints_.push_back(std::move(text));
}

std::uint64_t StoredLines::missing() const {
  std::uint64_t missing = 0;
  for (const auto& lines : seen_) {
    missing += static_cast<std::uint64_t>(std::ranges::count(lines, false));
  }
  return missing;
}

std::vector<std::string> StoredLines::complaints(bool complete) const {
  std::vector<std::string> all = complaints_;
  if (wrong_ > all.size()) {
    all.push_back("… and " + std::to_string(wrong_ - all.size()) + " more of the kind");
  }
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const store::CursorCounters& counters = shards_[i].cursor.counters();
    if (counters.corrupt_blocks + counters.corrupt_records == 0) continue;
    all.push_back("shard " + std::to_string(i) + ": " + std::to_string(counters.corrupt_blocks) +
                  " corrupt blocks, " + std::to_string(counters.corrupt_records) + " records lost");
  }
  if (!complete || missing() == 0) return all;
  for (std::size_t writer = 0; writer < seen_.size(); ++writer) {
    const auto& lines = seen_[writer];
    const auto count = std::ranges::count(lines, false);
    if (count == 0) continue;
    const auto first = std::ranges::find(lines, false) - lines.begin();
    all.push_back("writer " + std::to_string(writer) + ": " + std::to_string(count) +
                  " lines are missing, the first is " + std::to_string(first));
  }
  return all;
}

}  // namespace storm
