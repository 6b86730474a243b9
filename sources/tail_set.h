// TailSet: all files one flow follows on one reactor, and the fair turns between them.
//
// A turn is one read of at most a chunk. Files with something to read wait in a queue (round robin
// by chunks, kTailReadsMax reads in flight); idle files cost nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "io/environment.h"
#include "pipeline/budget.h"
#include "pipeline/intake.h"
#include "pipeline/pools.h"
#include "sources/checkpointer.h"
#include "sources/file_tail.h"

namespace sources {

// Reads in flight per set. More would only hold more chunk buffers: one read keeps a reactor busy.
constexpr std::size_t kTailReadsMax = 4;

// Compressed files being inflated per set: each has its format's window (sources/inflater.h). The
// others wait; a directory may hold thousands.
constexpr std::size_t kInflatingMax = 8;

class TailSet {
 public:
  struct Parts {
    const io::Environment& environment;
    pipeline::Intake& intake;
    pipeline::Budget& budget;
    pipeline::ChunkPool& chunks;
    Checkpointer& checkpointer;
    TailOptions options;
    // A file we no longer follow: discovery forgets it. Once per add(), on our thread.
    // `resume`: where to go on if its file is found again, or, when it is `gone`, its compressed
    // form; nullptr: never again.
    std::function<void(std::uint64_t number, const Checkpoint* resume)> closed;
    // Optional, both by mail as `closed`. A file gave its descriptor back; later, when all that was
    // read of it is settled, we forget it and `rested` tells what is left. It is add()ed again
    // under the same number.
    std::function<void(std::uint64_t number)> released = {};
    std::function<void(std::uint64_t number, const Rest& rest)> rested = {};
    // Optional, both by mail as `closed`: what Discovery::ended and verified want to hear. `marks`:
    // of the generation's origin, as FoundFile has them.
    std::function<void(const Checkpoint& checkpoint, const std::vector<std::uint64_t>& marks)>
        ended = {};
    std::function<void(const Verified& answer)> verified = {};
  };
  explicit TailSet(Parts parts);
  ~TailSet();  // idle, or its Io is gone: no read may be in flight

  // A file we follow already, or let go under this identity before, goes on where we are with it,
  // whatever found.checkpoint says; its former number is closed().
  void add(FoundFile found);
  // It may have grown, shrunk or changed. Coalesced; costs nothing when a read is on its way.
  void look(std::uint64_t number);
  void look_at_all();
  // Its name is gone from under the pattern (renamed or deleted): drain it, wait, let it go.
  void detached(std::uint64_t number, const std::string& new_path);

  // Read it once more and say that it is the file it was, by `verified`.
  void verify(std::uint64_t number, std::uint64_t question);

  // Others wait for its descriptor: it gives it back at its end, or after a fair turn. `now`: or as
  // soon as it lacks memory to read on, with what is unread.
  void yield(std::uint64_t number, bool now = false);

  void tick(base::Instant now);         // starts reads within the budget, in fair turns
  base::Instant next_deadline() const;  // rotate_wait timers, retries; Instant::max(): none
  // Says which files stalled and starts them anew, alone. Now and then; looks at a part of the idle
  // files each time.
  void look_for_stalls(base::Instant now);
  // Lets deleted files go, the oldest first, until the rest is within deleted_bytes_max and
  // deleted_age_max. Now and then.
  void limit_deleted(base::Instant now);
  void stop();  // asks for no more; settlement continues
  // The set is to end, and the agent goes on: as stop(), but not while it has a file that lost its
  // name, which perhaps nobody could open again. What has one is found again and goes on from its
  // checkpoint. Again: looks for such files once more.
  void leave();
  // Nothing is under way or to be told, and as of the last tick there is no such file. May change
  // back: what is open may be deleted.
  bool left() const;
  bool idle() const;             // no read in flight and nothing unsettled
  bool reading() const;          // a read is in flight
  bool at_end() const;           // every file was read to its end or is given up, nothing waits
  std::size_t given_up() const;  // files that could not be read for seconds; looks at every file
  std::size_t files() const;
  // Memory of files that came to rest together for close_inactive, since the last call: about as
  // much may be worth giving back to the system.
  std::size_t take_freed_bytes();
  std::size_t inflating() const;    // compressed files whose windows are in memory
  std::uint64_t lag_bytes() const;  // known bytes not yet read
  // When the oldest parcel that is not settled was read; Instant::max(): everything is settled.
  base::Instant oldest_unsettled() const;
  // Adds the origins of files that were not read again as far as their marks since a restart, or
  // not noted to be. `noted`: all that was read before is.
  void add_marks_needed(base::Instant noted, std::vector<base::Origin>& origins);
  // Looks at every file. `all`: they are all listed, not only those in trouble.
  FilesSurvey survey(base::Timestamp wall, bool all, std::size_t list_max) const;
  const FileTailCounters& counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sources
