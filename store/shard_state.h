// Shard::State: the writer's machine. One operation is in flight at a time:
//
//   idle ─▶ creating ─▶ packing ─▶ writing ─▶ syncing ─▶ syncing_directory ─▶ answer ─▶ idle
//            (no tail)   (LZ4: some   │ os: answered      (new files only)
//                         turns)      └ interval: idle until the sync is due, or more is written
//
// A failed write goes back to the last good end of the same file. A failed sync gives the file up
// at the end of what had been answered; the next append makes a new one.
//
// Private to shard*.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "io/environment.h"
#include "store/block.h"
#include "store/marks.h"
#include "store/packing.h"
#include "store/recovery.h"
#include "store/shard.h"

namespace store {

// Appends in order, linked through Append::next.
class AppendList {
 public:
  bool empty() const { return head_ == nullptr; }
  void push(Append& append) {
    append.next = nullptr;
    (head_ == nullptr ? head_ : tail_->next) = &append;
    tail_ = &append;
  }
  Append* front() const { return head_; }
  Append* pop() {
    Append* const first = head_;
    head_ = first->next;
    return first;
  }
  void take_all(AppendList& from) {
    while (!from.empty()) push(*from.pop());
  }

 private:
  Append* head_ = nullptr;
  Append* tail_ = nullptr;
};

struct Shard::State {
  // Runs of one write at most, unless a single append is larger.
  static constexpr std::uint64_t kGroupBytesMax = 8U << 20;
  // Quiet for so long: a settled block is worth its 64 bytes.
  static constexpr base::Duration kSettleAfter = std::chrono::seconds(1);
  // Blocks of a group that nobody else is told of: they are packed before anybody had come.
  static constexpr std::uint32_t kPackedAtOnce = 4;
  // In one turn, a quarter of a millisecond: the reactor may have to read, which nobody can do for
  // it. What it does not pack is left to others, if they are free.
  static constexpr std::uint32_t kPackedPerTurn = 2;
  static constexpr std::uint32_t kPackedBesideOthers = 1;

  enum class Phase : std::uint8_t { idle, creating, packing, writing, syncing, syncing_directory };

  State(io::Files& files, std::string path, ShardName shard_name, ShardOptions shard_options);

  // shard.cc
  void adopt(Recovered recovered);
  std::uint64_t tail_bytes() const { return tail_ ? end.position : 0; }
  void publish();
  void begin_after_gap(const io::Environment& opening);
  bool next_is_named();
  std::vector<std::string> retire_while(const auto& expired);

  // shard_append.cc
  void advance();
  bool roll_due(base::Instant now) const;
  bool sync_due(base::Instant now) const;
  void start_create();
  void created(std::int64_t result);
  void start_write(bool only_settled);
  void add_head();
  void pack_some();
  void write_group();
  void written(std::int64_t result);
  void after_write();
  void start_sync();
  void synced(std::int64_t result);
  void directory_synced(std::int64_t result);

  // shard_settle.cc
  void settle(bool synced_now);
  void fail(int error);
  void abandon();
  void seal_tail();
  void answer(AppendList list, int error);
  base::Instant settled_block_deadline() const;

  const std::string directory;
  const ShardName name;
  const ShardOptions options;
  ShardCounters counters;
  io::Files* files;
  const io::Environment* environment = nullptr;  // from attach() on

  std::deque<Segment> segments;      // sealed ones, oldest first
  std::vector<SegmentId> worthless;  // removed once the next segment is durable
  std::vector<std::string> removable;
  Marks marks;
  base::Instant forget_marks = base::Instant::min();

  // The tail: the segment that is written.
  io::UniqueHandle tail_;
  SegmentId tail_id;           // of the tail, or of the next if there is none
  base::Instant tail_since{};  // for its age
  ChainEnd end;                // of what is written; position 0: the head is not
  ChainEnd settled;            // of what is answered
  ChainEnd promised;           // of what blocks may call delivered: `settled`, but for on_request
                               // what is synced
  bool directory_dirty = false;
  bool roll_wanted = false;
  bool gap_ahead = false;  // records before the next segment are missing: it is no continuation
  bool last_is_settled_block = false;
  std::uint64_t settled_block_end =
      0;  // position after the last one, which is written but not synced

  Phase phase = Phase::idle;
  bool answering = false;
  AppendList queue, in_write, unsynced;  // waiting; being written; written and not yet answered
  bool sync_wanted = false;              // an append in `unsynced` asked for it
  bool head_in_write = false;
  bool settled_in_write = false;
  base::Instant unsynced_since{};
  base::Instant last_activity{};

  BlockGroup group;
  Packing packing{group};
  PackingSeat* seat = nullptr;  // of the owner, if it has one
  Packer packer;                // if it has none
  std::vector<Mark> mark_list;
  std::string path;  // of the file being created
  io::UniqueHandle directory_handle;
  io::Operation operation;

  std::atomic<base::SequenceNumber> first_sequence{0}, next_sequence{0};
  std::atomic<std::uint64_t> stored_bytes{0};
  std::uint64_t sealed_bytes = 0;
};

}  // namespace store
