// Agent: a configuration brought to life: owns the store, the reactors and the control. Makes no
// threads: runner.h gives it real ones, the simulator ticks it by hand.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/conservation.h"
#include "agent/control.h"
#include "agent/reactor.h"
#include "agent/reload_source.h"
#include "agent/status.h"
#include "base/metrics.h"
#include "base/result.h"
#include "config/config.h"
#include "io/environment.h"
#include "pipeline/budget.h"
#include "store/data_dir.h"
#include "store/packing.h"
#include "store/shard.h"

namespace agent {

class Wiring;

struct AgentOptions {
  bool once = false;            // read to the end of what is there, make it durable, finish
  bool control_socket = false;  // listen on <data_dir>/control.sock
  // How often at least what is old is forgotten and removed; none: as often as Control does it.
  std::optional<base::Duration> maintenance_interval{};
  std::uint64_t descriptors_max = 0;          // the process may have open; 0: as many as it likes
  std::vector<sources::Checkpoint> start_at;  // where to begin in files that have no state
  std::optional<ReloadSource> reload{};       // none: the configuration stays as it is
};

class Agent {
 public:
  // Opens the store, takes its lock, wires everything; nothing runs yet. Blocking. `control` and
  // `reactors` (one per reactor, each used by its own thread only) outlive the agent.
  static base::Result<std::unique_ptr<Agent>> create(
      const config::Config& config, AgentOptions options, const io::Environment& control,
      std::span<const io::Environment* const> reactors);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  ~Agent();

  Control& control() { return *control_; }
  std::span<const std::unique_ptr<Reactor>> reactors() const { return reactors_; }

  // After a clean stop, when no reactor ticks any more: notes on disk that all is delivered, so
  // that damage that comes later can be told from an append that was never finished. Blocking.
  void note_settled();

  // `quiet`: no reactor has anything under way.
  Conservation conservation(bool quiet) const;

  // As Control::survey, but with every counter as of then.
  bool status(bool all, std::move_only_function<void(AgentStatus status)> done);

  // Every counter, summed over reactors, sorted by name and labels. Control thread.
  base::Samples samples() const;

 private:
  friend class Wiring;
  Agent() = default;
  static constexpr std::size_t kBlocksPerHelper = 4;
  void share_packing();

  // Destroyed in reverse: what is used outlives its users.
  std::unique_ptr<Wiring> wiring_;
  std::optional<store::DataDir> data_dir_;
  std::optional<store::PackingBoard> packing_;
  std::vector<std::unique_ptr<store::Shard>> shards_;
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::vector<std::unique_ptr<pipeline::Budget>> budgets_;  // one per flow, by its number
  std::unique_ptr<Control> control_;
};

}  // namespace agent
