// describe(): every counter by its name and labels; docs/OPERATING.md says what each means.
//
// Counters may be read on any thread.
#pragma once

#include "agent/checkpoint_log.h"
#include "base/metrics.h"
#include "sources/discovery.h"
#include "store/shard.h"

namespace agent {

struct FlowPart;
struct Outlet;

void describe(base::Samples& samples, const FlowPart& part);
void describe(base::Samples& samples, const Outlet& outlet);
void describe(base::Samples& samples, const store::Shard& shard);
void describe(base::Samples& samples, const CheckpointLogCounters& counters);
void describe(base::Samples& samples, const sources::DiscoveryCounters& counters);

}  // namespace agent
