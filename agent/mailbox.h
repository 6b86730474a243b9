// Mailbox: control messages from other threads, run by the owner once per tick, in order.
//
// A mutex, because such messages are rare: files found, settings, checkpoints. Batches never travel
// here. After pushing, the sender rings the owner's doorbell.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "pipeline/doorbell.h"

namespace agent {

class Mailbox {
 public:
  using Message = std::move_only_function<void()>;

  explicit Mailbox(pipeline::Doorbell& doorbell) : doorbell_(doorbell) {}

  // Any thread.
  void post(Message message) {
    {
      const std::scoped_lock lock(mutex_);
      waiting_.push_back(std::move(message));
      unfinished_.fetch_add(1, std::memory_order_relaxed);
    }
    doorbell_.ring();
  }

  // Owner only: runs what has come so far.
  void run_all() {
    if (unfinished() == 0) return;
    {
      const std::scoped_lock lock(mutex_);
      running_.swap(waiting_);
    }
    for (Message& message : running_) {
      message();
      // Release: whoever sees the message as finished also sees what it changed.
      unfinished_.fetch_sub(1, std::memory_order_release);
    }
    running_.clear();
  }

  // Owner only, at its end: who is to read them has no more to read them with.
  void drop_all() {
    const std::scoped_lock lock(mutex_);
    waiting_.clear();
    running_.clear();
  }

  // Messages that were posted and have not run to their end. Any thread.
  std::size_t unfinished() const { return unfinished_.load(std::memory_order_acquire); }

 private:
  pipeline::Doorbell& doorbell_;
  std::mutex mutex_;  // guards waiting_
  std::vector<Message> waiting_;
  std::vector<Message> running_;  // owner only
  std::atomic<std::size_t> unfinished_{0};
};

}  // namespace agent
