// Doorbell: how another thread tells a reactor that there is work.
//
// Each turn the owner calls awake(), then looks at everything that could be work, then
// announce_sleep(). If that says somebody rang since awake(), it takes another turn without
// sleeping, else it may look once more and sleeps. A pusher makes its work visible, then calls
// ring().
//
//   awake ──ring──▶ rung ──awake()──▶ awake
//   awake ──announce_sleep()──▶ asleep ──ring: wakes──▶ rung
//
// No wake-up is lost. All changes of the one state are in one order, so a ring after awake() is
// seen by announce_sleep(), and a ring after announce_sleep() sees `asleep`. A ring that finds
// `rung` does nothing; the sequentially consistent fences make sure that the owner, which has not
// called awake() since, will see that pusher's work when it has. So an owner kept busy costs a
// pusher one load.
#pragma once

#include <atomic>
#include <cstdint>

namespace pipeline {

class Doorbell {
 public:
  // `wake(owner)` must be callable from any thread (io::Io::wake).
  Doorbell(void* owner, void (*wake)(void* owner) noexcept) : owner_(owner), wake_(wake) {}

  void ring() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (state_.load(std::memory_order_relaxed) == State::rung) return;
    if (state_.exchange(State::rung, std::memory_order_acq_rel) == State::asleep) wake_(owner_);
  }
  // Owner only. False: somebody rang since awake(), so there may be work that was looked for too
  // early.
  bool announce_sleep() noexcept {
    const State before = state_.exchange(State::asleep, std::memory_order_acq_rel);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return before != State::rung;
  }
  // Owner only.
  void awake() noexcept {
    state_.store(State::awake, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }

 private:
  enum class State : std::uint8_t { awake, rung, asleep };

  void* owner_;
  void (*wake_)(void* owner) noexcept;
  std::atomic<State> state_{State::awake};
};

}  // namespace pipeline
