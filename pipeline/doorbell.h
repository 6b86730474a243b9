// Doorbell: how another thread tells a reactor that there is work.
//
// Protocol: the owner calls announce_sleep(), then looks at its queues once more, then sleeps if
// they are empty; a pusher pushes, then calls ring(). Both sides put a sequentially consistent
// fence between their write and their read, so at least one of them sees the other's write: no
// wake-up is lost and an awake reactor costs the pusher one load.
#pragma once

#include <atomic>

namespace pipeline {

class Doorbell {
 public:
  // `wake(owner)` must be callable from any thread (io::Io::wake).
  Doorbell(void* owner, void (*wake)(void* owner) noexcept) : owner_(owner), wake_(wake) {}

  void ring() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_relaxed) &&
        asleep_.exchange(false, std::memory_order_relaxed)) {
      wake_(owner_);
    }
  }
  // Owner only.
  void announce_sleep() noexcept {
    asleep_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  void awake() noexcept { asleep_.store(false, std::memory_order_relaxed); }

 private:
  void* owner_;
  void (*wake_)(void* owner) noexcept;
  std::atomic<bool> asleep_{false};
};

}  // namespace pipeline
