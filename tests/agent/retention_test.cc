// Segments that are too old, in the whole agent in the simulator.
#include <algorithm>
#include <chrono>
#include <string>

#include "agent/agent.h"
#include "config/config.h"
#include "tests/agent/simulated_agent.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

config::Config short_lived() {
  config::Config config;
  config.reactors = 1;
  config.streams["s"] = {};
  config.streams["s"].options.compression = store::Compression::none;
  config.streams["s"].options.segment_bytes_max = 64 << 10;
  config.streams["s"].options.retention_age = 1h;
  config.flows.push_back(agent::simulated_flow({"/log/*"}, config::StreamTarget{"s"}));
  return config;
}

}  // namespace

TEST_CASE("retention: a segment that cannot be removed is told of once, until it works again",
          "[agent]") {
  sim::SimWorld world(1);
  world.disk().put("/log/a", "");
  agent::SimulatedAgent agent(world, short_lived());
  const auto pass = [&](base::Duration time) {
    const base::Instant end = world.clock().monotonic() + time;
    while (world.clock().monotonic() < end) {
      world.advance(agent.process(), end - world.clock().monotonic());
      for (int i = 0; i < 20; ++i) agent.turn();
    }
  };
  const auto fill = [&] {
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 80; ++i) {
        world.disk().append(*world.disk().find("/log/a"), std::string(999, 'x') + "\n");
      }
      pass(1min);
    }
  };
  const auto told = [&] {
    return std::ranges::count_if(world.log_lines(), [](const std::string& line) {
      return line.find("cannot remove old segment") != std::string::npos;
    });
  };
  const std::string directory = "/data/s/";
  for (int times = 1; times <= 2; ++times) {
    fill();
    world.faults().set(directory, {.change_error = 1});
    pass(3h);
    CHECK(told() == times);
    world.faults().set(directory, {});
    pass(1h);
    CHECK(told() == times);
  }
}
