// latency: from the moment a line should be written until a reader in another process has it from
// the store.
#pragma once

#include "bench/agent/workload.h"

namespace agent_bench {

// settings.lines lines, one every 5 ms, `flush.age: 0`, `sync: flush`; beside it what an append and
// an fdatasync alone take on the same file system. False: it did not run.
bool measure_latency(const Settings& settings);

}  // namespace agent_bench
