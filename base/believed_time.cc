#include "base/believed_time.h"

#include <utility>

namespace base {

void BelievedTime::begin(Timestamp known, Instant monotonic) {
  last_ = known;
  looked_ = monotonic;
}

Timestamp BelievedTime::at(Timestamp wall, Instant monotonic) {
  const auto passed =
      std::chrono::floor<std::chrono::microseconds>(monotonic - std::exchange(looked_, monotonic));
  const auto wall_before = std::exchange(wall_, wall);
  if (!last_) return last_.emplace(wall);
  const Timestamp expected = *last_ + passed;
  if (wall <= expected + kStepMax) {
    ahead_since_.reset();
    return last_.emplace(wall);
  }
  if (!ahead_since_) {
    ahead_since_ = monotonic;
    wait_ = wall_before ? kBelievedAfter : kBeginningBelievedAfter;
  } else if (wall > *wall_before + passed + kStepMax) {
    wait_ = kBelievedAfter;  // further ahead: that is no gap
  }
  if (monotonic - *ahead_since_ < wait_) return last_.emplace(expected);
  ahead_since_.reset();
  return last_.emplace(wall);
}

}  // namespace base
