#include "base/believed_time.h"

#include <utility>

namespace base {

Timestamp BelievedTime::at(Timestamp wall, Instant monotonic) {
  const Instant before = std::exchange(looked_, monotonic);
  if (!last_) return last_.emplace(wall);
  const Timestamp expected =
      *last_ + std::chrono::floor<std::chrono::microseconds>(monotonic - before);
  if (wall <= expected + kStepMax) {
    ahead_since_.reset();
    return last_.emplace(wall);
  }
  if (!ahead_since_) ahead_since_ = monotonic;
  if (monotonic - *ahead_since_ < kBelievedAfter) return last_.emplace(expected);
  ahead_since_.reset();
  return last_.emplace(wall);
}

}  // namespace base
