// What the agent does when it has nothing to do, and what it does not do: in the simulated world,
// so that an hour takes no time.
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "agent/agent.h"
#include "config/config.h"
#include "tests/agent/simulated_agent.h"
#include "tests/sim/fifo.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

config::Config reading_into(config::Target target) {
  config::Config config;
  config.reactors = 1;
  config.streams["s"] = {};
  config.flows.push_back(agent::simulated_flow({"/log/*"}, std::move(target)));
  return config;
}

config::Config thrown_away() { return reading_into(config::NullTarget{}); }

struct IdleAgent {
  explicit IdleAgent(
      config::Config config, agent::AgentOptions options = {},
      const std::function<void(sim::SimWorld&)>& prepare = [](sim::SimWorld&) {}) {
    world.disk().put("/log/a", "one\ntwo\n");
    prepare(world);
    agent.emplace(world, std::move(config), std::move(options));
  }

  void turns() {
    for (int i = 0; i < 20; ++i) agent->turn();
  }

  // At how many moments, a second or more apart, somebody had something to do.
  std::uint64_t wake_ups(base::Duration how_long) {
    const base::Instant end = world.clock().monotonic() + how_long;
    base::Instant last = base::Instant::min();
    std::uint64_t count = 0;
    while (world.clock().monotonic() < end) {
      const bool woken = world.advance(agent->process(), end - world.clock().monotonic());
      const base::Instant now = world.clock().monotonic();
      if (woken && (last == base::Instant::min() || now - last >= 1s)) {
        ++count;
        last = now;
      }
      turns();
    }
    return count;
  }

  sim::SimWorld world{1};
  std::optional<agent::SimulatedAgent> agent;
};

}  // namespace

TEST_CASE("an agent that has nothing to do wakes up when files are searched for, and only then",
          "[agent]") {
  const bool stored = GENERATE(false, true);
  config::Config config = stored ? reading_into(config::StreamTarget{"s"}) : thrown_away();
  config.flows[0].tail.partial_line_timeout = 0s;
  IdleAgent idle(std::move(config));
  idle.world.disk().put("/log/unfinished", "half");
  idle.wake_ups(5min);
  CHECK(idle.agent->sample("records_delivered") == 2);
  const std::uint64_t scans = idle.agent->sample("scans");
  const std::uint64_t wake_ups = idle.wake_ups(60min);
  const std::uint64_t searched = idle.agent->sample("scans") - scans;
  CHECK(searched >= 59);
  CHECK(searched <= 61);
  CHECK(wake_ups <= searched + 1);
  // Still there, and on time.
  idle.world.disk().put("/log/b", "three\n");
  idle.wake_ups(1min + 1s);
  CHECK(idle.agent->sample("records_delivered") == 3);
}

TEST_CASE("an agent whose FIFO is silent wakes up when files are searched for, and only then",
          "[agent]") {
  config::Config config = thrown_away();
  config.flows.push_back(agent::simulated_flow({}, config::NullTarget{}));
  config.flows.back().name = "p";
  config.flows.back().pipe = sources::PipeInput{.fifo = "/pipe"};
  IdleAgent idle(std::move(config), {},
                 [](sim::SimWorld& world) { REQUIRE(world.disk().make_fifo("/pipe") == 0); });
  sim::FifoWriter writer(idle.world.disk().find("/pipe")->fifo);
  writer.write("three\n");
  idle.wake_ups(5min);
  CHECK(idle.agent->sample("records_delivered") == 3);
  const std::uint64_t scans = idle.agent->sample("scans");
  const std::uint64_t wake_ups = idle.wake_ups(60min);
  CHECK(wake_ups <= idle.agent->sample("scans") - scans + 1);
}

TEST_CASE("an agent that has nothing to do looks after deleted files as often as they need it",
          "[agent]") {
  struct Case {
    base::Duration age;  // half of it is the interval
    std::uint64_t least, most;
  };
  // An hour has 60 searches; of 102 looks every 35 s, 8 are at the same time.
  const Case wanted = GENERATE(Case{70s, 150, 158}, Case{120s, 59, 61});
  config::Config wish = thrown_away();
  wish.flows[0].tail.deleted_age_max = wanted.age;
  IdleAgent idle(wish);
  idle.wake_ups(5min);
  const std::uint64_t wake_ups = idle.wake_ups(60min);
  CHECK(wake_ups >= wanted.least);
  CHECK(wake_ups <= wanted.most);
}

TEST_CASE("an agent that reads what is there watches nothing", "[agent]") {
  IdleAgent watching(thrown_away());
  CHECK(watching.agent->sample("watches") > 0);
  agent::AgentOptions options;
  options.once = true;
  IdleAgent once(thrown_away(), std::move(options));
  CHECK(once.agent->sample("watches") == 0);
  once.turns();
  CHECK(once.agent->sample("records_read") == 2);
}
