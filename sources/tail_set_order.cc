// order: oldest_first. Files that were not yet read to the end they had when they were found are
// read one after the other, by age (F08).
//
// Who reached that end is out of it for good: it may be written for ever, and newer ones go on
// beside it. So is who does not get on, for a reason that is its own.
#include <utility>

#include "sources/tail_set_state.h"

namespace sources {
namespace {

// A read that is not answered for so long lets the next file go first.
constexpr base::Duration kOrderWaitMax = std::chrono::seconds(30);

bool is_its_own(StallReason reason) {
  return reason != StallReason::none && reason != StallReason::turn &&
         reason != StallReason::target;
}

}  // namespace

bool TailSet::State::waits_in_order(std::uint64_t number, std::int64_t age_ns) const {
  return catching_up.contains({age_ns, number}) &&
         *catching_up.begin() != std::pair(age_ns, number);
}

void TailSet::State::leave_order(std::uint64_t number) {
  std::erase_if(catching_up, [number](const auto& each) { return each.second == number; });
}

// The oldest may have older generations of its path before it, which are no older files: theirs
// first.
FileTail* TailSet::State::first_in_order() {
  FileTail* tail = find(catching_up.begin()->second);
  for (auto waits = tail == nullptr ? held.end() : held.find(tail->number()); waits != held.end();
       waits = held.find(tail->number())) {
    const auto older = std::ranges::find_if(waits->second, [this](std::uint64_t number) {
      const FileTail* const each = find(number);
      return each != nullptr && !each->reached_end();
    });
    if (older == waits->second.end()) break;
    tail = find(*older);
  }
  return tail;
}

bool TailSet::State::gets_on(const FileTail& tail, base::Instant now) {
  const std::uint64_t progress = tail.progress();
  if (tail.number() != first.number || progress != first.progress ||
      !is_its_own(tail.busy_with())) {
    first = {.number = tail.number(), .progress = progress, .since = now};
  }
  return now - first.since < kOrderWaitMax;
}

base::Instant TailSet::State::next_look_at_order() const { return first.since + kOrderWaitMax; }

void TailSet::State::keep_order(base::Instant now) {
  while (!catching_up.empty()) {
    FileTail* const oldest = find(catching_up.begin()->second);
    if (oldest != nullptr && !oldest->caught_up()) {
      FileTail& tail = *first_in_order();
      if (rewrites.contains(tail.number())) {  // it is soon known, and is no reason to go on
        first = {.number = tail.number(), .progress = tail.progress(), .since = now};
        break;
      }
      if (held.contains(tail.number())) held.erase(tail.number());
      tail.release();
      if (gets_on(tail, now)) break;
      parts.environment.log.warn("file does not get on, newer ones are read before it",
                                 {{"path", tail.checkpoint().path}});
    }
    catching_up.erase(catching_up.begin());
    // Its turn is over, not its life: what comes to it later is read beside others.
    if (oldest != nullptr && !held.contains(oldest->number())) oldest->release();
  }
  count_held();
}

}  // namespace sources
