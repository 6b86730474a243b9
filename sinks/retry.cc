#include "sinks/retry.h"

#include <algorithm>

namespace sinks {

base::Duration backoff(const RetryPolicy& policy, std::uint32_t attempt, base::Duration retry_after,
                       std::uint64_t random) {
  const std::int64_t cap = std::max<std::int64_t>(policy.cap.count(), 0);
  std::int64_t limit = std::clamp<std::int64_t>(policy.base.count(), 0, cap);
  for (std::uint32_t i = 0; i < attempt && limit < cap && limit > 0; ++i) {
    limit = limit > cap / 2 ? cap : limit * 2;
  }
  // Multiply and keep the high half: uniform over 0 … limit without the bias of a remainder.
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{random} * (static_cast<std::uint64_t>(limit) + 1);
  const base::Duration wait(static_cast<std::int64_t>(product >> 64));
  return std::max(wait, retry_after);
}

}  // namespace sinks
