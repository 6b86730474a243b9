// Reactor: one thread's loop. N of them, all alike: each owns some sources and some shards'
// outlets.
//
// Everything here belongs to the reactor's thread, except what says "any thread". Built by Agent
// before the first tick; flows and shards come, and flows go, also later, by mail. In the simulator
// a seed decides which reactor ticks next.
//
// Who reads counters on another thread goes over lists that only we change: `parts_mutex_` is held
// by us while we do, by the other while he looks. We look without.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/checkpoint_log.h"
#include "agent/mailbox.h"
#include "agent/number_notes.h"
#include "agent/survey.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "io/environment.h"
#include "pipeline/batch_queue.h"
#include "pipeline/doorbell.h"
#include "pipeline/intake.h"
#include "pipeline/pools.h"
#include "pipeline/ringer.h"
#include "sinks/delivery.h"
#include "sinks/sink.h"
#include "sources/checkpointer.h"
#include "sources/pipe_tail.h"
#include "sources/tail_set.h"
#include "store/packing.h"
#include "store/shard.h"

namespace agent {

// A shard's (or a whole sink's) end of a flow.
struct Outlet {
  // dead_letters keeps what the framer rejects, discarding does not.
  enum class Kind : std::uint8_t { target, dead_letters, discarding };
  std::string flow;
  Kind kind = Kind::target;
  std::unique_ptr<pipeline::BatchQueue> queue;
  std::unique_ptr<sinks::Sink> sink;
  std::unique_ptr<sinks::Delivery> delivery;
  bool gone_told = false;  // that the other side has left
};

// A flow's sources on one reactor.
struct FlowPart {
  // The flow is to go. It came to rest here (true), or has to read on, for a file lost its name.
  using Rests = std::move_only_function<void(bool rests)>;
  // The part is no more, and these origins' marks were still needed.
  using Left = std::move_only_function<void(std::vector<base::Origin> marks_needed)>;

  std::string flow;
  std::size_t number = 0;  // of the flow, on every reactor; another's when this one is gone
  std::unique_ptr<pipeline::Intake> intake;
  std::unique_ptr<sources::TailSet> tails;
  std::unique_ptr<sources::PipeTail> pipe = nullptr;  // it reads one, and no files; on one reactor
  bool abandoned = false;                             // what was read of it stays unsettled
  Rests rests = nullptr;                              // who is told
  bool said_to_rest = false;
  Left left = nullptr;  // to be destroyed, and who is told then

  // Nothing is read or unsettled; a pipe's read may be out, which can wait for ever.
  bool at_rest() const { return tails->idle() && (!pipe || pipe->all_settled()); }
  bool idle() const { return at_rest() && !(pipe && pipe->reading()); }
  bool reading() const { return tails->reading() || (pipe && pipe->reading()); }
  bool at_end() const { return tails->at_end() && (!pipe || pipe->at_end()); }
  // What was not read to its end though at_end() says so. Looks at every file.
  std::size_t not_read() const {
    return tails->given_up() + tails->counters().compressed_errors.value() +
           (pipe && pipe->input_failed() ? 1 : 0);
  }
  std::uint64_t reads() const {
    return tails->counters().reads.value() + (pipe ? pipe->counters().reads.value() : 0);
  }
};

struct Amount {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;  // as packed: data, key, and two short lengths

  Amount& operator+=(const Amount& other) {
    records += other.records;
    bytes += other.bytes;
    return *this;
  }
};

class Reactor {
 public:
  // Of four shards each gets a run just short of the 64 KiB up to which LZ4 is fastest.
  static constexpr std::size_t kChunkBytes = 240 * 1024;
  static constexpr std::size_t kChunksMax = 6;  // reads in flight and a few being framed
  static constexpr std::size_t kSlabKeepBytes = 16U << 20;  // kept for reuse; the rest goes back

