#include "agent/agent.h"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/wiring.h"

namespace agent {

base::Result<std::unique_ptr<Agent>> Agent::create(
    const config::Config& config, AgentOptions options, const io::Environment& control,
    std::span<const io::Environment* const> reactors) {
  // What has ended is all there will ever be.
  const auto other = std::ranges::find_if(config.flows, [](const config::Flow& flow) {
    return !flow.pipe || !flow.pipe->standard_input();
  });
  if (!config.flows.empty() && other == config.flows.end()) options.once = true;
  std::unique_ptr<Agent> agent(new Agent);
  Wiring wiring(config, options, control, *agent);
  TRY_VOID(wiring.open_store());
  wiring.make_reactors(reactors);
  TRY_VOID(wiring.connect_flows());
  return agent;
}

Agent::~Agent() = default;

void Agent::note_settled() {
  for (const auto& shard : shards_) shard->note_settled();
}

Conservation Agent::conservation(bool quiet) const { return agent::conservation(reactors_, quiet); }

base::Samples Agent::samples() const {
  base::Samples all;
  const Conservation records = conservation(false);
  all.push_back({"records_in_flight", "", records.in_flight});
  all.push_back({"records_unaccounted", "", records.unaccounted});
  for (const auto& reactor : reactors_) reactor->describe(all);
  control_->describe(all);
  std::map<std::pair<std::string, std::string>, std::uint64_t> sums;
  for (const base::Sample& sample : all) sums[{sample.name, sample.labels}] += sample.value;
  base::Samples result;
  result.reserve(sums.size());
  for (const auto& [key, value] : sums) result.push_back({key.first, key.second, value});
  return result;
}

}  // namespace agent
