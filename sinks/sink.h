// Sink: makes groups of batches safe somewhere. One virtual call per flush, never per record.
//
// Belongs to the reactor that owns the outlet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/ids.h"
#include "pipeline/batch.h"

namespace sinks {

enum class Outcome : std::uint8_t {
  delivered,  // safe: survives what the sink's own documentation says it survives
  retry,      // not now: a full disk, a time-out; nothing of the group counts as stored
  rejected,   // never: this group as it is will be refused again
};

struct Group {  // one outlet's batches, in order
  std::span<pipeline::Batch* const> batches;
  void* owner = nullptr;
  // Called exactly once, on this reactor; from inside deliver() only by a sink that has nothing to
  // wait for. `retry_after`: how long the other side asked us to wait; 0: it did not say.
  void (*done)(void* owner, Group& group, Outcome outcome, base::Duration retry_after) = nullptr;
  void* sink_state = nullptr;  // the sink's own while it has the group
};

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  // Starts making `group` safe. `group`, its batches and their bytes stay in place until `done`.
  // Groups are made safe in the order they were given. When one answers `retry` or `rejected`, all
  // later ones that were out answer `retry`, so that nothing overtakes it. Batches that are given
  // again come in the same order and before any newer one, but not always in the same groups.
  virtual void deliver(Group& group) = 0;
  // How many groups may be out at once. Constant.
  virtual std::size_t groups_max() const { return 1; }
  // Why the last group that was not delivered was not, for an operator: "No space left on device".
  virtual std::string reason() const { return {}; }
  // The other side has left for good: nothing will ever be delivered again.
  virtual bool gone() const { return false; }
};

}  // namespace sinks
