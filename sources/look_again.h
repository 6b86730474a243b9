// LookAgain: when is what could not be looked at looked at again?
//
// Soon, for most of what goes wrong passes at once and no event tells when; then less and less
// often, as long as nothing else goes wrong. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/ids.h"

namespace sources {

class LookAgain {
 public:
  static constexpr base::Duration kFirst = std::chrono::seconds(1);
  static constexpr base::Duration kLongest = std::chrono::minutes(5);
  static constexpr base::Duration kSoon = std::chrono::seconds(4);

  // Everything is looked at, perhaps for another reason.
  void begin(base::Instant now) {
    failed_ = false;
    if (now - since_ < pause_) return;
    pause_ = std::min(2 * pause_, kLongest);
    since_ = now;
  }
  // Something could not be. `fresh`: it could be the last time. How long to wait.
  base::Duration fail(bool fresh, base::Instant now) {
    failed_ = true;
    if (fresh) {
      pause_ = kFirst;
      since_ = now;
    }
    return pause_;
  }
  // It failed, and it is too early to take that for lasting.
  bool may_pass() const { return failed_ && pause_ < kSoon; }

 private:
  base::Duration pause_ = kFirst;
  base::Instant since_{};
  bool failed_ = false;
};

}  // namespace sources
