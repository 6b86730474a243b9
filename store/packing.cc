#include "store/packing.h"

#include <utility>

#include "base/assert.h"

namespace store {

void Packing::begin(io::Io& owner) {
  ASSERT(done());
  const auto blocks = static_cast<std::uint32_t>(group_.block_count());
  owner_.store(&owner, std::memory_order_relaxed);
  unfinished_.store(blocks, std::memory_order_relaxed);
  claims_.store(std::uint64_t{blocks} << 32U, std::memory_order_release);
}

bool Packing::take(std::uint32_t& block) {
  std::uint64_t claims = claims_.load(std::memory_order_relaxed);
  do {
    block = static_cast<std::uint32_t>(claims);
    if (block >= static_cast<std::uint32_t>(claims >> 32U)) return false;
  } while (!claims_.compare_exchange_weak(claims, claims + 1, std::memory_order_acquire,
                                          std::memory_order_relaxed));
  return true;
}

bool Packing::pack_one(Packer& packer) {
  std::uint32_t block = 0;
  if (!take(block)) return false;
  group_.pack(block, packer);
  unfinished_.fetch_sub(1, std::memory_order_acq_rel);
  return true;
}

bool Packing::help(Packer& packer) {
  std::uint32_t block = 0;
  if (!take(block)) return false;
  group_.pack(block, packer);
  // Read before the last block is given back: then the owner may begin anew.
  io::Io* const owner = owner_.load(std::memory_order_relaxed);
  if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) owner->wake();
  return true;
}

bool Packing::all_taken() const {
  const std::uint64_t claims = claims_.load(std::memory_order_relaxed);
  return static_cast<std::uint32_t>(claims) >= static_cast<std::uint32_t>(claims >> 32U);
}

PackingBoard::PackingBoard(std::size_t seats, std::move_only_function<void(std::size_t)> offered)
    : offered_(std::move(offered)) {
  for (std::size_t i = 0; i < seats; ++i) seats_.emplace_back(*this, i);
}

void PackingSeat::offer(Packing& packing) {
  for (std::atomic<Packing*>& offer : offers_) {
    if (offer.load(std::memory_order_relaxed) != nullptr) continue;
    offered_blocks_ = packing.blocks();
    offer.store(&packing, std::memory_order_release);
    board_.offers_.fetch_add(1, std::memory_order_release);
    return board_.offered_(number_);
  }
}

void PackingSeat::withdraw(Packing& packing) {
  for (std::atomic<Packing*>& offer : offers_) {
    if (offer.load(std::memory_order_relaxed) != &packing) continue;
    offer.store(nullptr, std::memory_order_relaxed);
    board_.offers_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
}

bool PackingSeat::help() {
  if (board_.offers_.load(std::memory_order_acquire) == 0) return false;
  for (std::size_t i = 0; i < board_.seats_.size(); ++i) {
    PackingSeat& other = board_.seats_[next_];
    if (&other != this && other.give_one(packer_)) return true;
    next_ = (next_ + 1) % board_.seats_.size();
  }
  return false;
}

void PackingSeat::set_free(bool free) {
  if (std::exchange(free_, free) == free) return;
  board_.free_.fetch_add(free ? 1U : ~0U, std::memory_order_relaxed);
}

bool PackingSeat::others_free() const {
  return board_.free_.load(std::memory_order_relaxed) > (free_ ? 1U : 0U);
}

bool PackingSeat::give_one(Packer& helper) {
  for (const std::atomic<Packing*>& offer : offers_) {
    Packing* const packing = offer.load(std::memory_order_acquire);
    if (packing != nullptr && packing->help(helper)) return true;
  }
  return false;
}

}  // namespace store
