// TailTurns: what the tails of one TailSet share: whose turn it is to read, who wants to be woken
// and when, who is done. Plain lists; TailSet works them off once per tick.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "sources/open_ages.h"

namespace sources {

class FileTail;

struct TailTurns {
  std::deque<FileTail*> ready;                           // wait for a read, first come first served
  std::set<std::pair<base::Instant, FileTail*>> timers;  // at most one per tail
  std::vector<FileTail*> finished;                       // to be closed
  bool end_reached = false;  // somebody read to its end for the first time
  OpenAges ages;             // of all their parcels
};

}  // namespace sources
