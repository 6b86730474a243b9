// RetryPolicy: full-jitter backoff: the n-th wait is uniform over 0 … min(cap, base * 2^n).
#pragma once

#include <chrono>
#include <cstdint>

#include "base/ids.h"

namespace sinks {

struct RetryPolicy {
  base::Duration base = std::chrono::milliseconds(500);
  base::Duration cap = std::chrono::seconds(30);
};

// `attempt`: 0 for the first retry. `random`: 64 random bits. Never shorter than `retry_after`.
base::Duration backoff(const RetryPolicy& policy, std::uint32_t attempt, base::Duration retry_after,
                       std::uint64_t random);

}  // namespace sinks
