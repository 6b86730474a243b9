#include "sources/tail_set.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace sources {
namespace {

// Files let go while they still had a name: remembered so that one that comes back under the
// pattern is not read again. The oldest are forgotten.
class LetGo {
 public:
  static constexpr std::size_t kFilesMax = 1024;

  void remember(const Checkpoint& checkpoint) {
    files_.insert_or_assign(checkpoint.identity, Entry{checkpoint, ++last_});
    order_.emplace_back(checkpoint.identity, last_);
    while (order_.size() > kFilesMax) {
      const auto oldest = files_.find(order_.front().first);
      if (oldest != files_.end() && oldest->second.number == order_.front().second) {
        files_.erase(oldest);
      }
      order_.pop_front();
    }
  }
  bool take(const FileIdentity& identity, Checkpoint& checkpoint) {
    const auto found = files_.find(identity);
    if (found == files_.end()) return false;
    Checkpoint remembered = std::move(found->second.checkpoint);
    files_.erase(found);
    // Another reactor may have had it since.
    if (std::pair(remembered.generation, remembered.offset) <
        std::pair(checkpoint.generation, checkpoint.offset)) {
      return false;
    }
    remembered.path = std::move(checkpoint.path);
    checkpoint = std::move(remembered);
    return true;
  }

 private:
  struct Entry {
    Checkpoint checkpoint;
    std::uint64_t number;  // of its remember()
  };
  std::unordered_map<FileIdentity, Entry, FileIdentityHash> files_;
  std::deque<std::pair<FileIdentity, std::uint64_t>> order_;
  std::uint64_t last_ = 0;
};

}  // namespace

struct TailSet::State {
  explicit State(Parts given)
      : closed(std::move(given.closed)),
        released(std::move(given.released)),
        rested(std::move(given.rested)),
        parts{.environment = given.environment,
              .intake = given.intake,
              .budget = given.budget,
              .chunks = given.chunks,
              .checkpointer = given.checkpointer,
              .options = given.options,
              .counters = counters,
              .turns = turns} {
    ASSERT(parts.chunks.buffer_bytes() >= 2 * kTailBytes);
    for (TailRead& read : reads) {
      read.operation.owner = &read;
      read.operation.done = [](void* owner, std::int64_t result) {
        auto& finished = *static_cast<TailRead*>(owner);
        finished.tail->done(finished, result);
      };
    }
  }

  FileTail* find(std::uint64_t number) {
    const auto found = tails.find(number);
    return found == tails.end() ? nullptr : found->second.get();
  }
  TailRead* free_read() {
    const auto free = std::find_if(reads.begin(), reads.end(),
                                   [](const TailRead& read) { return read.tail == nullptr; });
    return free == reads.end() ? nullptr : free;
  }
  bool reading() const {
    return std::any_of(reads.begin(), reads.end(),
                       [](const TailRead& read) { return read.tail != nullptr; });
  }

  bool take_credit(std::uint64_t bytes);
  bool start_read(FileTail& tail);
  void start_reads();
  bool may_inflate(FileTail& tail);
  void release_held();
  bool may_start(const std::vector<std::uint64_t>& after);
  void close(FileTail& tail);
  void forget(const FileTail& tail);
  void release_rested();
  void sweep(base::Instant now);
  bool go_on(FoundFile& found);
  StallReason stall_of(const FileTail& tail, std::uint64_t part);
  TailRead* read_of(const FileTail& tail);
  bool start_anew(FileTail& tail, StallReason reason);
  void tell_stalls();

  std::function<void(std::uint64_t number, const Checkpoint* resume)> closed;
  std::function<void(std::uint64_t number)> released;
  std::function<void(std::uint64_t number, const Rest& rest)> rested;
  std::size_t open = 0;                             // tails with a descriptor
  base::Instant next_sweep = base::Instant::max();  // for inactive ones; max: nothing is open
  FileTailCounters counters;
  TailTurns turns;
  FileTail::Parts parts;
  std::array<TailRead, kTailReadsMax> reads;
  std::unordered_map<std::uint64_t, std::unique_ptr<FileTail>> tails;
  std::unordered_map<FileIdentity, FileTail*, FileIdentityHash> by_identity;
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> held;  // number → those before it
  LetGo let_go;
  struct Busy {  // at the last look for stalls
    StallReason reason;
    std::uint64_t progress;
    base::Instant since;
  };
  struct Stalled {  // files that stalled for one reason, at this look
    std::size_t files = 0;
    std::size_t restarted = 0;
    std::string example;
    base::Duration longest{0};
  };
  std::unordered_map<std::uint64_t, Busy> busy;
  std::map<StallReason, Stalled> stalled;
  std::uint64_t looks_for_stalls = 0;
  std::vector<FileTail*> inflating;  // at most kInflatingMax
  bool stopped = false;
  bool short_of_credit = false;  // the budget's doorbell will bring the next tick
};

