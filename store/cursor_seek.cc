// Finding the segment: where to start, and which one comes next.
#include <algorithm>
#include <cerrno>

#include "store/cursor_state.h"
#include "store/segment_walk.h"

namespace store {

base::Result<void> Cursor::State::start_at(const StartAt& start) {
  using Kind = StartAt::Kind;
  if (start.kind == Kind::latest) return start_at_latest();
  if (start.kind == Kind::at_time) return start_at_time(start.time.time_since_epoch().count());
  if (start.kind == Kind::at_sequence) next = start.sequence;
  if (start.kind == Kind::after_sequence) next = start.sequence + 1;
  TRY(enter_segment_of(next));
  return {};
}

// The last segment that begins at or before `sequence`, or the oldest. False: there is none.
base::Result<bool> Cursor::State::enter_segment_of(base::SequenceNumber sequence) {
  for (int tries = 0; tries < 8; ++tries) {  // one may be retired between list and open
    const auto ids = TRY(list_segments(files, directory));
    const auto chosen = TRY(choose(ids, sequence));
    if (!chosen) return false;
    if (chosen->first_sequence > next) note_gap(chosen->first_sequence);
    const auto entered = enter(*chosen);
    if (entered) {
      hop();
      return true;
    }
    if (entered.error().system != ENOENT) return std::unexpected(entered.error());
  }
  return false;
}

base::Result<std::optional<SegmentId>> Cursor::State::choose(const std::vector<SegmentId>& ids,
                                                             base::SequenceNumber sequence) const {
  const auto after = std::upper_bound(
      ids.begin(), ids.end(), sequence,
      [](base::SequenceNumber wanted, const SegmentId& it) { return wanted < it.first_sequence; });
  std::optional<SegmentReader> reader;
  for (auto at = after; at != ids.begin();) {
    --at;
    if (TRY(ready(*at, reader))) return *at;
  }
  for (auto at = after; at != ids.end(); ++at) {
    if (TRY(ready(*at, reader))) return *at;
  }
  return std::nullopt;
}

base::Result<void> Cursor::State::enter(SegmentId segment_id) {
  auto reader = TRY(SegmentReader::open(files, segment_path(directory, segment_id)));
  segment.emplace(std::move(reader));
  id = segment_id;
  position = kHeaderBytes;
  chained = segment->header_state() == HeaderState::good;
  crc = segment->header().crc;
  tried_size = 0;
  successor.reset();
  return find_successor();
}

// Without a whole block it is still being made, or its maker died: then the one after it counts.
// Nor is one ready that was retired just now. Any other error is one: to go on without the segment
// would be to lose it.
base::Result<bool> Cursor::State::ready(SegmentId segment_id,
                                        std::optional<SegmentReader>& reader) const {
  auto opened = SegmentReader::open(files, segment_path(directory, segment_id));
  if (!opened && opened.error().system == ENOENT) return false;
  if (!opened) return std::unexpected(std::move(opened.error()));
  reader.emplace(std::move(*opened));
  if (reader->header_state() == HeaderState::unknown_version) return false;
  return reader->holds_block();
}

// Over whole blocks that are not wanted. In 64 MiB of the smallest blocks that takes some tens of
// milliseconds, so there is no index to keep true.
void Cursor::State::hop() {
  segment->read_ahead(true);
  while (const auto header = segment->header_at(position, limit)) {
    const bool wanted = end_sequence(*header) > next && header->last_arrival_us >= skip_before_us;
    if (wanted || (chained && header->previous_crc != crc)) break;
    take(*header);
  }
  segment->read_ahead(successor.has_value());
}

base::Result<void> Cursor::State::find_successor() {
  successor.reset();
  limit = segment->size();
  limit_known = false;
  const auto ids = TRY(list_segments(files, directory));
  const auto first = std::upper_bound(ids.begin(), ids.end(), id);
  std::optional<SegmentId> found;
  std::uint64_t end = std::numeric_limits<std::uint64_t>::max();
  for (auto at = first; at != ids.end(); ++at) {
    std::optional<SegmentReader> reader;
    if (!TRY(ready(*at, reader))) continue;
    if (found && at->first_sequence != found->first_sequence) break;
    // Of several with one first number the last counts; the others never held a delivered record.
    found = *at;
    const bool good = reader->header_state() == HeaderState::good;
    end = std::numeric_limits<std::uint64_t>::max();
    if (at->first_sequence == id.first_sequence) {
      end = 0;
    } else if (good && reader->header().previous_first == id.first_sequence) {
      end = reader->header().previous_end;
    }
  }
  if (!found) return {};
  // Only now that it is there, the segment before it has all its bytes.
  TRY_VOID(segment->refresh());
  successor = found;
  limit = std::min(segment->size(), end);
  limit_known = limit == end;
  segment->read_ahead(true);  // its bytes do not change any more
  return {};
}

base::Result<void> Cursor::State::start_at_latest() {
  if (!TRY(enter_segment_of(std::numeric_limits<base::SequenceNumber>::max()))) return {};
  const WalkResult result = walk(*segment, id.first_sequence, limit, Depth::headers);
  next = result.end.sequence;
  position = result.end.position;
  crc = result.end.crc;
  chained = result.blocks > 0;
  return {};
}

base::Result<void> Cursor::State::start_at_time(std::int64_t arrival_us) {
  const auto ids = TRY(list_segments(files, directory));
  // A segment's first block carries the time of the last record before it: when that is earlier
  // than what is asked for, nothing before the segment is wanted.
  std::optional<base::Error> failed;
  const auto starts_before = [&](const SegmentId& segment_id) {
    const auto reader = SegmentReader::open(files, segment_path(directory, segment_id));
    if (!reader && reader.error().system != ENOENT) failed = reader.error();
    if (!reader) return true;  // retired just now: the oldest
    // If the first block is damaged, one after it says less, but nothing wrong.
    BlockHeader header;
    return reader->find_header(kHeaderBytes, reader->size(), header) &&
           header.first_arrival_us < arrival_us;
  };
  const auto after = std::partition_point(ids.begin(), ids.end(), starts_before);
  if (failed) return std::unexpected(std::move(*failed));
  const base::SequenceNumber first = after == ids.begin() ? 0 : std::prev(after)->first_sequence;
  skip_before_us = arrival_us;
  TRY(enter_segment_of(first));
  return {};
}

}  // namespace store
