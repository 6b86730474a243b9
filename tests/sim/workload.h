// Workload: programs whose lines a flow reads in a simulation, and the memory of what they wrote.
//
// What they write is durable at once, so a power cut takes from the agent only. They act while
// everything goes wrong, and between two of the agent's looks at the same thing (FaultPlan::race);
// each F rule's race is some workload's act (docs/design/0011-races.md).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "config/config.h"
#include "tests/sim/sim_random.h"

namespace sim {

// One look at everything a stream holds, shard by shard. What is returned says what is wrong with
// it; empty: nothing.
class Look {
 public:
  virtual ~Look() = default;
  virtual void begin_shard() = 0;
  virtual std::string take(std::string_view record) = 0;
  // After the last record. Empty: all that must be there is.
  virtual std::string missing() const = 0;
};

class Workload {
 public:
  Workload() = default;
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  virtual ~Workload() = default;

  // Says what the flow reads and how; before the first act.
  virtual void describe(config::Flow& flow) = 0;
  virtual std::string told() const = 0;  // what was drawn, for the trace
  virtual std::uint32_t shards_max() const { return 4; }

  // Only with times of birth can its files be told from others that have their numbers by now.
  virtual bool needs_births() const { return false; }
  // `others`: workloads beside it, whose losses some counters add to its own.
  virtual void set_beside(std::size_t /*others*/) {}
  // Its files are known under another device number, too.
  virtual bool may_change_device() const { return true; }

  // What it expects depends on the date no more than by hours.
  virtual bool may_change_year() const { return true; }

  virtual void act() = 0;     // one of the programs does something
  virtual void finish() = 0;  // trouble is over: what was begun gets its end
  virtual void let_go() {}    // of every file: before a power cut
  // Files that must be found too old before anything counts as settled: who was never looked at may
  // rightly be read from its beginning when it is written to.
  virtual std::uint64_t ignored() const { return 0; }
  // Everything written so far is stored: a race that needs a quiet agent may be run. `turns` gives
  // the agent up to so many. True: it was run, and must settle.
  using Turns = std::function<void(std::uint64_t most)>;
  virtual bool race_in_calm(const Turns& /*turns*/) { return false; }
  // Everything written so far is stored: what destroys bytes that were read may happen now.
  virtual void all_stored() {}
  // The agent's process dies now, or has stopped: `samples` are its last ones.
  virtual void agent_gone(const config::Flow& /*flow*/, const base::Samples& /*samples*/,
                          bool /*politely*/) {}
  // A flow that reads it may go, or has been away: what was nobody's then was not counted.
  virtual void flow_gone() {}
  // When all that `look` saw is settled: do the agent's counters say the same? Empty: they do.
  virtual std::string audit(const config::Flow& /*flow*/, const base::Samples& /*samples*/,
                            const Look& /*look*/) const {
    return {};
  }

  virtual std::unique_ptr<Look> look() const = 0;
  virtual std::uint64_t lines() const = 0;  // written
};

}  // namespace sim