// A flow whose budget is smaller than this one read may still do it, alone: better over the limit
// for a moment than stuck for good.
bool TailSet::State::take_credit(std::uint64_t bytes) {
  if (parts.budget.take(bytes)) return true;
  const std::uint64_t limit = parts.budget.limit_bytes();
  if (bytes <= limit || parts.budget.available_bytes() < static_cast<std::int64_t>(limit)) {
    return false;
  }
  parts.budget.overdraw(bytes);
  return true;
}

bool TailSet::State::start_read(FileTail& tail) {
  TailRead* const read = free_read();
  if (read == nullptr) return false;
  const std::size_t large = tail.large_buffer_bytes();
  const std::uint64_t credit = large > 0 ? large : parts.chunks.buffer_bytes();
  if (!take_credit(credit)) {
    short_of_credit = true;
    return false;
  }
  if (large > 0) {
    read->large = std::make_unique_for_overwrite<char[]>(large + pipeline::kPaddingBytes);
    read->buffer = {read->large.get(), large};
  } else {
    read->buffer = parts.chunks.take();
    if (read->buffer.empty()) {
      parts.budget.give_back(credit);
      return false;
    }
  }
  read->credit_bytes = credit;
  read->tail = &tail;
  tail.start(*read);
  return true;
}

// Its place among those that inflate: one that is free, or that of a file which does not grow.
bool TailSet::State::may_inflate(FileTail& tail) {
  std::erase_if(inflating, [](const FileTail* each) { return !each->holds_memory(); });
  if (std::ranges::find(inflating, &tail) != inflating.end()) return true;
  if (inflating.size() >= kInflatingMax) {
    const auto idle =
        std::ranges::find_if(inflating, [](FileTail* each) { return each->give_up_memory(); });
    if (idle == inflating.end()) return false;
    inflating.erase(idle);
  }
  inflating.push_back(&tail);
  return true;
}

void TailSet::State::start_reads() {
  short_of_credit = false;
  while (!turns.to_inflate.empty() && may_inflate(*turns.to_inflate.front())) {
    turns.ready.push_back(turns.to_inflate.front());
    turns.to_inflate.pop_front();
  }
  while (!stopped && !turns.ready.empty()) {
    FileTail& tail = *turns.ready.front();
    if (tail.inflates() && !may_inflate(tail)) {
      turns.ready.pop_front();
      turns.to_inflate.push_back(&tail);
      continue;
    }
    if (!start_read(tail)) return;
    turns.ready.pop_front();
  }
}

bool TailSet::State::may_start(const std::vector<std::uint64_t>& after) {
  return std::all_of(after.begin(), after.end(), [this](std::uint64_t number) {
    const FileTail* const older = find(number);
    return older == nullptr || older->reached_end();
  });
}

void TailSet::State::release_held() {
  turns.end_reached = false;
  for (auto entry = held.begin(); entry != held.end();) {
    if (!may_start(entry->second)) {
      ++entry;
      continue;
    }
    if (FileTail* const tail = find(entry->first)) tail->release();
    entry = held.erase(entry);
  }
  turns.held = held.size();
}

void TailSet::State::forget(const FileTail& tail) {
  const std::uint64_t number = tail.number();
  by_identity.erase(tail.checkpoint().identity);
  std::erase(inflating, &tail);
  held.erase(number);
  turns.held = held.size();
  tails.erase(number);
  turns.end_reached = true;
}

// Tells who gave his descriptor back, and forgets those of whom nothing is out any more.
void TailSet::State::release_rested() {
  for (const std::uint64_t number : std::exchange(turns.released, {})) {
    counters.files_open.set(--open);
    if (released) released(number);
  }
  for (FileTail* const tail : std::exchange(turns.rested, {})) {
    const std::uint64_t number = tail->number();
    Rest rest = tail->rest();
    rest.checkpoint = tail->resume_point();
    let_go.remember(rest.checkpoint);
    forget(*tail);
    counters.files_closed.add();
    if (rested) rested(number, rest);
  }
}

// Looking at all of them now and then is cheaper than a timer for each that every read sets anew.
void TailSet::State::sweep(base::Instant now) {
  constexpr auto kSweepMin = std::chrono::milliseconds(10);
  const base::Duration wait = parts.options.close_inactive;
  if (wait == base::Duration::zero() || parts.options.once || !rested) return;
  const base::Duration interval = std::max<base::Duration>(wait / 4, kSweepMin);
  if (open > 0 && next_sweep == base::Instant::max()) next_sweep = now + interval;
  if (now < next_sweep) return;
  for (const auto& [number, tail] : tails) tail->rest_if_inactive(now - wait);
  next_sweep = open > turns.released.size() ? now + interval : base::Instant::max();
}

