// CheckpointLog: the keyed log `_checkpoints` and the answers its writers wait for.
//
// Belongs to one reactor; the other reactors' checkpointers reach it by mail. Without a log (a run
// that keeps no state) every write is answered at once.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/number_notes.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "sources/checkpointer.h"
#include "sources/registrations.h"
#include "store/keyed_log.h"

namespace agent {

struct CheckpointLogCounters {
  base::Counter commits, commits_failed;  // writes that were answered
  base::Counter micros, micros_max;       // from write to answer, together and the longest
};

class CheckpointLog {
 public:
  // `error`: 0 or a positive errno. On the owner's thread.
  using Answer = std::move_only_function<void(int error)>;

  explicit CheckpointLog(std::unique_ptr<store::KeyedLog> log) : log_(std::move(log)) {}

  void attach(const io::Environment& environment);
  void write(sources::CheckpointWrite write, Answer answer);
  // Whether notes say of which files everything was read (sources::Checkpoint::whole). Only who
  // deletes files needs to know, and agents from before cannot read such notes. False at first.
  void note_whole(bool on) { notes_whole_ = on; }
  // Not synced.
  void write(const std::vector<NumberNote>& notes, Answer answer);
  // What it has of these flows' files, also what is on its way.
  std::vector<sources::Checkpoint> checkpoints(const std::set<std::string>& flows) const;
  // Did the flow ever run on this data directory? Without a log it never did.
  bool started_before(const std::string& flow) const;
  // From now on they did, durably.
  void note_started(const std::vector<std::string>& flows, Answer answer);
  // Answers when everything written so far survives a power cut.
  void make_durable(Answer answer);
  bool idle() const { return in_flight_.empty(); }
  const CheckpointLogCounters& counters() const { return counters_; }
  base::Instant next_deadline() const;
  void tick(base::Instant now);
  // Files of old segments, to remove off the reactor.
  std::vector<std::string> retire();
  bool may_retire() const { return log_ && log_->may_retire(); }

 private:
  struct InFlight {
    store::KeyedLog::Write write;
    Answer answer;
    CheckpointLog* log = nullptr;
    base::Instant started{};
    std::list<InFlight>::iterator self;
  };
  InFlight& take_off(bool synced, Answer answer);
  static void done(void* owner, store::KeyedLog::Write& write, int error);

  void count(const InFlight& entry, int error);

  std::unique_ptr<store::KeyedLog> log_;          // may be nullptr
  const io::Environment* environment_ = nullptr;  // from attach() on
  sources::Registrations registrations_;
  CheckpointLogCounters counters_;
  std::list<InFlight> in_flight_;
  bool notes_whole_ = false;
  bool unsynced_ = false;  // something was written since the last sync began
};

}  // namespace agent
