// Random: 64 random bits at a time. One per thread in production; one seeded stream in the
// simulator.
#pragma once

#include <cstdint>

namespace io {

class Random {
 public:
  Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  virtual ~Random() = default;

  virtual std::uint64_t next() = 0;
};

}  // namespace io
