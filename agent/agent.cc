#include "agent/agent.h"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/number_notes.h"
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
  agent->share_packing();
  TRY_VOID(wiring.connect_flows());
  return agent;
}

Agent::~Agent() = default;

// Whoever sleeps while another has blocks to compress is woken to help.
void Agent::share_packing() {
  packing_.emplace(reactors_.size(), [this](std::size_t offering) {
    for (std::size_t i = 0; i < reactors_.size(); ++i) {
      if (i != offering) reactors_[i]->doorbell().ring();
    }
  });
  for (std::size_t i = 0; i < reactors_.size(); ++i) reactors_[i]->set_packing(packing_->seat(i));
}

void Agent::note_settled(const io::Environment& control) {
  std::vector<NumberNote> notes;
  for (const auto& shard : shards_) {
    shard->note_settled();
    notes.push_back(note_of(*shard));
  }
  reactors_.front()->checkpoint_log()->write_last(std::move(notes), control);
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
