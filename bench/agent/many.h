// many: what an agent does whose patterns match thousands of files, most of which sleep.
#pragma once

#include "bench/agent/workload.h"

namespace agent_bench {

// Three figures, each with its goal:
// - 10,000 files, one of them written all the time, lines now and then into the others: how long
//   until such a line is readable in the store, and how many logs are open meanwhile, with
//   `max_open_files: 256`. settings.lines: how many such lines.
// - The same agent when nobody writes any more: processor time over settings.seconds.
// - 20,000 files in 10 directories: how long from the agent's start until the last one's line is in
//   the store, and how many watches that takes.
// False: a goal is missed, or the agent did not run.
bool measure_many(const Settings& settings);

}  // namespace agent_bench
