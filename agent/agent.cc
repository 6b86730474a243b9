#include "agent/agent.h"

#include <algorithm>
#include <utility>

#include "agent/number_notes.h"
#include "agent/reload.h"
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
  std::optional<ReloadSource> reload = std::exchange(options.reload, std::nullopt);
  agent->wiring_ = std::make_unique<Wiring>(config, std::move(options), control, *agent);
  Wiring& wiring = *agent->wiring_;
  TRY_VOID(wiring.open_store());
  wiring.make_reactors(reactors);
  agent->share_packing();
  if (reload) {
    agent->control_->set_reload(
        std::make_unique<Reload>(*agent, wiring, control, std::move(*reload)));
  }
  TRY_VOID(wiring.connect_flows());
  return agent;
}

Agent::~Agent() = default;

// Whoever sleeps while another has blocks to compress is woken to help; as many as there is enough
// for, one after the other. A reactor's own place in that round is touched on its thread only.
void Agent::share_packing() {
  packing_.emplace(reactors_.size(), [this, next = std::vector<std::size_t>(reactors_.size())](
                                         std::size_t offering) mutable {
    const std::size_t others = reactors_.size() - 1;
    const std::size_t enough = packing_->seat(offering).offered_blocks() / kBlocksPerHelper;
    for (std::size_t i = std::min(std::max<std::size_t>(enough, 1), others); i > 0; --i) {
      const std::size_t step = 1 + next[offering]++ % others;
      reactors_[(offering + step) % reactors_.size()]->doorbell().ring();
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
    if (const Reload* const reload = control_->reload()) status.reload = reload->status();
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
