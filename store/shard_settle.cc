// How appends end: answered, failed, with their segment sealed or given up; and what is due by
// time.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "store/shard_state.h"

namespace store {

// All that is written is as safe as it was promised to be.
void Shard::State::settle(bool synced_now) {
  phase = Phase::idle;
  settled = end;
  // What was only written may be missing after a power cut although later bytes are there. `os`
  // counts that as a loss; a keyed log never promised it.
  if (options.sync != SyncPolicy::on_request || synced_now) promised = end;
  sync_wanted = false;
  const base::Instant now = last_activity = environment->clock.monotonic();
  AppendList list = std::exchange(unsynced, {});
  AppendList ready;
  while (!list.empty()) {
    Append& append = *list.pop();
    for (const std::string_view run : append.runs) {
      base::RunHeader header;
      front_run(run, header);
      if (header.origin != base::Origin::none) marks.renew(header.origin, header.end_offset, now);
      counters.records_appended.add(header.record_count);
      counters.bytes_appended.add(run.size());
    }
    ready.push(append);
  }
  for (const SegmentId& id : std::exchange(worthless, {})) {
    removable.push_back(segment_path(directory, id));
  }
  publish();
  answer(ready, 0);
}

// Everything not yet answered fails, in order. The chain goes back to what is good.
void Shard::State::fail(int error) {
  AppendList list = std::exchange(unsynced, {});
  list.take_all(in_write);
  list.take_all(queue);
  in_write = queue = {};
  sync_wanted = false;
  // Written but unanswered bytes of `interval` are given back too: they will come again, and the
  // same record must not be stored twice.
  if (end.position != settled.position && tail_) {
    end = settled;
    last_is_settled_block = false;
    (void)files->truncate(tail_.get(), end.position);
  }
  answer(list, error);
}

// After a failed sync the kernel may have dropped what it could not write and call the pages clean:
// the next sync could succeed over a hole. This file is never synced again.
void Shard::State::abandon() {
  // Nor can what was answered before, but never synced, be relied on: a keyed log writes it again.
  // Its numbers stay given.
  const base::SequenceNumber next = settled.sequence;
  end = promised;
  (void)files->truncate(tail_.get(), end.position);
  const bool holds_records = end.sequence != tail_id.first_sequence;
  if (holds_records) {
    seal_tail();
  } else {
    tail_.reset();
    worthless.push_back(tail_id);
    ++tail_id.generation;
  }
  if (next > tail_id.first_sequence) tail_id = {next, 0};
  end.sequence = next;
  end.position = 0;
  settled = promised = end;
  publish();
}

void Shard::State::seal_tail() {
  // Nobody synced a settled block at the very end, and nobody needs it once the segment is sealed.
  const bool settled_block = end.position == settled_block_end;
  const std::uint64_t bytes = end.position - (settled_block ? kHeaderBytes : 0);
  segments.push_back({tail_id, bytes, end.arrival_us});
  sealed_bytes += bytes;
  gap_ahead = false;
  tail_.reset();
  tail_id = {end.sequence, 0};
  end.position = 0;
  settled = end;
  promised = end;
  settled_block_end = 0;
  last_is_settled_block = false;
}

void Shard::State::answer(AppendList list, int error) {
  answering = true;
  while (!list.empty()) {
    Append& append = *list.pop();
    append.done(append.owner, append, error);
  }
  answering = false;
  advance();
}

base::Instant Shard::State::settled_block_deadline() const {
  const bool wanted = tail_ && end.position > 0 && end.position == promised.position &&
                      end.sequence != tail_id.first_sequence && !last_is_settled_block;
  return wanted ? last_activity + kSettleAfter : base::Instant::max();
}

base::Instant Shard::next_deadline() const {
  const State& state = *state_;
  if (state.phase == State::Phase::packing) {
    // When all that is left is in other hands, the last of them wakes us.
    const bool mine = !state.packing.all_taken() || state.packing.done();
    return mine ? base::Instant::min() : base::Instant::max();
  }
  if (state.phase != State::Phase::idle) return base::Instant::max();
  base::Instant deadline = state.settled_block_deadline();
  if (!state.unsynced.empty()) {
    deadline = std::min(deadline, state.unsynced_since + state.options.sync_interval);
  }
  const bool holds_records = state.tail_ && state.end.sequence != state.tail_id.first_sequence;
  if (holds_records && state.options.segment_age_max > base::Duration::zero()) {
    deadline = std::min(deadline, state.tail_since + state.options.segment_age_max);
  }
  return deadline;
}

void Shard::tick(base::Instant now) {
  State& state = *state_;
  if (state.phase == State::Phase::packing) return state.pack_some();
  if (state.phase != State::Phase::idle || state.environment == nullptr) return;
  if (state.roll_due(now) || state.sync_due(now)) {
    state.advance();
  } else if (now >= state.settled_block_deadline()) {
    state.start_write(true);
  }
}

}  // namespace store
