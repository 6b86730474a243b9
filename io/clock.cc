#include "io/clock.h"

#include <chrono>
#include <memory>

#include "io/backends.h"

namespace io {
namespace {

class RealClock final : public Clock {
 public:
  base::Instant monotonic() override { return std::chrono::steady_clock::now(); }
  base::Timestamp wall() override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace

std::unique_ptr<Clock> make_clock() { return std::make_unique<RealClock>(); }

}  // namespace io
