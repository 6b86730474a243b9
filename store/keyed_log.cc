#include "store/keyed_log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "store/cursor.h"
#include "store/keyed_entries.h"

namespace store {

namespace {

// Compact when this much was written since the last snapshot, or three times its size if that is
// more.
constexpr std::uint64_t kCompactBytesMin = 1U << 20;
constexpr std::uint64_t kCompactFactor = 3;

constexpr ShardOptions kLogOptions{
    .compression = Compression::none,
    .sync = SyncPolicy::on_request,          // each write says itself whether it must be synced
    .segment_bytes_max = ~std::uint64_t{0},  // the log decides when to roll
    .segment_age_max = base::Duration::zero(),
    .retention_age = base::Duration::zero(),
};

base::Result<std::uint64_t> replay(io::Files& files, const std::string& directory,
                                   KeyedEntries& entries) {
  Cursor cursor = TRY(Cursor::open(files, directory, {}));
  StoredRecord record;
  std::uint64_t seen = 0;      // damage before this record
  std::uint64_t replaced = 0;  // … and before the last whole snapshot: nothing is missing for it
  while (TRY(cursor.next(record))) {
    const std::uint64_t damaged = cursor.counters().corrupt_records;
    if (entries.replay(record.record, damaged == seen)) replaced = damaged;
    seen = damaged;
  }
  return cursor.counters().corrupt_records - replaced;
}

}  // namespace

struct KeyedLog::State {
  // One append in the shard: some writes' changes, or a snapshot.
  struct Entry {
    Append append;
    std::string run;
    std::string_view piece;
    Write* write = nullptr;
    State* log = nullptr;
  };

  std::unique_ptr<Shard> shard;
  KeyedEntries entries;
  std::uint64_t damaged = 0;
  const io::Environment* environment = nullptr;

  std::deque<Entry> pool;  // entries must not move while appended
  std::vector<Entry*> free_entries;

  Append snapshot;
  std::vector<std::string> snapshot_runs;
  std::vector<std::string_view> snapshot_pieces;
  bool snapshot_in_flight = false;
  bool snapshot_wanted = false;  // the log on disk may lack what memory has
  std::uint64_t bytes_since_snapshot = 0, snapshot_bytes = 0;
  std::vector<std::string> removable;

