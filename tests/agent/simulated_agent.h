// A whole agent in the simulated world, turned by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "config/config.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace agent {

// Puts everything under `patterns` from its beginning into `to`.
inline config::Flow simulated_flow(std::vector<std::string> patterns, config::Target to) {
  config::Flow flow;
  flow.name = "f";
  flow.from.patterns = std::move(patterns);
  flow.from.start = sources::Start::beginning;
  flow.to = std::move(to);
  return flow;
}

class SimulatedAgent {
 public:
  // `world`: with the files that are there when it starts. Outlives the agent.
  SimulatedAgent(sim::SimWorld& world, config::Config config, AgentOptions options = {})
      : world_(world), process_(world.start_process(1 + config.reactors)) {
    config.data_dir = "/data";
    std::vector<const io::Environment*> reactors;
    for (std::uint32_t i = 0; i <= config.reactors; ++i) {
      environments_.push_back(std::make_unique<io::Environment>(process_->environment(i)));
      if (i > 0) reactors.push_back(environments_.back().get());
    }
    process_->io(0).wait_by_advancing(true);
    auto made = Agent::create(config, std::move(options), *environments_[0], reactors);
    process_->io(0).wait_by_advancing(false);
    REQUIRE(made);
    agent_ = std::move(*made);
    agent_->control().start();
  }
  ~SimulatedAgent() {
    world_.crash(*process_, sim::Crash::process);
    agent_.reset();
  }
  SimulatedAgent(const SimulatedAgent&) = delete;
  SimulatedAgent& operator=(const SimulatedAgent&) = delete;

  Agent& operator*() { return *agent_; }
  Agent* operator->() { return agent_.get(); }
  sim::Process& process() { return *process_; }

  // One turn of everybody, or of the first `count` reactors; no time passes.
  void turn() { turn(agent_->reactors().size()); }
  void turn(std::size_t count) {
    agent_->control().tick();
    for (std::size_t i = 0; i < count; ++i) agent_->reactors()[i]->tick();
  }

  // The sum of all samples of that name.
  std::uint64_t sample(const std::string& name) const {
    std::uint64_t sum = 0;
    for (const base::Sample& each : agent_->samples()) {
      if (each.name == name) sum += each.value;
    }
    return sum;
  }

 private:
  sim::SimWorld& world_;
  std::unique_ptr<sim::Process> process_;
  std::vector<std::unique_ptr<io::Environment>> environments_;
  std::unique_ptr<Agent> agent_;
};

}  // namespace agent
