// Ringer: the doorbells a reactor owes a ring, so that it wakes another reactor once for several
// chunks and not for each. A wake-up costs both sides microseconds, about a tenth of a chunk.
//
// One per reactor, used on its thread only. Whoever notes a bell relies on its reactor to call
// ring_all() before it sleeps and after a bounded number of turns.
#pragma once

#include <algorithm>
#include <vector>

#include "pipeline/doorbell.h"

namespace pipeline {

class Ringer {
 public:
  void note(Doorbell& bell) {
    if (std::find(owed_.begin(), owed_.end(), &bell) == owed_.end()) owed_.push_back(&bell);
  }
  bool empty() const { return owed_.empty(); }
  void ring_all() {
    for (Doorbell* bell : owed_) bell->ring();
    owed_.clear();
  }

 private:
  std::vector<Doorbell*> owed_;  // at most one per reactor
};

}  // namespace pipeline
