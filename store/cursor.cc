#include "store/cursor.h"

#include <algorithm>
#include <utility>

#include "store/cursor_state.h"
#include "store/segment_walk.h"

namespace store {

base::Result<Cursor> Cursor::open(io::Files& files, const std::string& directory, StartAt start) {
  auto state = std::make_unique<State>(files, directory);
  TRY_VOID(state->start_at(start));
  return Cursor(std::move(state));
}

Cursor::Cursor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cursor::~Cursor() = default;
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;

base::SequenceNumber Cursor::sequence() const { return state_->next; }
const CursorCounters& Cursor::counters() const { return state_->counters; }

base::Result<bool> Cursor::next(StoredRecord& record) {
  State& state = *state_;
  for (;;) {
    if (!state.in_block && !TRY(state.load_block())) return false;
    RunReader& records = state.records;
    while (records.next(record.record)) {
      record.sequence = records.sequence() - 1;
      if (record.sequence < state.next) continue;
      state.next = record.sequence + 1;
      if (records.arrival_us() < state.skip_before_us) continue;
      state.skip_before_us = std::numeric_limits<std::int64_t>::min();
      state.started = true;
      record.arrival = base::Timestamp(std::chrono::microseconds(records.arrival_us()));
      record.origin = records.origin();
      ++state.counters.records;
      return true;
    }
    state.in_block = false;
    state.note_gap(records.end_sequence());  // a payload that holds fewer records than it says
  }
}

void Cursor::State::note_gap(base::SequenceNumber first) {
  if (first <= next) return;
  if (started) counters.corrupt_records += first - next;
  next = first;
}

// True: `records` holds a block with the next record.
base::Result<bool> Cursor::State::load_block() {
  for (;;) {
    if (!segment && !TRY(enter_segment_of(next))) return false;
    const Step done = TRY(step());
    if (done == Step::block) return true;
    if (done == Step::nothing) return false;
  }
}

base::Result<Cursor::State::Step> Cursor::State::step() {
  if (const auto header = segment->header_at(position, limit)) {
    if (!chained || header->previous_crc == crc) {
      const Step taken = take(*header);
      if (taken != Step::nothing) return taken;
    }
  }
  if (successor) return position < limit ? base::Result<Step>(step_over_damage()) : leave();
  const std::uint64_t before = limit;
  TRY_VOID(segment->refresh());
  TRY_VOID(find_successor());
  if (successor || limit > before) return Step::again;
  if (limit <= position) return Step::nothing;
  return look_closely();
}

// An intact header at `position`. Nothing: its payload is not (yet) good.
Cursor::State::Step Cursor::State::take(const BlockHeader& header) {
  const bool wanted = header.kind == static_cast<std::uint8_t>(BlockKind::records) &&
                      end_sequence(header) > next && header.last_arrival_us >= skip_before_us;
  if (wanted) {
    std::string_view payload;
    if (!segment->payload(position, header, payload)) {
      if (!successor) return Step::nothing;
      ++counters.corrupt_blocks;
      started = true;
      note_gap(end_sequence(header));
    } else {
      note_gap(header.first_sequence);
      records.start(header, payload);
      in_block = true;
    }
  } else {
    if (header.first_sequence > next && header.last_arrival_us >= skip_before_us) {
      note_gap(header.first_sequence);
    }
    if (header.last_arrival_us < skip_before_us) next = std::max(next, end_sequence(header));
  }
  position += block_bytes(header);
  crc = header.crc;
  chained = true;
  return in_block ? Step::block : Step::again;
}

// The sealed segment has nothing more: on to the one after.
base::Result<Cursor::State::Step> Cursor::State::leave() {
  const SegmentId to = *successor;
  if (limit_known && chained && position == limit) {
    // All that counted is read. The numbers in between were given, but lost before they were safe.
    next = std::max(next, to.first_sequence);
  }
  if (to.first_sequence > next) started = true;
  note_gap(to.first_sequence);
  const auto entered = enter(to);
  if (!entered && entered.error().system != ENOENT) return std::unexpected(entered.error());
  if (!entered) segment.reset();  // retired just now: find the oldest that is left
  return Step::again;
}

// `position` holds no block although the segment is sealed.
Cursor::State::Step Cursor::State::step_over_damage() {
  ++counters.corrupt_blocks;
  started = true;
  chained = false;
  BlockHeader header;
  std::uint64_t from = position + 8;
  while (const auto found = segment->find_header(from, limit, header)) {
    position = *found;
    if (end_sequence(header) >= next && header.first_sequence <= successor->first_sequence) {
      return Step::again;
    }
    from = *found + 8;
  }
  position = limit;
  return Step::again;
}

// There are bytes at the end of the live segment that are no block for us: unfinished, rewritten by
// the writer after an error, or damaged.
Cursor::State::Step Cursor::State::look_closely() {
  if (tried_size == segment->size()) return Step::nothing;
  tried_size = segment->size();
  std::optional<std::uint64_t> found;
  BlockHeader first;
  const WalkResult result =
      walk(*segment, id.first_sequence, limit, Depth::headers,
           [&](std::uint64_t at, const BlockHeader& header, std::string_view) {
             if (found || end_sequence(header) <= next || header.record_count == 0) return;
             found = at;
             first = header;
           });
  if (!found) return Step::nothing;
  const auto bad = std::count_if(result.bad.begin(), result.bad.end(), [&](const BadRange& range) {
    return range.begin >= position && range.begin < *found;
  });
  if (*found == position) {  // its header is good, its payload is not
    if (result.promised_end <= position) return Step::nothing;
    ++counters.corrupt_blocks;
    started = true;
    note_gap(end_sequence(first));
    position += block_bytes(first);
    crc = first.crc;
    chained = true;
    return Step::again;
  }
  if (bad > 0 && result.promised_end <= position) return Step::nothing;
  counters.corrupt_blocks += static_cast<std::uint64_t>(bad);
  if (bad > 0) started = true;
  position = *found;
  chained = false;
  return Step::again;
}

}  // namespace store
