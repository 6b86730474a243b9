// TailRig: a TailSet with everything around it on one thread: intake, shards that keep what they
// are given, a checkpoint log. What survives a crash lives in a Durable outside of it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/environment.h"
#include "pipeline/batch_queue.h"
#include "pipeline/intake.h"
#include "sources/tail_set.h"

namespace rig {

struct Durable {
  struct Shard {
    std::vector<std::string> records;
    std::map<std::uint64_t, std::uint64_t> marks;  // origin → offset
  };
  std::vector<Shard> shards;  // the last one: dead letters
  std::map<std::string, std::string> checkpoints;

  explicit Durable(std::uint32_t shard_count = 1) : shards(shard_count + 1) {}
  std::vector<std::string> records() const;  // of all shards but the dead letters
  const std::vector<std::string>& dead_letters() const { return shards.back().records; }
  std::vector<sources::Checkpoint> known() const;
  std::vector<std::uint64_t> marks(base::Origin origin) const;  // empty: none
};

struct Options {
  std::size_t chunk_bytes = 4096;
  std::uint64_t budget_bytes = 1 << 20;
  pipeline::FramerOptions framer = {};
  pipeline::GroupOptions groups = {};
  pipeline::EmptyLines empty_lines = pipeline::EmptyLines::keep;
  sources::TailOptions tail = {};
  bool notes_whole = false;  // some flow deletes files
};

class TailRig {
 public:
  TailRig(const io::Environment& environment, Durable& durable, Options options);
  ~TailRig();  // no read may be in flight
  TailRig(const TailRig&) = delete;
  TailRig& operator=(const TailRig&) = delete;

  sources::TailSet& tails() { return *tails_; }
  pipeline::Budget& budget() { return budget_; }
  pipeline::ChunkPool& chunks() { return chunks_; }
  sources::Checkpointer& checkpointer() { return checkpointer_; }
  std::vector<std::uint64_t>& closed() { return closed_; }
  using Closed = std::pair<std::uint64_t, std::optional<sources::Checkpoint>>;
  std::vector<Closed>& closed_with() { return closed_with_; }
  std::vector<std::uint64_t>& released() { return released_; }
  std::vector<std::pair<std::uint64_t, sources::Rest>>& rested() { return rested_; }
  std::vector<sources::Checkpoint>& ended() { return ended_; }
  std::vector<sources::Verified>& verified() { return verified_; }

  // Opens `path` and hands it over, with what the log knows about its identity.
  sources::FoundFile find(const std::string& path, std::uint64_t number) const;
  void add(const std::string& path, std::uint64_t number) { tails_->add(find(path, number)); }

  void tick();                         // completions, timers, queues
  std::size_t undelivered() const;     // batches
  void deliver(std::uint32_t outlet);  // the oldest batch there, if any, becomes durable
  void settle(std::size_t which);      // one of the delivered batches goes home
  std::size_t unsettled() const { return delivered_.size(); }
  std::size_t writes() const { return writes_.size(); }
  void answer(int error = 0);  // the oldest write to the log
  // Everything that can happen now.
  void run();
  bool quiet() const;

 private:
  const io::Environment environment_;
  Durable& durable_;
  pipeline::Doorbell doorbell_;
  pipeline::Budget budget_;
  pipeline::ChunkPool chunks_;
  pipeline::SlabPool slabs_;
  pipeline::ParcelPool parcels_;
  pipeline::Ringer ringer_;
  std::vector<std::unique_ptr<pipeline::BatchQueue>> queues_;
  std::unique_ptr<pipeline::Intake> intake_;
  std::deque<sources::CheckpointWrite> writes_;
  sources::Checkpointer checkpointer_;
  std::vector<std::uint64_t> closed_;
  std::vector<Closed> closed_with_;  // the same, and where to go on
  std::vector<std::uint64_t> released_;
  std::vector<std::pair<std::uint64_t, sources::Rest>> rested_;
  std::vector<sources::Checkpoint> ended_;
  std::vector<sources::Verified> verified_;
  std::unique_ptr<sources::TailSet> tails_;
  std::vector<std::deque<pipeline::Batch*>> waiting_;  // per outlet
  std::vector<pipeline::Batch*> delivered_;
};

}  // namespace rig
