// What a seed draws before an agent's story begins: what happens in the agent's world, and how the
// agent is configured.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "config/config.h"
#include "tests/sim/sim_world.h"
#include "tests/sim/workload.h"

namespace sim {

inline constexpr const char* kDataDir = "/data";
inline constexpr const char* kLogDir = "/logs";

struct AgentDraw {
  std::vector<std::unique_ptr<Workload>> workloads;
  config::Config config;
  std::vector<std::size_t> read;  // flow → workload; two flows may read the same files (F23)
  std::optional<base::Duration> maintenance_interval{};
  bool device_changes = false;  // the logs' file system has another number after a restart (F20)

  // The stream of a flow.
  static std::string stream(std::size_t flow) { return "s" + std::to_string(flow); }
  std::string told() const;
};

// `only`: this workload by name, nothing else; empty: what the seed wants. `without`: as
// AgentSimOptions'.
AgentDraw draw_agent(SimWorld& world, const std::string& only, const std::string& without);

FaultPlan draw_store_faults(SimRandom& random);
FaultPlan draw_log_faults(SimRandom& random);

}  // namespace sim
