// BelievedTime: what time it is for whoever deletes by age.
//
// The wall clock jumps: somebody sets it, a machine begins in 1970 or was asleep, a battery is
// empty. For a clock that is ten years ahead everything we keep is long expired, so a jump forward
// is only believed when it has lasted; meanwhile time goes on as the monotonic clock does. A jump
// back deletes nothing and is believed at once. What is wrong from the first look on cannot be
// noticed: who knows from before when the clock was last looked at begins with that.
//
// A value; belongs to whoever asks it, on one thread.
#pragma once

#include <chrono>
#include <optional>

#include "base/ids.h"

namespace base {

class BelievedTime {
 public:
  // How long the clock must stay ahead.
  static constexpr Duration kBelievedAfter = std::chrono::hours(24);
  // By how much it may gain between two looks without a doubt: clocks are set right in small steps.
  static constexpr Duration kStepMax = std::chrono::minutes(1);

  // `wall` and `monotonic` as they are now; the latter does not decrease from call to call. Never
  // later than `wall`.
  Timestamp at(Timestamp wall, Instant monotonic);

 private:
  std::optional<Timestamp> last_;       // what was believed
  Instant looked_{};                    // when
  std::optional<Instant> ahead_since_;  // in doubt
};

}  // namespace base
