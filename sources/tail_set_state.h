// TailSet's inside. tail_set.cc: turns, reads, files that come and go; tail_set_care.cc: what is
// looked after now and then; tail_set_order.cc: which file comes first; tail_set_rewrites.cc: which
// goes on where another ended.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "sources/discovery.h"
#include "sources/tail_set.h"

namespace sources {

// Files let go while they still had a name: remembered so that one that comes back under the
// pattern before discovery was told is not read again. The oldest are forgotten, and what discovery
// had the time to forget on purpose (F55): its origin is in no log any more.
class LetGo {
 public:
  static constexpr std::size_t kFilesMax = 1024;
  static constexpr base::Duration kLongest = FilesOptions::kStateTtlMin / 2;

  // `marks`: of its origin, not reached yet.
  void remember(const Checkpoint& checkpoint, const std::vector<std::uint64_t>& marks,
                base::Instant now) {
    files_.insert_or_assign(checkpoint.identity, Entry{checkpoint, marks, ++last_, now});
    order_.emplace_back(checkpoint.identity, last_);
    while (order_.size() > kFilesMax) {
      const auto oldest = files_.find(order_.front().first);
      if (oldest != files_.end() && oldest->second.number == order_.front().second) {
        files_.erase(oldest);
      }
      order_.pop_front();
    }
  }
  void take(const FileIdentity& identity, Checkpoint& checkpoint, std::vector<std::uint64_t>& marks,
            base::Instant now) {
    const auto found = files_.find(identity);
    if (found == files_.end()) return;
    const Entry remembered = std::move(found->second);
    files_.erase(found);
    // Another reactor may have had it since.
    const Checkpoint& known = remembered.checkpoint;
    if (known.seen_us < checkpoint.seen_us || now - remembered.since > kLongest) return;
    std::string path = std::move(checkpoint.path);
    LinkTarget target = std::move(checkpoint.target);
    const bool whole = checkpoint.whole && known.whole;
    checkpoint = known;
    checkpoint.path = std::move(path);
    checkpoint.target = std::move(target);
    checkpoint.whole = whole;
    marks = remembered.marks;
  }

 private:
  struct Entry {
    Checkpoint checkpoint;
    std::vector<std::uint64_t> marks;
    std::uint64_t number;  // of its remember()
    base::Instant since;
  };
  std::unordered_map<FileIdentity, Entry, FileIdentityHash> files_;
  std::deque<std::pair<FileIdentity, std::uint64_t>> order_;
  std::uint64_t last_ = 0;
};

struct TailSet::State final : CompletesCheckpoints {
  explicit State(Parts given)
      : closed(std::move(given.closed)),
        released(std::move(given.released)),
        rested(std::move(given.rested)),
        ended(std::move(given.ended)),
        verified(std::move(given.verified)),
        parts{.environment = given.environment,
              .intake = given.intake,
              .budget = given.budget,
              .chunks = given.chunks,
              .checkpointer = given.checkpointer,
              .options = given.options,
              .counters = counters,
              .turns = turns,
              .completes = given.options.copies ? this : nullptr} {
    ASSERT(parts.chunks.buffer_bytes() >= 2 * kTailBytes);
    for (TailRead& read : reads) {
      read.operation.owner = &read;
      read.operation.done = [](void* owner, std::int64_t result) {
        auto& finished = *static_cast<TailRead*>(owner);
        finished.tail->done(finished, result);
      };
    }
  }

