// Memory that is really there, as on a host that has been up for a while.
//
// A virtual machine may give memory that is free back to its host, in blocks of 2 MiB and more. The
// first to touch it again waits for the host, up to ten times as long as for a copy into it, and
// who that is is chance: who writes much into the page cache pays most. So all memory that is free
// is touched once, and every half MiB one page of it is kept for as long as the bench runs. What
// is free in between is in pieces too small to be given back, whoever used it last.
#pragma once

#include <cstddef>

namespace agent_bench {

class OwnedMemory {
 public:
  OwnedMemory();  // takes a minute on a large machine
  ~OwnedMemory();
  OwnedMemory(const OwnedMemory&) = delete;
  OwnedMemory& operator=(const OwnedMemory&) = delete;

 private:
  char* begin_ = nullptr;  // nullptr: there is no such memory, and nothing is kept
  std::size_t bytes_ = 0;
};

}  // namespace agent_bench