  // `environment` outlives the reactor. `count`: of all reactors.
  // `once`: at_end() is wanted; it too looks at every file.
  Reactor(base::ReactorId id, std::size_t count, const io::Environment& environment, bool once);
  ~Reactor() { mailbox_.drop_all(); }  // parts of flows may be in it
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Wiring, before the first tick; what says so also later, by mail.
  void set_checkpointer(std::unique_ptr<sources::Checkpointer> checkpointer) {
    checkpointer_ = std::move(checkpointer);
  }
  void own_checkpoint_log(std::unique_ptr<CheckpointLog> log);
  void set_packing(store::PackingSeat& seat) { packing_ = &seat; }  // before any shard
  void own_shard(store::Shard& shard);                              // also later
  void add_outlet(Outlet outlet);                                   // also later
  void add_flow(FlowPart part);  // also later; no other part has its number
  void set_listener(std::move_only_function<void()> changed) { changed_ = std::move(changed); }
  // Any thread of a reactor may call it: a flow's target has left for good.
  void set_gone_listener(std::move_only_function<void(const std::string& flow)> gone) {
    gone_ = std::move(gone);
  }
  // The same: files that the log of checkpoints needs no more, since it was compacted.
  void set_retired_listener(std::move_only_function<void(std::vector<std::string> paths)> retired) {
    retired_listener_ = std::move(retired);
  }

  base::ReactorId id() const { return id_; }
  const io::Environment& environment() const { return environment_; }
  pipeline::Doorbell& doorbell() { return doorbell_; }
  pipeline::Ringer& ringer() { return ringer_; }
  pipeline::BatchQueue& settle_queue() { return settle_queue_; }
  pipeline::SlabPool& slabs() { return slabs_; }
  pipeline::ParcelPool& parcels() { return parcels_; }
  pipeline::ChunkPool& chunks() { return chunks_; }
  sources::Checkpointer& checkpointer() { return *checkpointer_; }
  NumberNotes& number_notes() { return number_notes_; }
  CheckpointLog* checkpoint_log() { return checkpoint_log_.get(); }
  // nullptr: that flow is gone, and who speaks of it had not heard.
  sources::TailSet* tails(std::size_t flow);

  // Any thread.
  Mailbox& mailbox() { return mailbox_; }
  struct Hint {
    std::size_t flow;
    std::uint64_t file;
    bool operator==(const Hint&) const = default;
  };
  void hint(const std::vector<Hint>& hints);  // these files may have changed
  void hint_all();                            // any file may have changed
  bool quiet() const { return quiet_.load(std::memory_order_acquire); }  // nothing is under way
  // Nothing is under way but, perhaps, a pipe's read.
  bool at_rest() const { return at_rest_.load(std::memory_order_acquire); }
  bool at_end() const { return at_end_.load(std::memory_order_acquire); }
  // Of the inputs: how many could not be read to their ends. As of when at_end() became true.
  std::size_t not_read() const { return not_read_.load(std::memory_order_acquire); }
  void describe(base::Samples& samples) const;  // counters only
  struct Out {
    Amount delivered, dropped, dead_letters;
  };
  // Of this run; see agent/conservation.h.
  std::uint64_t records_read() const;
  std::uint64_t records_skipped() const;
  Amount handed() const;  // to outlets, on this or another reactor
  Out out() const;        // of our outlets
  Amount home() const {   // settled
    return {.records = records_home_.value(), .bytes = bytes_home_.value()};
  }
  // Bytes known and not yet read, as of the last request; counting them looks at every file.
  std::uint64_t lag_bytes() const { return lag_bytes_.load(std::memory_order_relaxed); }
  void request_lag();

  // One turn of the loop: waits for work, does a bounded amount of it.
  void tick();
  // Bytes its pools and idle files have freed since the last call; for whoever can give them to the
  // system.
  std::size_t take_trimmed_bytes() { return std::exchange(trimmed_bytes_, 0); }

