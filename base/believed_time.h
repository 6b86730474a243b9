// BelievedTime: what time it is for whoever deletes by age.
//
// The wall clock jumps: somebody sets it, a machine begins in 1970 or was asleep, a battery is
// empty. For a clock that is ten years ahead everything we keep is long expired, so a jump forward
// is only believed when it has lasted; meanwhile time goes on as the monotonic clock does. A jump
// back deletes nothing and is believed at once. What is wrong from the first look on cannot be
// noticed: who knows from before when the clock was right begins with that. The time between the
// two has mostly passed indeed, while nobody ran; it is believed sooner, when whoever sets clocks
// had his time.
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
  // The same when it was ahead at the first look already, of what it was begun with.
  static constexpr Duration kBeginningBelievedAfter = std::chrono::hours(1);
  // By how much it may gain between two looks without a doubt: clocks are set right in small steps.
  static constexpr Duration kStepMax = std::chrono::minutes(1);

  // Before the first at(): the wall clock was right when it was `known`.
  void begin(Timestamp known, Instant monotonic);

  // `wall` and `monotonic` as they are now; the latter does not decrease from call to call. Never
  // later than `wall`.
  Timestamp at(Timestamp wall, Instant monotonic);

 private:
  std::optional<Timestamp> last_;       // what was believed
  Instant looked_{};                    // when
  std::optional<Timestamp> wall_;       // what the clock said then
  std::optional<Instant> ahead_since_;  // in doubt
  Duration wait_ = kBelievedAfter;      // for how long
};

}  // namespace base
