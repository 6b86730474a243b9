// idle: what an agent costs that follows many files in which nothing happens.
#pragma once

#include "bench/agent/workload.h"

namespace agent_bench {

// 1, 1,000 and 10,000 files of one line each: processor time, wake-ups and memory over
// settings.seconds, begun when all lines are stored. False: it did not run.
bool measure_idle(const Settings& settings);

}  // namespace agent_bench