  // By mail only, on our thread.
  // Goes over every file, without a system call. `list_max`: of all flows together.
  ReactorSurvey survey(bool all, std::size_t list_max) const;
  void stop_sources();                    // no more reads; flush and write down everything
  void abandon(const std::string& flow);  // its target is gone: never wait for it again
  void look_after_files();                // stalls, deleted files
  // The flow is to go: its part here reads no more and settles; `rests` then, and at each change.
  void leave(std::size_t flow, FlowPart::Rests rests);
  // All its parts rest. Until then each keeps its files open: what is written, renamed and deleted
  // while another still waits is read. It is destroyed as soon as it rests; then `left`, once.
  void end(std::size_t flow, FlowPart::Left left);
  // When all its parts are gone, on every reactor.
  void drop_outlets(const std::string& flow);
  // `noted`, once, when all that was reported to our checkpointer so far is in the log.
  void when_noted(std::move_only_function<void()> noted);
  base::Instant covered();  // all that was read before this is settled and noted
  std::vector<base::Origin> marks_needed(base::Instant covered);  // by files; covered: as above
  std::vector<std::string> maintain(base::Timestamp now, base::Instant marks_until,
                                    std::span<const base::Origin> marks_needed);

 private:
  void wait_for_work();
  base::Duration time_to_sleep();
  bool work_waiting() const;
  base::Instant next_deadline() const;
  void take_hints();
  void take_home_settled_batches();
  void run_due(base::Instant now);
  void trim_pools(base::Instant now);
  void tell_who_rests();
  void end_parts_that_left();
  void end_part(std::size_t at);
  void retire(const FlowPart& part);
  void retire(const Outlet& outlet);
  void tell_noted();
  void publish();
  void count_lag();

  // Turns another reactor may wait for its ring: about as many chunks, together a full flush.
  static constexpr std::uint32_t kTurnsOwedMax = 4;
  // Between two looks at what the pools have too much of, while lines come and until nothing is
  // left over of the last.
  static constexpr base::Duration kTrimEvery = std::chrono::seconds(2);
  static constexpr std::size_t kHintsMax = 4096;  // more: look at all files instead
  static constexpr std::size_t kSettledPerDrain = 256;
  static constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

  base::ReactorId id_;
  bool once_;
  const io::Environment& environment_;
  pipeline::Doorbell doorbell_;
  pipeline::Ringer ringer_;
  std::uint32_t turns_owed_ = 0;  // since it owes a ring
  Mailbox mailbox_;
  pipeline::BatchQueue settle_queue_;
  pipeline::SlabPool slabs_;
  pipeline::ParcelPool parcels_;
  pipeline::ChunkPool chunks_;
  base::Instant trim_at_ = base::Instant::max();  // max: nothing was read since
  std::uint64_t reads_at_trim_ = 0;
  std::size_t trimmed_bytes_ = 0;
  std::unique_ptr<sources::Checkpointer> checkpointer_;
  std::unique_ptr<CheckpointLog> checkpoint_log_;  // on one reactor only
  std::vector<store::Shard*> shards_;
  store::PackingSeat* packing_ = nullptr;
  NumberNotes number_notes_;        // of shards_
  mutable std::mutex parts_mutex_;  // guards shards_, outlets_, flows_, retired_, as said above
  std::deque<Outlet> outlets_;
  std::vector<FlowPart> flows_;
  std::vector<std::size_t> places_;  // by number: in flows_; kNowhere: it has no part
  struct Retired {                   // what the parts and outlets had counted that are gone
    std::uint64_t records_read = 0, records_skipped = 0;
    Amount handed;
    Out out;
    base::Samples samples;
  };
  Retired retired_;
  struct Waiting {  // see when_noted()
    base::Instant since;
    std::move_only_function<void()> noted;
  };
  std::vector<Waiting> waiting_;
  std::size_t first_flow_ = 0;               // in this turn; another one each turn
  std::move_only_function<void()> changed_;  // quiet() or at_end() changed
  std::move_only_function<void(const std::string&)> gone_;
  std::move_only_function<void(std::vector<std::string> paths)> retired_listener_;

  std::mutex
      hints_mutex_;  // guards hints_, hints_overflow_; taken once per control tick and per wake
  std::vector<Hint> hints_;
  bool hints_overflow_ = false;
  std::atomic<bool> hinted_{false};
  std::vector<Hint> hints_taken_;

  base::Counter records_home_, bytes_home_;
  std::atomic<bool> quiet_{false};
  std::atomic<bool> at_rest_{false};
  std::atomic<bool> at_end_{false};
  std::atomic<std::size_t> not_read_{0};  // written before at_end_
  std::atomic<std::uint64_t> lag_bytes_{0};
};

}  // namespace agent