  // The budget may be gone.
  ~State() { parts.checkpointer.forget(this); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Whoever finds the file truncated after a restart can tell which of its copies were read (F06).
  void complete(Checkpoint& checkpoint, std::size_t in_write) const override {
    if (checkpoint.offset == 0) return;
    const std::size_t most = std::min(kNotedLineEndsMax, kNotedLineEndsInWrite / in_write);
    const std::vector<LineEnd> recent = turns.recent.line_ends(
        checkpoint.origin, checkpoint.offset, parts.intake.framer_options().delimiter, most);
    checkpoint.line_ends = joined(checkpoint.line_ends, recent, checkpoint.offset, most);
  }

  FileTail* find(std::uint64_t number) {
    const auto found = tails.find(number);
    return found == tails.end() ? nullptr : found->second.get();
  }
  // Every tail, none of which may come or go meanwhile. Where they lie in memory is known long
  // before they are needed, and nobody else has touched most of them since the last time.
  template <typename Visit>
  void for_each_tail(Visit visit) {
    constexpr std::size_t kAhead = 16;
    std::array<FileTail*, kAhead> next{};
    auto entry = tails.begin();
    while (entry != tails.end()) {
      std::size_t count = 0;
      for (; count < kAhead && entry != tails.end(); ++entry) {
        next[count] = entry->second.get();
        next[count++]->prefetch();
      }
      for (std::size_t i = 0; i < count; ++i) visit(*next[i]);
    }
  }
  TailRead* free_read() {
    const auto free = std::find_if(reads.begin(), reads.end(),
                                   [](const TailRead& read) { return read.tail == nullptr; });
    return free == reads.end() ? nullptr : free;
  }
  bool reading() const {
    return std::any_of(reads.begin(), reads.end(),
                       [](const TailRead& read) { return read.tail != nullptr; });
  }

  void look_for_nameless(base::Instant now);
  // tail_set_memory.cc
  bool start_read(FileTail& tail);
  bool others_hang();
  bool insist();
  bool is_waited_for(std::uint64_t number) const;
  void stand_in_line();
  base::Instant memory_deadline() const;
  void make_way();

  void start_reads();
  bool may_inflate(FileTail& tail);
  void release_held();
  void count_held() { turns.held = held.size() + (catching_up.size() > 1 ? 1 : 0); }
  bool waits_in_order(std::uint64_t number, std::int64_t age_ns) const;
  void leave_order(std::uint64_t number);
  FileTail* first_in_order();
  bool gets_on(const FileTail& tail, base::Instant now);
  void keep_order(base::Instant now);
  base::Instant next_look_at_order() const;
  bool may_start(const std::vector<std::uint64_t>& after);
  bool may_be_rewritten(const FoundFile& found) const;
  void await_rewritten(const FoundFile& found);
  std::uint64_t settled_bytes(const std::vector<std::uint64_t>& numbers);
  bool knows_replaced(FileTail& tail, const std::vector<std::uint64_t>& after);
  void keep_replaced(const FileTail& closing);
  void look_at_rewrites(base::Instant now);
  void close(FileTail& tail);
  void forget(const FileTail& tail);
  void release_rested();
  void sweep(base::Instant now);
  void tell_generations();
  bool go_on(FoundFile& found);
  StallReason stall_of(const FileTail& tail, std::uint64_t part);
  TailRead* read_of(const FileTail& tail);
  bool start_anew(FileTail& tail, StallReason reason);
  void tell_stalls();

  std::function<void(std::uint64_t number, const Checkpoint* resume)> closed;
  std::function<void(std::uint64_t number)> released;
  std::function<void(std::uint64_t number, const Rest& rest)> rested;
  decltype(Parts::ended) ended;
  decltype(Parts::verified) verified;
  std::size_t open = 0;                             // tails with a descriptor
  std::size_t freed_bytes = 0;                      // by sweeps, and not told yet
  base::Instant next_sweep = base::Instant::max();  // for inactive ones; max: nobody may rest
  std::uint64_t reads_swept = 0;                    // that were done before the last sweep
  FileTailCounters counters;
  TailTurns turns;
  FileTail::Parts parts;
  std::array<TailRead, kTailReadsMax> reads;
  std::unordered_map<std::uint64_t, std::unique_ptr<FileTail>> tails;
  std::unordered_map<FileIdentity, FileTail*, FileIdentityHash> by_identity;
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> held;  // number → those before it
  struct Rewrite {  // perhaps; of those that are held
    base::Instant since{};
    std::uint64_t settled_bytes = 0;  // of those before it, then
    // It has as many, at least, if it is one of those that are gone; max: there are none.
    std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max();
    std::vector<Former> formers = {};  // that were let go meanwhile
  };
  std::unordered_map<std::uint64_t, Rewrite> rewrites;
  base::Instant next_rewrite{};                                  // to be looked at again
  std::set<std::pair<std::int64_t, std::uint64_t>> catching_up;  // age and number, oldest first
  struct First {                                                 // of them, at the last look
    std::uint64_t number = 0;
    std::uint64_t progress = 0;
    base::Instant since{};
  };
  First first;
  LetGo let_go;
  struct Busy {  // at the last look for stalls
    StallReason reason;
    std::uint64_t progress;
    base::Instant since;
  };
  struct Stalled {  // files that stalled for one reason, at this look
    std::size_t files = 0;
    std::size_t restarted = 0;
    std::string example;
    base::Duration longest{0};
  };
  std::unordered_map<std::uint64_t, Busy> busy;
  std::map<StallReason, Stalled> stalled;
  std::uint64_t looks_for_stalls = 0;
  std::vector<FileTail*> inflating;  // at most kInflatingMax
  bool stopped = false;
  bool leaving = false;
  static constexpr base::Duration kLookForNameless = std::chrono::seconds(1);
  base::Instant next_look_for_nameless = base::Instant{};
  std::uint64_t deleted_file = 0;  // one of them, at that look; 0: there was none
  // As of the last tick, while it leaves: a file has no name any more; none has, and there would be
  // something to read.
  bool nameless = false;
  bool paused = false;
  std::vector<std::uint64_t> asked_now;  // numbers: for their descriptors, once they lack memory
  bool short_of_credit = false;          // the budget's doorbell will bring the next tick
  // … for a read that takes more than others. Small ones of other reactors are not to use up what
  // comes back; but what is missing may be with a read that hangs, and while nothing comes back
  // they have every other period.
  static constexpr base::Duration kInsists = std::chrono::seconds(5);
  struct Insists {
    bool on = false;
    base::Instant until{};  // Instant{}: nothing is lacked
    std::int64_t available = 0;
  };
  bool lacks_large = false;
  Insists insists;
  // Other flows' reads on this reactor have them all; the one that is answered brings the next
  // tick. If they hang, one of our own will do.
  static constexpr base::Duration kBuffersHang = std::chrono::seconds(1);
  bool short_of_buffers = false;
  base::Instant without_buffer_since{};  // nothing of ours is read; Instant{}: something is
};

}  // namespace sources