  std::int64_t now_us() const { return environment->clock.wall().time_since_epoch().count(); }
  Entry& take_entry();
  void start_snapshot();
  static void entry_done(void* owner, Append& append, int error);
  static void snapshot_done(void* owner, Append& append, int error);
};

base::Result<std::unique_ptr<KeyedLog>> KeyedLog::open(const io::Environment& environment,
                                                       const std::string& directory,
                                                       ShardName name) {
  auto state = std::make_unique<State>();
  state->shard = TRY(Shard::open(environment, directory, std::move(name), kLogOptions));
  state->damaged = TRY(replay(environment.files, directory, state->entries));
  state->snapshot_wanted = state->damaged > 0;
  state->bytes_since_snapshot = state->shard->stored_bytes();
  for (const auto& [key, value] : state->entries.map()) {
    state->snapshot_bytes += key.size() + value.size();
  }
  return std::unique_ptr<KeyedLog>(new KeyedLog(std::move(state)));
}

base::Result<std::uint64_t> KeyedLog::read(
    io::Files& files, const std::string& directory,
    const std::function<void(std::string_view key, std::string_view value)>& visit) {
  KeyedEntries entries;
  const std::uint64_t damaged = TRY(replay(files, directory, entries));
  for (const auto& [key, value] : entries.map()) visit(key, value);
  return damaged;
}

KeyedLog::KeyedLog(std::unique_ptr<State> state) : state_(std::move(state)) {}
KeyedLog::~KeyedLog() = default;

void KeyedLog::attach(const io::Environment& environment) {
  state_->environment = &environment;
  state_->shard->attach(environment);
}

KeyedLog::State::Entry& KeyedLog::State::take_entry() {
  if (free_entries.empty()) {
    pool.emplace_back();
    free_entries.push_back(&pool.back());
  }
  Entry& entry = *free_entries.back();
  free_entries.pop_back();
  entry.log = this;
  return entry;
}

void KeyedLog::write(Write& write, std::span<const KeyedLogChange> changes) {
  State& state = *state_;
  ASSERT(state.environment != nullptr);
  for (const KeyedLogChange& change : changes) {
    if (change.erase) {
      state.entries.erase(change.key);
    } else {
      state.entries.set(change.key, change.value);
    }
  }
  const std::uint64_t limit = std::max(kCompactBytesMin, kCompactFactor * state.snapshot_bytes);
  if ((state.snapshot_wanted || state.bytes_since_snapshot > limit) && !state.snapshot_in_flight) {
    state.start_snapshot();
  }
  State::Entry& entry = state.take_entry();
  RunWriter run(entry.run);
  for (const KeyedLogChange& change : changes) {
    if (change.erase) {
      run.add_mark(EntryMark::erase, change.key);
    } else {
      run.add({.key = change.key, .data = change.value, .hash = std::nullopt});
    }
  }
  run.finish(state.now_us());
  entry.piece = entry.run;
  entry.write = &write;
  entry.append = {.runs = {&entry.piece, 1},
                  .owner = &entry,
                  .done = &State::entry_done,
                  .synced = write.synced};
  state.bytes_since_snapshot += entry.run.size();
  state.shard->append(entry.append);
}

// A sync covers what was written before it: one entry again, as it is, carries it.
void KeyedLog::make_durable(Write& write) {
  write.synced = true;
  const auto& map = state_->entries.map();
  if (map.empty()) {
    this->write(write, std::array{KeyedLogChange{.key = {}, .value = {}, .erase = true}});
    return;
  }
  const auto [key, value] = *map.begin();
  this->write(write, std::array{KeyedLogChange{.key = key, .value = value, .erase = false}});
}

void KeyedLog::State::entry_done(void* owner, Append& /*append*/, int error) {
  Entry& entry = *static_cast<Entry*>(owner);
  State& state = *entry.log;
  Write& write = *std::exchange(entry.write, nullptr);
  if (error != 0) state.snapshot_wanted = true;
  if (entry.run.capacity() > KeyedEntries::kRunBytes) entry.run = {};
  state.free_entries.push_back(&entry);
  write.done(write.owner, write, error);
}

// Everything in memory goes to the front of a new segment; what is older may go then.
void KeyedLog::State::start_snapshot() {
  snapshot_in_flight = true;
  snapshot_wanted = false;
  snapshot_runs = entries.snapshot(now_us());
  snapshot_pieces.assign(snapshot_runs.begin(), snapshot_runs.end());
  snapshot_bytes = 0;
  for (const std::string_view piece : snapshot_pieces) snapshot_bytes += piece.size();
  bytes_since_snapshot = 0;
  snapshot = {
      .runs = snapshot_pieces, .owner = this, .done = &State::snapshot_done, .synced = true};
  shard->roll();
  shard->append(snapshot);
}

void KeyedLog::State::snapshot_done(void* owner, Append& append, int error) {
  State& state = *static_cast<State*>(owner);
  state.snapshot_in_flight = false;
  state.snapshot_runs.clear();
  state.snapshot_runs.shrink_to_fit();
  if (error != 0) {
    state.snapshot_wanted = true;
    return;
  }
  for (std::string& path : state.shard->retire_below(append.first_sequence)) {
    state.removable.push_back(std::move(path));
  }
}

bool KeyedLog::idle() const { return state_->shard->idle(); }
base::Instant KeyedLog::next_deadline() const { return state_->shard->next_deadline(); }
void KeyedLog::tick(base::Instant now) { state_->shard->tick(now); }

std::vector<std::string> KeyedLog::retire() {
  for (std::string& path : state_->shard->retire_below(0))
    state_->removable.push_back(std::move(path));
  return std::exchange(state_->removable, {});
}

bool KeyedLog::may_retire() const { return !state_->removable.empty(); }

const std::string* KeyedLog::find(std::string_view key) const {
  const auto at = state_->entries.map().find(key);
  return at == state_->entries.map().end() ? nullptr : &at->second;
}

void KeyedLog::visit(
    const std::function<void(std::string_view key, std::string_view value)>& visit) const {
  for (const auto& [key, value] : state_->entries.map()) visit(key, value);
}

std::size_t KeyedLog::size() const { return state_->entries.map().size(); }
std::uint64_t KeyedLog::damaged() const { return state_->damaged; }

}  // namespace store
