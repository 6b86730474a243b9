// WakeSignal: how another thread ends a backend's wait: an eventfd, written at most once per wait.
//
// Protocol: raise() sets `raised_` and writes to the descriptor only if it was clear. The owner,
// told by the kernel that the descriptor is readable, empties it and then calls clear(). Both sides
// use one read-modify-write of `raised_`, so a raise() that found it set is ordered before the
// clear(): what the raiser wrote before is visible to the owner after this wait, and nothing is
// lost.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.h"

namespace io {

class WakeSignal {
 public:
  WakeSignal() = default;
  WakeSignal(const WakeSignal&) = delete;
  WakeSignal& operator=(const WakeSignal&) = delete;
  ~WakeSignal();

  base::Result<void> open();
  // A blocking eventfd: 8 bytes are read from it, once it was raised.
  int descriptor() const { return descriptor_; }

  void raise() noexcept;  // any thread, signal handlers included
  void clear() noexcept { raised_.exchange(false, std::memory_order_acq_rel); }

 private:
  int descriptor_ = -1;
  std::atomic<bool> raised_{false};
};

}  // namespace io
