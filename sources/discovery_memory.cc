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
  std::deque<std::uint64_t> all = std::exchange(waiting, {});
  std::ranges::copy(std::exchange(parked, {}), std::back_inserter(all));
  std::size_t able = 0;  // that wait, and only for a descriptor
  for (const std::uint64_t number : all) {
    const auto it = files.find(number);
    if (it == files.end()) continue;
    stand_in_line(number);
    able += memories[it->second.flow] == Memory::enough ? 1 : 0;
  }
  // Not all can: a read hangs, a line is too long. Others are asked as well.
  holders.be_late();
  if (holders.size() < open_files_now) return;
  ask_again(able);
  (void)ask_now(Memory::scarce, able);
  ask_for_parked();
}

// By now they may be able to. They are late all the same, and nobody counts on them.
void Discovery::State::ask_again(std::size_t able) {
  const Holders::List& late = holders[Holders::Is::late];
  for (std::size_t left = std::min(late.size(), waiting.size()); left > 0; --left) {
    File& file = files.at(late.front().number);
    const Memory memory = memories[file.flow];
    if (memory == Memory::stuck || (memory == Memory::scarce && able > 0)) {
      listener.yield(file.flow, late.front().number, true);
      able -= memory == Memory::scarce ? 1 : 0;
    }
    holders.move(file.holder, Holders::Is::late);
  }
}

// Those of their flows alone that are at their ends: what others have, others need.
void Discovery::State::ask_for_parked() {
  std::size_t asked = 0;
  const Holders::List& unasked = holders[Holders::Is::unasked];
  for (auto it = unasked.begin(); it != unasked.end() && asked < parked.size();) {
    const std::uint64_t number = (it++)->number;
    if (!is_stuck(files.at(number).flow)) continue;
    ask(number, Holders::Is::asked);
    ++asked;
  }
}

void Discovery::State::ask_stuck() {
  if (stuck_may_hold && !memories.empty()) stuck_may_hold = ask_now(Memory::stuck, waiting.size());
}

// At most so many of flows that have as little as `memory`. False: there are not that many.
bool Discovery::State::ask_now(Memory memory, std::size_t most) {
  const Holders::List& asked_now = holders[Holders::Is::asked_now];
  for (const Holders::Is is : {Holders::Is::unasked, Holders::Is::asked}) {
    for (auto it = holders[is].begin(); it != holders[is].end();) {
      if (asked_now.size() >= most) return true;
      const std::uint64_t number = (it++)->number;
      const std::size_t flow = files.at(number).flow;
      if (flow < memories.size() && memories[flow] >= memory) ask(number, Holders::Is::asked_now);
    }
  }
  return false;
}

}  // namespace sources
