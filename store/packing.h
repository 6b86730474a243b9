// Packing: the blocks of one shard's group, to be packed by whoever has time: the owner a few each
// turn, and other reactors that have nothing else to do. Compression is most of the work of a
// stream with LZ4, and the reactor that also reads the file would otherwise do its half of it while
// another one sleeps.
//
// PackingBoard: where such groups are offered. One per agent; one seat per reactor.
//
// Who has the right to a block: `claims_` holds how many blocks there are and how many are taken;
// a successful compare-and-exchange takes one. The owner's release store there makes the group
// visible to who acquires it. `unfinished_` counts down behind the work (release); the owner goes
// on when it reads 0 (acquire). Whoever brings it to 0 wakes the owner. A seat's offers are
// pointers to Packings that outlive every reactor's last turn, so an old one is harmless: it has
// no block to take, or one of a newer group, which is as good. Therefore nothing of a group that
// began may be used before done(), also if it was never offered.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

#include "io/io.h"
#include "store/block.h"

namespace store {

class Packing {
 public:
  explicit Packing(BlockGroup& group) : group_(group) {}
  Packing(const Packing&) = delete;
  Packing& operator=(const Packing&) = delete;

  // Owner, when done(). The group is closed and nobody else's until done() again. `owner` is woken
  // by others who pack the last block.
  void begin(io::Io& owner);
  // Owner: packs one block; false: none is left to take.
  bool pack_one(Packer& packer);
  // Any other thread: the same.
  bool help(Packer& packer);
  // Owner.
  bool all_taken() const;
  std::size_t blocks() const { return group_.block_count(); }
  bool done() const { return unfinished_.load(std::memory_order_acquire) == 0; }

 private:
  bool take(std::uint32_t& block);

  BlockGroup& group_;
  std::atomic<io::Io*> owner_{nullptr};
  std::atomic<std::uint64_t> claims_{0};  // blocks << 32 | taken
  std::atomic<std::uint32_t> unfinished_{0};
};

class PackingBoard;

// A reactor's place at the board; all calls on its thread.
class PackingSeat {
 public:
  // More groups of one reactor at once are packed by it alone.
  static constexpr std::size_t kOffersMax = 8;

  PackingSeat(PackingBoard& board, std::size_t number) : board_(board), number_(number) {}

  Packer& packer() { return packer_; }
  void offer(Packing& packing);
  void withdraw(Packing& packing);                                // if it is offered
  std::size_t offered_blocks() const { return offered_blocks_; }  // by the last offer
  // Packs one block of another seat's; false: nothing is offered.
  bool help();
  // This reactor has no work but what others offer. False at first.
  void set_free(bool free);
  bool others_free() const;  // some of them; a hint

 private:
  bool give_one(Packer& helper);  // any thread

  PackingBoard& board_;
  const std::size_t number_;
  Packer packer_;
  std::array<std::atomic<Packing*>, kOffersMax> offers_{};
  std::size_t next_ = 0;  // whom to help next
  std::size_t offered_blocks_ = 0;
  bool free_ = false;
};

class PackingBoard {
 public:
  // `offered(seat)`, on that seat's thread: it offers something; wakes others who sleep.
  PackingBoard(std::size_t seats, std::move_only_function<void(std::size_t seat)> offered);
  PackingSeat& seat(std::size_t number) { return seats_[number]; }

 private:
  friend class PackingSeat;
  std::deque<PackingSeat> seats_;
  std::move_only_function<void(std::size_t)> offered_;
  std::atomic<std::uint32_t> offers_{0};  // a hint: whether looking is worth it
  std::atomic<std::uint32_t> free_{0};    // seats; a hint
};

}  // namespace store
