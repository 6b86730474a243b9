// Checkpointer: watermarks → the keyed log. Collects what moved and writes it at most every
// kWriteInterval, O(changed); a registration is written and synced at once.
//
// One write is under way at a time, so what was reported later is also written later and a write
// that failed can be given again without overtaking a newer one.
//
// One per reactor; all write to the one `_checkpoints` log, which belongs to the reactor that holds
// its CheckpointLog. Ours reach it through `send`, answers come back through written().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "sources/checkpoint.h"

namespace sources {

// What travels from a reactor to the owner of the log.
struct CheckpointWrite {
  std::uint64_t number = 0;  // the sender's; comes back in written()
  base::ReactorId from{};
  bool synced = false;  // registrations: done only when durable
  std::vector<Checkpoint> put;
  std::vector<bool> registers;  // one each of those: the first of its origin
  struct Erased {
    std::string key;
    base::Origin origin = base::Origin::none;  // of what is erased; none: whatever is there
  };
  std::vector<Erased> erase;
};

// Told when a registration is durable.
class Registered {
 public:
  virtual void registered() = 0;

 protected:
  ~Registered() = default;
};

// Adds to a checkpoint when it is written, which is less often than it is reported.
class CompletesCheckpoints {
 public:
  virtual void complete(Checkpoint& checkpoint, std::size_t in_write) const = 0;

 protected:
  ~CompletesCheckpoints() = default;
};

class Checkpointer {
 public:
  static constexpr base::Duration kWriteInterval = std::chrono::milliseconds(200);
  static constexpr base::Duration kRetryInterval =
      std::chrono::milliseconds(500);               // after an error
  static constexpr std::size_t kChangesMax = 1024;  // in one write; the rest goes with the next

  // `send`: hands a write to the log's owner (any thread's business; called on ours).
  Checkpointer(base::ReactorId reactor, std::function<void(CheckpointWrite)> send);
  ~Checkpointer();

  // `waiter->registered()` runs on this thread once `checkpoint` is durable; before that nothing of
  // its origin may be delivered. Retried until it succeeds. All registrations of one tick go
  // together. forget_waiter(): the waiter dies first.
  void register_origin(const Checkpoint& checkpoint, Registered* waiter,
                       const CompletesCheckpoints* completes = nullptr);
  void forget_waiter(Registered* waiter);
  // As well. Completes for the last time what is not sent.
  void forget(const CompletesCheckpoints* completes);
  // Whether notes say of which files everything was read (Checkpoint::whole). To know that costs a
  // look at the file for each, so it is asked for only while some flow deletes files. False at
  // first.
  void note_whole(bool on);
  bool notes_whole() const;
  // The watermark moved. Replaces an earlier unsent update of the same key. `since`: what it says
  // is stored was under way since then, and shards may have marks of it from any time after that.
  void update(const Checkpoint& checkpoint, base::Instant since = base::Instant::max(),
              const CompletesCheckpoints* completes = nullptr);
  // The same, and no shard knows of it: written synced.
  void update_synced(const Checkpoint& checkpoint);
  // The file is gone and fully read. `origin`: its; none: whatever is there.
  void erase(const std::string& key, base::Origin origin = base::Origin::none);
  // Whether something about that file is on its way to the log, which would come after what another
  // reactor says of it now.
  bool holds(const std::string& key, base::Origin origin) const;

  // Answer for write `number`; error: 0 or a positive errno (it is sent again later).
  void written(std::uint64_t number, int error, base::Instant now);

  void tick(base::Instant now);         // sends what is due
  base::Instant next_deadline() const;  // Instant::max(): nothing to send
  void flush_always();                  // shutdown: send at once
  bool idle() const;                    // nothing unsent, nothing unanswered
  // Frees what many changes left, when it is idle. Bytes, about.
  std::size_t trim();

  // Everything that was reported to us before this instant, or was under way before it, is in the
  // log. Counts in ticks: what was reported between two ticks counts as reported at the first.
  base::Instant covered(base::Instant now) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sources
