// Faults: what goes wrong, how often, and where. A plan is a set of probabilities; rules give plans
// to parts of the tree; one switch turns all of it off, so that a test can ask what is true once
// the world behaves again.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "tests/sim/sim_random.h"

namespace sim {

struct FaultPlan {         // probabilities per operation, 0 … 1
  double short_read = 0;   // Io::read gives fewer bytes than there are
  double read_error = 0;   // EIO; the next read of the same handle works
  double write_error = 0;  // EIO, after any part was written
  double write_full = 0;   // ENOSPC, after any part was written
  double sync_error = 0;   // EIO; what was dirty is from then on clean in memory, not on the device
  double open_error = 0;   // EMFILE
  double look_error = 0;   // EACCES from list and status
  double race = 0;         // other programs act between a list or status and its answer
  double change_error = 0;    // EIO from rename, remove, make_directories, sync_directory
  double watch_loss = 0;      // a watch event is not told
  double watch_overflow = 0;  // the watch's queue is lost, an overflow event stands for it
  double reset = 0;           // a connection is reset
  double delay = 0;           // a completion takes up to delay_max
  base::Duration delay_max = std::chrono::milliseconds(50);
};

class Faults {
 public:
  explicit Faults(SimRandom& random) : random_(random) {}

  // Paths that start with `prefix` follow `plan`; the longest prefix wins. "" is the default for
  // all.
  void set(std::string prefix, const FaultPlan& plan) {
    for (Rule& rule : rules_) {
      if (rule.prefix == prefix) {
        rule.plan = plan;
        return;
      }
    }
    rules_.push_back({std::move(prefix), plan});
  }
  void switch_on(bool on) { on_ = on; }
  bool on() const { return on_; }

  // Stays valid, and follows later changes by set().
  const FaultPlan& plan(std::string_view path) const {
    const Rule* best = nullptr;
    for (const Rule& rule : rules_) {
      if (path.starts_with(rule.prefix) &&
          (best == nullptr || rule.prefix.size() > best->prefix.size())) {
        best = &rule;
      }
    }
    return best == nullptr ? none_ : best->plan;
  }

  // Does this one happen now? Counts it if so.
  bool strike(double probability) {
    if (!on_ || !random_.chance(probability)) return false;
    ++strikes_;
    return true;
  }
  std::uint64_t strikes() const { return strikes_; }
  // Syncs of files that failed, heard of or not: after each the kernel may have dropped what was
  // only written.
  void note_failed_sync() { ++failed_syncs_; }
  std::uint64_t failed_syncs() const { return failed_syncs_; }

 private:
  struct Rule {
    std::string prefix;
    FaultPlan plan;
  };
  SimRandom& random_;
  std::deque<Rule> rules_;  // plans are referred to: they must not move
  FaultPlan none_;
  std::uint64_t strikes_ = 0;
  std::uint64_t failed_syncs_ = 0;
  bool on_ = true;
};

}  // namespace sim
