// The way of an append: into a group, to the file, to the device.
#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "store/shard_state.h"

namespace store {

bool Shard::State::roll_due(base::Instant now) const {
  if (!tail_ || end.position == 0 || end.sequence == tail_id.first_sequence) return false;
  return roll_wanted || end.position >= options.segment_bytes_max ||
         (options.segment_age_max > base::Duration::zero() &&
          now - tail_since >= options.segment_age_max);
}

bool Shard::State::sync_due(base::Instant now) const {
  if (unsynced.empty()) return false;
  return sync_wanted || options.sync == SyncPolicy::flush ||
         end.position - settled.position >= options.unsynced_bytes_max ||
         now - unsynced_since >= options.sync_interval;
}

// Starts whatever is to be done next, if nothing is in flight.
void Shard::State::advance() {
  if (phase != Phase::idle) return;
  const base::Instant now = environment->clock.monotonic();
  const bool roll = roll_due(now);
  const bool unsure = !unsynced.empty() ||
                      (options.sync == SyncPolicy::on_request && end.position != promised.position);
  if (sync_due(now) || (roll && unsure)) {
    start_sync();
  } else if (roll || (!queue.empty() && !tail_)) {
    start_create();
  } else if (!queue.empty()) {
    start_write(false);
  }
}

void Shard::State::start_create() {
  phase = Phase::creating;
  if (tail_) seal_tail();
  path = segment_path(directory, tail_id);
  operation = io::on<&State::created>(*this);
  environment->io.open(operation, path.c_str(), io::Open::create_new);
}

void Shard::State::created(std::int64_t result) {
  phase = Phase::idle;
  if (result == -EEXIST) {  // left over from an earlier try
    ++tail_id.generation;
    return start_create();
  }
  if (result < 0) {
    counters.write_errors.add();
    return fail(static_cast<int>(-result));
  }
  tail_ = io::UniqueHandle(environment->files, static_cast<io::Handle>(result));
  tail_since = environment->clock.monotonic();
  directory_dirty = true;
  roll_wanted = false;
  counters.segments_created.add();
  start_write(false);
}

void Shard::State::start_write(bool only_settled) {
  head_in_write = end.position == 0;
  settled_in_write = only_settled;
  group.begin(end, promised.position);
  if (head_in_write) add_head();
  if (only_settled) group.add_settled();
  std::uint64_t bytes = 0;
  base::SequenceNumber sequence = end.sequence;
  while (!only_settled && !queue.empty() && bytes < kGroupBytesMax) {
    Append& append = *queue.pop();
    append.first_sequence = sequence;
    for (const std::string_view run : append.runs) {
      base::RunHeader header;
      ASSERT(front_run(run, header));
      sequence += header.record_count;
      bytes += run.size();
      group.add_run(run);
    }
    sync_wanted = sync_wanted || append.synced;
    in_write.push(append);
  }
  group.close();
  if (seat != nullptr && options.compression != Compression::none &&
      group.block_count() > kPackedAtOnce) {
    phase = Phase::packing;
    packing.begin(environment->io);
    seat->offer(packing);
    return;  // from the next turn on
  }
  // Nobody else is told of these: an old offer's claims stay used up.
  for (std::size_t i = 0; i < group.block_count(); ++i) {
    group.pack(i, seat != nullptr ? seat->packer() : packer);
  }
  write_group();
}

// One turn's part of a large group.
void Shard::State::pack_some() {
  const std::uint32_t count = seat->others_free() ? kPackedBesideOthers : kPackedPerTurn;
  for (std::uint32_t i = 0; i < count && packing.pack_one(seat->packer()); ++i) {
  }
  if (packing.all_taken()) seat->withdraw(packing);
  if (packing.done()) write_group();
}

void Shard::State::write_group() {
  phase = Phase::writing;
  group.finish();
  operation = io::on<&State::written>(*this);
  environment->io.write(operation, tail_.get(), group.pieces(), end.position);
}

void Shard::State::add_head() {
  marks.forget_before(forget_marks);
  marks.list(mark_list);
  SegmentHeader header;
  header.first_sequence = tail_id.first_sequence;
  header.created_us = environment->clock.wall().time_since_epoch().count();
  header.stream_id_low = static_cast<std::uint64_t>(name.stream_id);
  header.stream_id_high = static_cast<std::uint64_t>(name.stream_id >> 64);
  header.shard = base::index(name.shard);
  if (!segments.empty() && !gap_ahead) {
    header.previous_first = segments.back().id.first_sequence;
    header.previous_end = segments.back().bytes;
  }
  group.add_head(header, mark_list);
}

void Shard::State::written(std::int64_t result) {
  phase = Phase::idle;
  last_activity = environment->clock.monotonic();
  if (result < 0 || static_cast<std::uint64_t>(result) != group.bytes()) {
    const int error = result < 0 ? static_cast<int>(-result) : EIO;
    counters.write_errors.add();
    // The next write goes to the same place. What is there now must not be taken for more than it
    // is meanwhile; if cutting it off fails too, the chain of checksums still says so.
    (void)files->truncate(tail_.get(), end.position);
    if (settled_in_write) {
      last_is_settled_block = true;  // do not try again before something else is written
      return advance();
    }
    return fail(error);
  }
  counters.bytes_written.add(group.bytes());
  counters.blocks.add(group.blocks_written());
  end = group.end();
  last_is_settled_block = settled_in_write;
  after_write();
}

void Shard::State::after_write() {
  if (settled_in_write) {
    // Not promised: nobody syncs it, and a power cut may take it from under the block after it.
    settled = end;
    settled_block_end = end.position;
    publish();
    return advance();
  }
  if (unsynced.empty()) unsynced_since = last_activity;
  const bool nobody_waits = in_write.empty() && unsynced.empty();
  unsynced.take_all(in_write);
  const bool lazy = options.sync == SyncPolicy::os || options.sync == SyncPolicy::on_request;
  if (lazy && !sync_wanted) return settle(false);
  // A head alone (the segment was too old) is made durable like anything else.
  if (nobody_waits || sync_due(last_activity)) return start_sync();
  advance();
}

void Shard::State::start_sync() {
  phase = Phase::syncing;
  counters.syncs.add();
  operation = io::on<&State::synced>(*this);
  environment->io.sync(operation, tail_.get());
}

void Shard::State::synced(std::int64_t result) {
  if (result < 0) {
    phase = Phase::idle;
    counters.sync_errors.add();
    abandon();
    return fail(static_cast<int>(-result));
  }
  if (!directory_dirty) return settle(true);
  phase = Phase::syncing_directory;
  counters.syncs.add();
  operation = io::on<&State::directory_synced>(*this);
  environment->io.sync(operation, directory_handle.get());
}

void Shard::State::directory_synced(std::int64_t result) {
  phase = Phase::idle;
  if (result < 0) {  // the file's name may be lost with the power: as good as the file itself
    counters.sync_errors.add();
    abandon();
    return fail(static_cast<int>(-result));
  }
  directory_dirty = false;
  settle(true);
}

}  // namespace store
