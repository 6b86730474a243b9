#include "sources/tail_set.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "sources/tail_set_state.h"

namespace sources {

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

// Files that nobody could open again, perhaps. Of those whose names we were not told to be gone,
// the file itself says so, which costs a system call each: only now and then.
void TailSet::State::look_for_nameless(base::Instant now) {
  const auto any_open = [this](auto is) {
    return std::ranges::find_if(
        tails, [&is](const auto& entry) { return entry.second->open() && is(*entry.second); });
  };
  if (deleted_file != 0) {
    const FileTail* const deleted = find(deleted_file);
    if (deleted == nullptr || !deleted->open()) next_look_for_nameless = now;
  }
  if (now >= next_look_for_nameless) {
    next_look_for_nameless = now + kLookForNameless;
    const auto found = any_open([](const FileTail& tail) { return tail.deleted(); });
    deleted_file = found == tails.end() ? 0 : found->first;
  }
  nameless = deleted_file != 0 ||
             any_open([](const FileTail& tail) { return tail.detached(); }) != tails.end();
}

void TailSet::State::start_reads() {
  short_of_credit = short_of_buffers = lacks_large = false;
  paused = leaving && !turns.ready.empty() && !nameless;
  while (!turns.to_inflate.empty() && may_inflate(*turns.to_inflate.front())) {
    turns.ready.push_back(turns.to_inflate.front());
    turns.to_inflate.pop_front();
  }
  while (!stopped && !paused && !turns.ready.empty()) {
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
    FileTail* const tail = find(entry->first);
    if (!may_start(entry->second) || (tail != nullptr && !knows_replaced(*tail, entry->second))) {
      ++entry;
      continue;
    }
    if (tail != nullptr && !waits_in_order(entry->first, tail->age_ns())) tail->release();
    entry = held.erase(entry);
  }
  count_held();
}

void TailSet::State::forget(const FileTail& tail) {
  const std::uint64_t number = tail.number();
  by_identity.erase(tail.checkpoint().identity);
  std::erase(inflating, &tail);
  std::erase(asked_now, number);
  held.erase(number);
  rewrites.erase(number);
  leave_order(number);
  count_held();
  tails.erase(number);
  turns.tails = tails.size();
  turns.end_reached = true;
}

// Tells who gave his descriptor back, and forgets those of whom nothing is out any more.
void TailSet::State::release_rested() {
  for (const std::uint64_t number : std::exchange(turns.released, {})) {
    std::erase(asked_now, number);
    counters.files_open.set(--open);
    if (released) released(number);
  }
  for (FileTail* const tail : std::exchange(turns.rested, {})) {
    const std::uint64_t number = tail->number();
    const Rest rest = tail->rest();
    let_go.remember(rest.checkpoint, rest.marks, parts.environment.clock.monotonic());
    forget(*tail);
    counters.files_closed.add();
    if (rested) rested(number, rest);
  }
}

void TailSet::State::tell_generations() {
  for (const TailTurns::Ended& each : std::exchange(turns.ended, {})) {
    if (ended) ended(each.checkpoint, each.marks);
  }
  for (const Verified& each : std::exchange(turns.verified, {})) {
    if (verified) verified(each);
  }
}

// Looking at all of them now and then is cheaper than a timer for each that every read sets anew.
// If nobody grows, that is once: who keeps its descriptor for want of a line's end does so until
// then.
void TailSet::State::sweep(base::Instant now) {
  constexpr auto kSweepMin = std::chrono::milliseconds(10);
  const base::Duration wait = parts.options.close_inactive;
  if (wait == base::Duration::zero() || parts.options.once || !rested) return;
  const base::Duration interval = std::max<base::Duration>(wait / 4, kSweepMin);
  if (open > 0 && next_sweep == base::Instant::max() && counters.reads.value() != reads_swept) {
    next_sweep = now + wait;
  }
  if (now < next_sweep) return;
  reads_swept = counters.reads.value();
  const std::size_t rested_before = turns.rested.size();
  base::Instant oldest_growth = base::Instant::max();  // of those that may rest later
  for_each_tail([before = now - wait, &oldest_growth](FileTail& tail) {
    tail.rest_if_inactive(before);
    if (!tail.open() || tail.lacks_line_end()) return;
    oldest_growth = std::min(oldest_growth, tail.last_growth());
  });
  freed_bytes += (turns.rested.size() - rested_before) * sizeof(FileTail);
  next_sweep = oldest_growth == base::Instant::max()
                   ? base::Instant::max()
                   : std::max(now + interval, oldest_growth + wait);
}

void TailSet::State::close(FileTail& tail) {
  keep_replaced(tail);
  const std::uint64_t number = tail.number();
  const Checkpoint checkpoint = tail.checkpoint();
  Checkpoint resume = tail.resume_point();
  const bool deleted = tail.deleted();
  const bool holds = tail.open();
  bool keep = !deleted && checkpoint.origin != base::Origin::none;
  if (deleted) {
    counters.files_deleted.add();
    if (checkpoint.origin != base::Origin::none) {
      // Its compressed form, or a copy, may turn up, or be there.
      keep = (parts.options.inflate || parts.options.copies) && resume.tail_bytes > 0;
      resume.gone = keep;
      if (keep) {
        if (parts.options.copies) complete(resume, 1);  // discovery gets it, too
        parts.checkpointer.update(resume);
      } else {
        parts.checkpointer.erase(checkpoint_key(checkpoint.flow, checkpoint.identity),
                                 checkpoint.origin);
      }
    }
  } else {
    let_go.remember(resume, {}, parts.environment.clock.monotonic());
  }
  forget(tail);
  counters.files_closed.add();
  if (holds) counters.files_open.set(--open);
  closed(number, keep ? &resume : nullptr);
}

// True: we follow it already.
bool TailSet::State::go_on(FoundFile& found) {
  const auto known = by_identity.find(found.checkpoint.identity);
  if (known == by_identity.end()) return false;
  FileTail& tail = *known->second;
  const bool holds = tail.open();
  if (!holds) {
    tail.wake_up(found.handle, found.brief);
    counters.files_open.set(++open);
  } else {
    parts.environment.files.close(found.handle);
  }
  const std::uint64_t former = tail.number();
  auto node = tails.extract(former);
  node.key() = found.number;
  tails.insert(std::move(node));
  held.erase(former);
  for (auto& [number, after] : held) std::ranges::replace(after, former, found.number);
  rewrites.erase(former);
  leave_order(former);
  count_held();
  tail.renumber(found.number);
  tail.attach();
  tail.release();
  if (holds && found.brief) tail.yield();  // attached: it is not let go instead
  closed(former, nullptr);
  return true;
}

TailSet::TailSet(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {}

TailSet::~TailSet() = default;

void TailSet::add(FoundFile found) {
  if (state_->go_on(found)) return;
  state_->let_go.take(found.checkpoint.identity, found.checkpoint, found.marks,
                      state_->parts.environment.clock.monotonic());
  const std::uint64_t number = found.number;
  state_->turns.gone_on.erase(found.checkpoint.origin);  // it is back
  std::erase_if(found.formers, [this](const Former& former) {
    return former.rewritten && state_->turns.gone_on.contains(former.checkpoint.origin);
  });
  const bool asks = state_->may_be_rewritten(found);
  if (asks) state_->await_rewritten(found);
  std::vector<std::uint64_t> after = std::move(found.after);
  for (const std::uint64_t older : after) {
    if (FileTail* const tail = state_->find(older)) tail->expect_end();
  }
  const bool waits = asks || !state_->may_start(after);
  const std::int64_t age_ns = found.age_ns;
  if (age_ns != 0) state_->catching_up.emplace(age_ns, number);
  const bool hold = waits || state_->waits_in_order(number, age_ns);
  const FileIdentity identity = found.checkpoint.identity;
  auto tail = std::make_unique<FileTail>(state_->parts, std::move(found), hold);
  state_->by_identity.emplace(identity, tail.get());
  state_->tails.emplace(number, std::move(tail));
  state_->turns.tails = state_->tails.size();
  if (waits) state_->held.emplace(number, std::move(after));
  state_->count_held();
  state_->counters.files_opened.add();
  state_->counters.files_open.set(++state_->open);
}

void TailSet::look(std::uint64_t number) {
  if (FileTail* const tail = state_->find(number)) tail->look();
}

void TailSet::look_at_all() {
  state_->for_each_tail([](FileTail& tail) { tail.glance(); });
}

void TailSet::detached(std::uint64_t number, const std::string& new_path) {
  if (FileTail* const tail = state_->find(number)) tail->detach(new_path);
}

void TailSet::verify(std::uint64_t number, std::uint64_t question) {
  if (FileTail* const tail = state_->find(number)) tail->verify(question);
}

void TailSet::yield(std::uint64_t number, bool now) {
  FileTail* const tail = state_->find(number);
  if (tail == nullptr) return;
  if (now && std::ranges::count(state_->asked_now, number) == 0) {
    state_->asked_now.push_back(number);
  }
  tail->yield();
}

void TailSet::tick(base::Instant now) {
  TailTurns& turns = state_->turns;
  state_->look_at_rewrites(now);
  while (!turns.timers.empty() && std::get<0>(*turns.timers.begin()) <= now) {
    std::get<FileTail*>(*turns.timers.begin())->wake();
  }
  state_->tell_generations();
  for (FileTail* const tail : std::exchange(turns.finished, {})) state_->close(*tail);
  state_->sweep(now);
  state_->release_rested();
  if (turns.end_reached) state_->release_held();
  if (!state_->catching_up.empty()) state_->keep_order(now);
  if (state_->leaving) state_->look_for_nameless(now);
  state_->start_reads();
  state_->stand_in_line();
  if (state_->short_of_credit && !state_->asked_now.empty()) state_->make_way();
}

base::Instant TailSet::next_deadline() const {
  const TailTurns& turns = state_->turns;
  const bool can_read = !state_->stopped && !state_->paused && !turns.ready.empty() &&
                        !state_->short_of_credit && !state_->short_of_buffers &&
                        state_->free_read() != nullptr;
  if (can_read || !turns.finished.empty() || !turns.rested.empty() || !turns.released.empty() ||
      turns.end_reached || !turns.ended.empty() || !turns.verified.empty() ||
      !turns.rewritten.empty()) {
    return base::Instant{};
  }
  base::Instant next = state_->next_sweep;
  if (state_->leaving) next = std::min(next, state_->next_look_for_nameless);
  if (!state_->rewrites.empty()) next = std::min(next, state_->next_rewrite);
  if (!turns.timers.empty()) next = std::min(next, std::get<0>(*turns.timers.begin()));
  if (state_->catching_up.size() > 1) next = std::min(next, state_->next_look_at_order());
  return std::min(next, state_->memory_deadline());
}

void TailSet::stop() {
  state_->stopped = true;
  state_->parts.budget.withdraw(state_.get());  // ticks may not come any more
}

void TailSet::leave() {
  state_->leaving = true;
  state_->nameless = true;  // until the next tick has looked
  state_->next_look_for_nameless = base::Instant{};
}

bool TailSet::left() const {
  const TailTurns& turns = state_->turns;
  if (!state_->leaving || !idle() || !turns.finished.empty() || !turns.rested.empty() ||
      !turns.released.empty() || !turns.ended.empty() || !turns.verified.empty()) {
    return false;
  }
  return !state_->nameless;
}

bool TailSet::reading() const { return state_->reading(); }

bool TailSet::idle() const { return !state_->reading() && state_->turns.ages.open() == 0; }

bool TailSet::at_end() const {
  const TailTurns& turns = state_->turns;
  // Those that are given up are tried again, as long as others wait one after the other.
  const auto busy = [](const FileTail* tail) { return tail != nullptr && !tail->given_up(); };
  if (std::ranges::any_of(state_->reads, busy, &TailRead::tail) ||
      std::ranges::any_of(turns.ready, busy) || std::ranges::any_of(turns.to_inflate, busy)) {
    return false;
  }
  return std::all_of(state_->tails.begin(), state_->tails.end(),
                     [](const auto& entry) { return entry.second->at_end(); });
}

std::size_t TailSet::given_up() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      state_->tails, [](const auto& entry) { return entry.second->given_up(); }));
}

std::size_t TailSet::files() const { return state_->tails.size(); }

std::size_t TailSet::take_freed_bytes() { return std::exchange(state_->freed_bytes, 0); }

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

void TailSet::add_marks_needed(base::Instant noted, std::vector<base::Origin>& origins) {
  state_->for_each_tail([&origins](const FileTail& tail) {
    if (tail.skipping()) origins.push_back(tail.checkpoint().origin);
  });
  auto& caught_up = state_->turns.caught_up;
  std::erase_if(caught_up, [noted](const auto& entry) { return entry.second < noted; });
  for (const auto& [origin, when] : caught_up) origins.push_back(origin);
  for (const TailTurns::Ended& each : state_->turns.ended) {
    origins.push_back(each.checkpoint.origin);
  }
}

const FileTailCounters& TailSet::counters() const { return state_->counters; }

}  // namespace sources
