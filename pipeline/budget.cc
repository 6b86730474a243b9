#include "pipeline/budget.h"

#include <utility>

namespace pipeline {

Budget::Budget(std::uint64_t bytes, std::vector<Doorbell*> doorbells)
    : limit_bytes_(bytes),
      available_(static_cast<std::int64_t>(bytes)),
      doorbells_(std::move(doorbells)) {}

bool Budget::take_as(std::uint64_t bytes, const void* taker) {
  if (try_take(bytes, taker)) return true;
  const bool was_starving = starving_.exchange(true, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (try_take(bytes, taker))
    return true;  // came back meanwhile; the flag costs one extra ring at most
  if (!was_starving) ring_all();
  return false;
}

bool Budget::take_or_alone(std::uint64_t bytes, const void* next) {
  if (take_as(bytes, next)) return true;
  const std::uint64_t limit = limit_bytes();
  const void* const first = next_.load(std::memory_order_relaxed);
  if ((first != nullptr && first != next) || bytes <= limit ||
      available_bytes() < static_cast<std::int64_t>(limit)) {
    const void* nobody = nullptr;
    if (next != nullptr) next_.compare_exchange_strong(nobody, next, std::memory_order_relaxed);
    return false;
  }
  overdraw(bytes);
  if (next != nullptr) withdraw(next);
  return true;
}

void Budget::withdraw(const void* next) {
  if (next_.load(std::memory_order_relaxed) != next) return;
  next_.store(nullptr, std::memory_order_relaxed);
  starving_.store(false, std::memory_order_relaxed);  // perhaps that was he alone
  std::atomic_thread_fence(std::memory_order_seq_cst);
  ring_all();  // whoever was sent away since
}

bool Budget::lacks(std::uint64_t bytes) {
  const std::int64_t available = available_bytes();
  if (available >= static_cast<std::int64_t>(limit_bytes())) return false;  // nothing is out
  if (available >= static_cast<std::int64_t>(bytes)) return starving();
  if (!starving_.exchange(true, std::memory_order_relaxed)) ring_all();
  return true;
}

void Budget::overdraw(std::uint64_t bytes) {
  available_.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
}

void Budget::give_back(std::uint64_t bytes) {
  if (bytes == 0) return;
  available_.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  if (!came_back_.load(std::memory_order_relaxed)) {
    came_back_.store(true, std::memory_order_relaxed);
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (starving_.load(std::memory_order_relaxed) &&
      starving_.exchange(false, std::memory_order_relaxed)) {
    ring_all();
  }
}

void Budget::resize(std::uint64_t bytes) {
  const std::uint64_t before = limit_bytes_.exchange(bytes, std::memory_order_relaxed);
  if (bytes >= before) {
    give_back(bytes - before);
  } else {
    overdraw(before - bytes);
  }
}

bool Budget::try_take(std::uint64_t bytes, const void* taker) {
  const void* const next = next_.load(std::memory_order_relaxed);
  if (next != nullptr && next != taker) return false;
  const auto wanted = static_cast<std::int64_t>(bytes);
  std::int64_t available = available_.load(std::memory_order_relaxed);
  while (available >= wanted) {
    if (available_.compare_exchange_weak(available, available - wanted,
                                         std::memory_order_relaxed)) {
      if (next != nullptr) withdraw(next);
      return true;
    }
  }
  return false;
}

void Budget::ring_all() {
  for (Doorbell* doorbell : doorbells_) doorbell->ring();
}

}  // namespace pipeline
