// Clock: monotonic for durations and deadlines, wall for stamping events. Never mix them: the wall
// clock jumps. Thread-safe in production.
#pragma once

#include "base/ids.h"

namespace io {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  virtual base::Instant monotonic() = 0;
  virtual base::Timestamp wall() = 0;
};

}  // namespace io
