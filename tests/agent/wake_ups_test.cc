// What the agent does when it has nothing to do, and what it does not do: in the simulated world,
// so that an hour takes no time.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "config/config.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

struct IdleAgent {
  explicit IdleAgent(agent::AgentOptions options = {}) {
    world.disk().put("/log/a", "one\ntwo\n");
    config::Flow flow;
    flow.name = "f";
    flow.from.patterns = {"/log/*"};
    flow.from.start = sources::Start::beginning;
    flow.to = config::NullTarget{};
    config.data_dir = "/data";
    config.reactors = 1;
    config.flows.push_back(std::move(flow));
    process->io(0).wait_by_advancing(true);
    auto made = agent::Agent::create(config, std::move(options), control, reactors);
    process->io(0).wait_by_advancing(false);
    REQUIRE(made);
    agent = std::move(*made);
    agent->control().start();
  }

  ~IdleAgent() {
    world.crash(*process, sim::Crash::process);
    agent.reset();
  }

  void turn() {
    for (int i = 0; i < 20; ++i) {
      agent->control().tick();
      agent->reactors()[0]->tick();
    }
  }

  // At how many moments, a second or more apart, somebody had something to do.
  int wake_ups(base::Duration how_long) {
    const base::Instant end = world.clock().monotonic() + how_long;
    base::Instant last = base::Instant::min();
    int count = 0;
    while (world.clock().monotonic() < end) {
      const bool woken = world.advance(*process, end - world.clock().monotonic());
      const base::Instant now = world.clock().monotonic();
      if (woken && (last == base::Instant::min() || now - last >= 1s)) {
        ++count;
        last = now;
      }
      turn();
    }
    return count;
  }

  std::uint64_t sample(const std::string& name) const {
    std::uint64_t sum = 0;
    for (const base::Sample& each : agent->samples()) {
      if (each.name == name) sum += each.value;
    }
    return sum;
  }

  sim::SimWorld world{1};
  std::unique_ptr<sim::Process> process = world.start_process(2);
  io::Environment control = process->environment(0);
  io::Environment reactor = process->environment(1);
  std::vector<const io::Environment*> reactors{&reactor};
  config::Config config;
  std::unique_ptr<agent::Agent> agent;
};

}  // namespace

TEST_CASE("an agent that has nothing to do wakes up when files are searched for, and only then",
          "[agent]") {
  IdleAgent idle;
  idle.wake_ups(5min);
  CHECK(idle.sample("records_delivered") == 2);
  const std::uint64_t scans = idle.sample("scans");
  const int wake_ups = idle.wake_ups(60min);
  const std::uint64_t searched = idle.sample("scans") - scans;
  CHECK(searched >= 59);
  CHECK(searched <= 61);
  CHECK(static_cast<std::uint64_t>(wake_ups) <= searched + 1);
  // Still there, and on time.
  idle.world.disk().put("/log/b", "three\n");
  idle.wake_ups(1min + 1s);
  CHECK(idle.sample("records_delivered") == 3);
}

TEST_CASE("an agent that reads what is there watches nothing", "[agent]") {
  IdleAgent watching;
  CHECK(watching.sample("watches") > 0);
  agent::AgentOptions options;
  options.once = true;
  IdleAgent once(std::move(options));
  CHECK(once.sample("watches") == 0);
  once.turn();
  CHECK(once.sample("records_read") == 2);
}
