// Flows that have no memory to read on, because their target takes nothing: what their files do
// with descriptors while others wait for one.
//
// Such a file comes to no end and has no turn. So while somebody waits, flows are looked at once a
// second. Files of one that got nothing back stand aside (`parked`); those that are open are asked
// to give their descriptors back now, as many as wait, and of slower flows as well, but those not
// more often than we look.
#include <algorithm>
#include <utility>

#include "sources/discovery_state.h"

namespace sources {

bool Discovery::State::is_stuck(std::size_t flow) const {
  return flow < memories.size() && memories[flow] == Memory::stuck;
}

void Discovery::State::stand_in_line(std::uint64_t number) {
  (is_stuck(files.at(number).flow) ? parked : waiting).push_back(number);
}

std::vector<Discovery::Memory> Discovery::State::ask_for_memory() const {
  std::vector<Memory> all(flows.size(), Memory::enough);
  for (std::size_t flow = 0; flow < flows.size(); ++flow) {
    if (!muted[flow] && flows[flow].memory) all[flow] = flows[flow].memory();
  }
  return all;
}

// Begins to look, and ends that: while it is of use.
void Discovery::State::watch_memory(bool full) {
  const bool any_stuck = std::ranges::count(memories, Memory::stuck) > 0;
  if (parked.empty() && !(full && (any_stuck || !waiting.empty()))) {
    memory_at = base::Instant::max();
    memories.clear();
    return;
  }
  if (memory_at != base::Instant::max()) return;  // events that come all the time put nothing off
  memory_at = environment.clock.monotonic() + kRetryInterval;
  if (memories.empty()) (void)ask_for_memory();  // what came back until now does not count
}

void Discovery::State::look_at_memory() {
  memory_at = base::Instant::max();
  memories = ask_for_memory();
  stuck_may_hold = true;
  std::deque<std::uint64_t> all = std::exchange(parked, {});
  std::ranges::copy(std::exchange(waiting, {}), std::back_inserter(all));
  for (const std::uint64_t number : all) {
    if (files.contains(number)) stand_in_line(number);
  }
  // Not all can: a read hangs, a line is too long. Others are asked as well.
  holders.be_late();
  if (holders.size() >= open_files_now) ask_now(Memory::scarce);
}

void Discovery::State::ask_stuck() {
  if (stuck_may_hold && !memories.empty()) stuck_may_hold = ask_now(Memory::stuck);
}

// Of flows that have as little as `memory` as many as wait. False: nobody is left to be asked.
bool Discovery::State::ask_now(Memory memory) {
  const Holders::List& asked_now = holders[Holders::Is::asked_now];
  for (const Holders::Is is : {Holders::Is::late, Holders::Is::asked, Holders::Is::unasked}) {
    for (auto it = holders[is].begin(); it != holders[is].end();) {
      if (asked_now.size() >= waiting.size()) return true;
      const Holders::Holder holder = *it++;
      const std::size_t flow = files.at(holder.number).flow;
      if (!holder.now && flow < memories.size() && memories[flow] >= memory) {
        ask(holder.number, Holders::Is::asked_now);
      }
    }
  }
  return false;
}

}  // namespace sources
