// Memory that is really there, as on a host that has been up for a while.
//
// A virtual machine may give memory that is free back to its host, in blocks of 2 MiB and more. The
// first to touch it again waits for the host, up to ten times as long as for a copy into it, and
// who that is is chance: who writes much into the page cache, in long pieces, pays most. So before
// every contestant as much as it can use is touched in blocks of that size and set free.
#pragma once

#include <cstddef>

namespace agent_bench {

// In a process of its own, so that all of it is free afterwards. 0, or an exit code.
int touch_free_memory(std::size_t bytes);

}  // namespace agent_bench
