// Opening, closing, retention and what others may look at.
#include "store/shard.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "store/shard_state.h"

namespace store {

Shard::State::State(io::Files& open_files, std::string path_of_shard, ShardName shard_name,
                    ShardOptions shard_options)
    : directory(std::move(path_of_shard)),
      name(std::move(shard_name)),
      options(shard_options),
      files(&open_files),
      group(shard_options.compression) {}

void Shard::State::adopt(Recovered recovered) {
  tail_ = std::move(recovered.tail);
  end = settled = promised = recovered.end;
  marks = std::move(recovered.marks);
  worthless = std::move(recovered.worthless);
  segments.assign(recovered.segments.begin(), recovered.segments.end());
  tail_id = recovered.next;
  if (tail_) {
    tail_id = segments.back().id;
    segments.pop_back();
  }
  for (const Segment& segment : segments) sealed_bytes += segment.bytes;
  counters.torn_bytes.add(recovered.torn_bytes);
  counters.torn_records.add(recovered.torn_records);
  counters.corrupt_blocks.add(recovered.corrupt_blocks);
  counters.corrupt_records.add(recovered.corrupt_records);
  counters.segments_set_aside.add(recovered.set_aside);
  publish();
}

void Shard::State::publish() {
  const base::SequenceNumber oldest =
      segments.empty() ? tail_id.first_sequence : segments.front().id.first_sequence;
  first_sequence.store(oldest, std::memory_order_relaxed);
  next_sequence.store(settled.sequence, std::memory_order_relaxed);
  stored_bytes.store(sealed_bytes + tail_bytes(), std::memory_order_relaxed);
}

base::Result<std::unique_ptr<Shard>> Shard::open(const io::Environment& environment,
                                                 const std::string& directory, ShardName name,
                                                 ShardOptions options,
                                                 base::SequenceNumber known_next,
                                                 bool may_be_removed) {
  Recovered recovered = TRY(
      recover(environment, directory, options.sync != SyncPolicy::os, known_next, may_be_removed));
  const bool missing = recovered.records_missing > 0;
  auto state = std::make_unique<State>(environment.files, directory, std::move(name), options);
  state->directory_handle = io::UniqueHandle(
      environment.files, TRY(environment.files.open(directory, io::Open::directory)));
  // How old the tail is by the wall clock, carried over to the clock that does not jump.
  const base::Instant now = environment.clock.monotonic();
  state->tail_since = state->last_activity = now;
  if (recovered.tail) {
    const auto age = environment.clock.wall().time_since_epoch() -
                     std::chrono::microseconds(recovered.tail_created_us);
    const auto least = std::max<base::Duration>(age, base::Duration::zero());
    state->tail_since = now - std::min<base::Duration>(least, std::chrono::hours(24 * 365));
  }
  state->adopt(std::move(recovered));
  if (missing) state->begin_after_gap(environment);
  return std::unique_ptr<Shard>(new Shard(std::move(state)));
}

// The next segment at once, with nothing in it yet: that something is missing before it is said
// once, and its header says so for ever. If that cannot be written now, the first append does it.
void Shard::State::begin_after_gap(const io::Environment& opening) {
  gap_ahead = true;
  const std::string begun = segment_path(directory, tail_id);
  auto handle = files->open(begun, io::Open::create_new);
  if (!handle) return;
  io::UniqueHandle file(*files, *handle);
  environment = &opening;
  group.begin(end, 0);
  add_head();
  group.finish();
  environment = nullptr;
  std::uint64_t at = 0;
  for (const std::string_view piece : group.pieces()) {
    if (!files->write_at(file.get(), piece, at)) break;
    at += piece.size();
  }
  const bool synced = options.sync == SyncPolicy::os ||
                      (files->sync(file.get()).has_value() && files->sync_directory(directory));
  if (at != group.bytes() || !synced) {
    (void)files->truncate(file.get(), 0);
    worthless.push_back(tail_id);
    ++tail_id.generation;
    return;
  }
  tail_ = std::move(file);
  end = settled = promised = group.end();
  counters.segments_created.add();
  counters.bytes_written.add(at);
  counters.blocks.add(group.blocks_written());
  publish();
}

Shard::Shard(std::unique_ptr<State> state) : state_(std::move(state)) {}

Shard::~Shard() = default;

void Shard::attach(const io::Environment& environment, PackingSeat* seat) {
  state_->environment = &environment;
  state_->seat = seat;
}

void Shard::append(Append& append) {
  ASSERT(state_->environment != nullptr);
  state_->queue.push(append);
  if (!state_->answering) state_->advance();
}

bool Shard::idle() const {
  return state_->phase == State::Phase::idle && state_->queue.empty() && state_->in_write.empty() &&
         state_->unsynced.empty();
}

void Shard::roll() {
  if (state_->tail_ && state_->end.sequence != state_->tail_id.first_sequence)
    state_->roll_wanted = true;
}

// The next segment has a name on the device, if nothing else: there is no room for its head. What
// fills the disk may be the last sealed segment, so it goes before that is written (F60). Who is
// killed in between has lost its marks, and what was in it may come once more.
bool Shard::State::next_is_named() {
  if (!tail_ || phase != Phase::idle) return false;
  if (directory_dirty && !files->sync_directory(directory)) return false;
  directory_dirty = false;
  return true;
}

std::vector<std::string> Shard::State::retire_while(const auto& expired) {
  std::vector<std::string> paths = std::exchange(removable, {});
  // The last segment stays even if it is sealed, unless the next has a name: that is what keeps
  // numbers from starting over.
  while (!segments.empty() && expired(segments.front()) &&
         (tail_bytes() > 0 || segments.size() > 1 || next_is_named())) {
    // What it stands in for goes first, or it would be the oldest segment again.
    std::erase_if(worthless, [&](const SegmentId& id) {
      if (id.first_sequence > segments.front().id.first_sequence) return false;
      paths.push_back(segment_path(directory, id));
      return true;
    });
    paths.push_back(segment_path(directory, segments.front().id));
    sealed_bytes -= segments.front().bytes;
    segments.pop_front();
    counters.segments_retired.add();
  }
  if (!paths.empty()) publish();
  return paths;
}

std::vector<std::string> Shard::retire(base::Timestamp now) {
  const ShardOptions& options = state_->options;
  const std::int64_t age_us =
      std::chrono::duration_cast<std::chrono::microseconds>(options.retention_age).count();
  const std::int64_t oldest_us = now.time_since_epoch().count() - age_us;
  return state_->retire_while([&](const Segment& segment) {
    if (age_us > 0 && segment.last_arrival_us < oldest_us) return true;
    return options.retention_bytes > 0 &&
           state_->sealed_bytes + state_->tail_bytes() > options.retention_bytes;
  });
}

std::vector<std::string> Shard::retire_below(base::SequenceNumber sequence) {
  State& state = *state_;
  return state.retire_while([&](const Segment&) {
    const base::SequenceNumber end = state.segments.size() > 1 ? state.segments[1].id.first_sequence
                                                               : state.tail_id.first_sequence;
    return end <= sequence;
  });
}

std::vector<std::pair<base::Origin, std::uint64_t>> Shard::marks() const {
  std::vector<Mark> list;
  state_->marks.list(list);
  std::vector<std::pair<base::Origin, std::uint64_t>> marks;
  marks.reserve(list.size());
  for (const Mark& mark : list) marks.emplace_back(base::Origin{mark.origin}, mark.end_offset);
  return marks;
}

void Shard::forget_marks_before(base::Instant instant, std::span<const base::Origin> except) {
  state_->marks.keep(except, instant);
  state_->forget_marks = std::max(state_->forget_marks, instant);
}

void Shard::note_settled() {
  State& state = *state_;
  if (!idle()) return;  // tick() was first: it is writing the same
  if (state.settled_block_deadline() == base::Instant::max()) return;
  state.group.begin(state.end, state.end.position);
  state.group.add_settled();
  state.group.finish();
  if (state.files->write_at(state.tail_.get(), state.group.pieces().front(), state.end.position)) {
    state.end = state.settled = state.group.end();  // not promised: nobody syncs it
    state.last_is_settled_block = true;
    state.settled_block_end = state.end.position;
  }
}

std::optional<base::Timestamp> Shard::newest_arrival() const {
  const State& state = *state_;
  std::int64_t newest_us = state.end.arrival_us;
  if (newest_us == 0 && !state.segments.empty()) newest_us = state.segments.back().last_arrival_us;
  if (newest_us == 0) return std::nullopt;
  return base::Timestamp(std::chrono::microseconds(newest_us));
}

base::SequenceNumber Shard::first_sequence() const {
  return state_->first_sequence.load(std::memory_order_relaxed);
}
base::SequenceNumber Shard::next_sequence() const {
  return state_->next_sequence.load(std::memory_order_relaxed);
}
std::uint64_t Shard::stored_bytes() const {
  return state_->stored_bytes.load(std::memory_order_relaxed);
}
const ShardName& Shard::name() const { return state_->name; }
const std::string& Shard::directory() const { return state_->directory; }
const ShardOptions& Shard::options() const { return state_->options; }
const ShardCounters& Shard::counters() const { return state_->counters; }

}  // namespace store
