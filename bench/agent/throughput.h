// throughput: a file to the store, and what cp, cat, lz4 and bare loops need for the same bytes in
// the same minutes.
#pragma once

#include "bench/agent/workload.h"

namespace agent_bench {

// Rounds of all contestants in turn, A B A B; prints medians and ratios. False: one of them failed.
bool measure_throughput(const Settings& settings);

}  // namespace agent_bench
