// SimClock: time moves only when the simulation says so. The wall clock is the monotonic one plus
// an offset that a fault may jump, backwards too.
#pragma once

#include <chrono>

#include "base/assert.h"
#include "io/clock.h"

namespace sim {

class SimClock final : public io::Clock {
 public:
  base::Instant monotonic() override { return now_; }
  base::Timestamp wall() override {
    return base::Timestamp(
        std::chrono::floor<std::chrono::microseconds>(now_.time_since_epoch() + offset_));
  }
  std::int64_t wall_ns() const { return (now_.time_since_epoch() + offset_).count(); }

  void advance(base::Duration by) {
    ASSERT(by >= base::Duration::zero());
    now_ += by;
  }
  void advance_to(base::Instant to) {
    if (to > now_) now_ = to;
  }
  void jump_wall(base::Duration by) { offset_ += by; }

 private:
  base::Instant now_{std::chrono::seconds(1000)};
  base::Duration offset_ = std::chrono::seconds(1'790'000'000);  // some day in 2026
};

}  // namespace sim