void TailSet::State::close(FileTail& tail) {
  const std::uint64_t number = tail.number();
  const Checkpoint checkpoint = tail.checkpoint();
  Checkpoint resume = tail.resume_point();
  const bool deleted = tail.deleted();
  bool keep = !deleted && checkpoint.origin != base::Origin::none;
  if (deleted) {
    counters.files_deleted.add();
    if (checkpoint.origin != base::Origin::none) {
      // Its compressed form may turn up, or be there.
      keep = parts.options.inflate && resume.tail_bytes > 0;
      resume.gone = keep;
      if (keep) {
        parts.checkpointer.update(resume);
      } else {
        parts.checkpointer.erase(checkpoint_key(checkpoint.flow, checkpoint.identity));
      }
    }
  } else {
    let_go.remember(resume);
  }
  forget(tail);
  counters.files_closed.add();
  counters.files_open.set(--open);
  closed(number, keep ? &resume : nullptr);
}

// True: we follow it already.
bool TailSet::State::go_on(FoundFile& found) {
  const auto known = by_identity.find(found.checkpoint.identity);
  if (known == by_identity.end()) return false;
  FileTail& tail = *known->second;
  if (tail.resting()) {
    tail.wake_up(found.handle, found.brief);
    counters.files_open.set(++open);
  } else {
    parts.environment.files.close(found.handle);
    if (found.brief) tail.yield();
  }
  const std::uint64_t former = tail.number();
  auto node = tails.extract(former);
  node.key() = found.number;
  tails.insert(std::move(node));
  held.erase(former);
  turns.held = held.size();
  tail.renumber(found.number);
  tail.attach();
  tail.release();
  closed(former, nullptr);
  return true;
}

// `part`: of the idle files, whose looking costs a system call, this part is looked at.
StallReason TailSet::State::stall_of(const FileTail& tail, std::uint64_t part) {
  constexpr std::uint64_t kIdleFilesALook = 500;
  const StallReason reason = tail.busy_with();
  if (reason == StallReason::older_file) {
    // Whoever it waits for says so himself, unless he is gone.
    const auto before = held.find(tail.number());
    return before == held.end() || may_start(before->second) ? reason : StallReason::none;
  }
  if (reason != StallReason::none) return reason;
  const std::uint64_t parts_of_all = tails.size() / kIdleFilesALook + 1;
  if (tail.number() % parts_of_all != part % parts_of_all) return StallReason::none;
  return tail.grew_unnoticed(parts.options.stall_after) ? StallReason::unnoticed
                                                        : StallReason::none;
}

TailRead* TailSet::State::read_of(const FileTail& tail) {
  const auto found = std::find_if(reads.begin(), reads.end(),
                                  [&tail](const TailRead& read) { return read.tail == &tail; });
  return found == reads.end() ? nullptr : found;
}

bool TailSet::State::start_anew(FileTail& tail, StallReason reason) {
  if (reason == StallReason::older_file) {
    tail.release();
    return true;
  }
  return tail.restart(reason, read_of(tail));
}

void TailSet::State::tell_stalls() {
  std::size_t files = 0;
  for (const auto& [reason, which] : stalled) {
    files += which.files;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(which.longest);
    parts.environment.log.warn("files do not get on",
                               {{"reason", std::string(name_of(reason))},
                                {"files", std::to_string(which.files)},
                                {"for_seconds", std::to_string(seconds.count())},
                                {"restarted", std::to_string(which.restarted)},
                                {"path", which.example}});
  }
  if (files == 0 && counters.files_stalled.value() != 0) {
    parts.environment.log.info("files get on again");
  }
  counters.files_stalled.set(files);
}

