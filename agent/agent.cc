#include "agent/agent.h"

#include <algorithm>
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

void Agent::note_settled() {
  for (const auto& shard : shards_) shard->note_settled();
}

Conservation Agent::conservation(bool quiet) const { return agent::conservation(reactors_, quiet); }

bool Agent::status(bool all, std::move_only_function<void(AgentStatus status)> done) {
  return control_->survey(all, [this, d = std::move(done)](AgentSurvey survey) mutable {
    AgentStatus status;
    status.running_for = control_->running_for();
    status.backend = reactors_.front()->environment().io.name();
    status.reactors = reactors_.size();
    status.samples = samples();
    describe(status.samples, survey);
    status.samples = base::added_up(std::move(status.samples));
    status.survey = std::move(survey);
    d(std::move(status));
  });
}

base::Samples Agent::samples() const {
  base::Samples all;
  const Conservation records = conservation(false);
  using Kind = base::Sample::Kind;
  all.push_back({"records_in_flight", "", records.in_flight.records, Kind::gauge});
  all.push_back({"bytes_in_flight", "", records.in_flight.bytes, Kind::gauge});
  all.push_back({"records_unaccounted", "", records.unaccounted.records, Kind::gauge});
  all.push_back({"bytes_unaccounted", "", records.unaccounted.bytes, Kind::gauge});
  for (const auto& reactor : reactors_) reactor->describe(all);
  control_->describe(all);
  return added_up(std::move(all));
}

}  // namespace agent
