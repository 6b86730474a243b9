#include "io/random.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>

#include "base/assert.h"
#include "io/backends.h"

namespace io {
namespace {

// The kernel's own generator, a few at a time: origins and identities must not repeat between runs,
// and none is drawn per record, so there is no reason for a cheaper one.
class KernelRandom final : public Random {
 public:
  std::uint64_t next() override {
    if (next_ == numbers_.size()) draw();
    return numbers_[next_++];
  }

 private:
  void draw() {
    // Up to 256 bytes come whole or not at all (man 2 getrandom).
    ssize_t drawn = -1;
    while (drawn < 0) {
      drawn = ::getrandom(numbers_.data(), sizeof numbers_, 0);
      ASSERT(drawn >= 0 || errno == EINTR);
    }
    ASSERT(static_cast<std::size_t>(drawn) == sizeof numbers_);
    next_ = 0;
  }

  std::array<std::uint64_t, 32> numbers_{};
  std::size_t next_ = numbers_.size();
};

}  // namespace

std::unique_ptr<Random> make_random() { return std::make_unique<KernelRandom>(); }

}  // namespace io