TailSet::TailSet(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {}

TailSet::~TailSet() = default;

void TailSet::add(FoundFile found) {
  if (state_->go_on(found)) return;
  if (state_->let_go.take(found.checkpoint.identity, found.checkpoint)) found.marks.clear();
  const std::uint64_t number = found.number;
  std::vector<std::uint64_t> after = std::move(found.after);
  for (const std::uint64_t older : after) {
    if (FileTail* const tail = state_->find(older)) tail->expect_end();
  }
  const bool hold = !state_->may_start(after);
  const FileIdentity identity = found.checkpoint.identity;
  auto tail = std::make_unique<FileTail>(state_->parts, std::move(found), hold);
  state_->by_identity.emplace(identity, tail.get());
  state_->tails.emplace(number, std::move(tail));
  if (hold) state_->held.emplace(number, std::move(after));
  state_->turns.held = state_->held.size();
  state_->counters.files_opened.add();
  state_->counters.files_open.set(++state_->open);
}

void TailSet::look(std::uint64_t number) {
  if (FileTail* const tail = state_->find(number)) tail->look();
}

void TailSet::look_at_all() {
  for (const auto& [number, tail] : state_->tails) tail->glance();
}

void TailSet::detached(std::uint64_t number, const std::string& new_path) {
  if (FileTail* const tail = state_->find(number)) tail->detach(new_path);
}

void TailSet::yield(std::uint64_t number) {
  if (FileTail* const tail = state_->find(number)) tail->yield();
}

void TailSet::tick(base::Instant now) {
  TailTurns& turns = state_->turns;
  while (!turns.timers.empty() && turns.timers.begin()->first <= now) {
    turns.timers.begin()->second->wake();
  }
  for (FileTail* const tail : std::exchange(turns.finished, {})) state_->close(*tail);
  state_->sweep(now);
  state_->release_rested();
  if (turns.end_reached) state_->release_held();
  state_->start_reads();
}

base::Instant TailSet::next_deadline() const {
  const TailTurns& turns = state_->turns;
  const bool can_read = !state_->stopped && !turns.ready.empty() && !state_->short_of_credit &&
                        state_->free_read() != nullptr;
  if (can_read || !turns.finished.empty() || !turns.rested.empty() || !turns.released.empty() ||
      turns.end_reached) {
    return base::Instant{};
  }
  return turns.timers.empty() ? state_->next_sweep
                              : std::min(state_->next_sweep, turns.timers.begin()->first);
}

void TailSet::look_for_stalls(base::Instant now) {
  const base::Duration limit = state_->parts.options.stall_after;
  if (limit == base::Duration::zero() || state_->stopped) return;
  std::unordered_map<std::uint64_t, State::Busy> busy;
  state_->stalled.clear();
  const std::uint64_t part = state_->looks_for_stalls++;
  for (const auto& [number, tail] : state_->tails) {
    const StallReason reason = state_->stall_of(*tail, part);
    if (reason == StallReason::none) continue;
    const auto before = state_->busy.find(number);
    const std::uint64_t progress = tail->progress();
    State::Busy now_busy{.reason = reason, .progress = progress, .since = now};
    if (before != state_->busy.end() && before->second.reason == reason &&
        before->second.progress == progress) {
      now_busy.since = before->second.since;
    }
    busy.emplace(number, now_busy);
    const bool at_once = reason == StallReason::unnoticed;  // its own time says how long
    if (!at_once && now - now_busy.since < limit) continue;
    State::Stalled& which = state_->stalled[reason];
    which.example = tail->checkpoint().path;
    which.longest = std::max(which.longest, at_once ? limit : now - now_busy.since);
    ++which.files;
    if (!state_->start_anew(*tail, reason)) continue;
    ++which.restarted;
    state_->counters.files_restarted.add();
  }
  state_->busy = std::move(busy);
  state_->tell_stalls();
}

void TailSet::limit_deleted(base::Instant now) {
  const TailOptions& options = state_->parts.options;
  const std::uint64_t bytes_max = options.deleted_bytes_max;
  const base::Duration age_max = options.deleted_age_max;
  if (bytes_max == 0 && age_max == base::Duration::zero()) return;
  std::vector<std::pair<base::Instant, FileTail*>> deleted;
  std::uint64_t bytes = 0;
  for (const auto& [number, tail] : state_->tails) {
    const std::uint64_t its = tail->deleted_bytes();
    if (its == 0) continue;
    bytes += its;
    deleted.emplace_back(tail->deleted_since(), tail.get());
  }
  std::sort(deleted.begin(), deleted.end());
  for (const auto& [since, tail] : deleted) {
    const bool too_old = age_max != base::Duration::zero() && now - since >= age_max;
    if (!too_old && (bytes_max == 0 || bytes <= bytes_max)) continue;
    const std::uint64_t its = tail->deleted_bytes();
    if (tail->give_up()) bytes -= its;
  }
}

void TailSet::stop() { state_->stopped = true; }

bool TailSet::reading() const { return state_->reading(); }

bool TailSet::idle() const { return !state_->reading() && state_->turns.ages.open() == 0; }

bool TailSet::at_end() const {
  const TailTurns& turns = state_->turns;
  if (state_->reading() || !turns.ready.empty() || !turns.to_inflate.empty()) return false;
  return std::all_of(state_->tails.begin(), state_->tails.end(),
                     [](const auto& entry) { return entry.second->at_end(); });
}

std::size_t TailSet::files() const { return state_->tails.size(); }

std::size_t TailSet::inflating() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      state_->tails, [](const auto& entry) { return entry.second->holds_memory(); }));
}

std::uint64_t TailSet::lag_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [number, tail] : state_->tails) bytes += tail->lag_bytes();
  return bytes;
}

base::Instant TailSet::oldest_unsettled() const { return state_->turns.ages.oldest(); }

const FileTailCounters& TailSet::counters() const { return state_->counters; }

}  // namespace sources
