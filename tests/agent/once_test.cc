// Whole agents that read what is there and end (--once), in the simulator.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/agent.h"
#include "config/config.h"
#include "tests/agent/simulated_agent.h"
#include "tests/sim/sim_world.h"
#include "tests/sources/compressed_bytes.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

struct Scene {
  explicit Scene(std::uint64_t open_files_max) {
    config.reactors = 2;
    config.memory_bytes = 8 << 20;
    config.max_open_files = open_files_max;
    config.streams["s"] = {};
    config.flows.push_back(agent::simulated_flow({"/logs/*.log"}, config::StreamTarget{"s"}));
    config.flows.front().flush.age_max = 10ms;
    world.disk().put("/data/LOCK", "");
  }
  void start() {
    agent::AgentOptions options;
    options.once = true;
    options.maintenance_interval = 1s;
    agent.emplace(world, config, std::move(options));
  }
  // True: it ended.
  bool run(base::Duration time) {
    for (base::Duration each = 0ms; each < time; each += 10ms) {
      agent->turn();
      if ((*agent)->control().finished()) return true;
      world.clock().advance(10ms);
    }
    return false;
  }

  void stop() { agent.reset(); }
  std::uint64_t stored() const { return agent->sample("store_records_appended"); }
  std::size_t not_read() { return (*agent)->control().not_read(); }
  std::size_t said(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        world.log_lines(),
        [text](const std::string& line) { return line.find(text) != std::string::npos; }));
  }

  sim::SimWorld world{1};
  config::Config config;
  std::optional<agent::SimulatedAgent> agent;
};

}  // namespace

TEST_CASE("once: ends although as many files fail to be read as may be open", "[agent][once]") {
  const std::size_t bad = GENERATE(1, 3, 4, 5, 9);
  const std::size_t good = GENERATE(0, 1, 6);
  CAPTURE(bad, good);
  Scene scene(4);
  for (std::size_t i = 0; i < bad; ++i) {
    const std::string path = "/logs/bad" + std::to_string(i) + ".log";
    scene.world.disk().put(path, "bad\n");
    scene.world.faults().set(path, {.read_error = 1.0});
  }
  for (std::size_t i = 0; i < good; ++i) {
    scene.world.disk().put("/logs/good" + std::to_string(i) + ".log", "good\n");
  }
  scene.start();
  CHECK(scene.run(120s));
  CHECK(scene.stored() == good);
  CHECK(scene.not_read() == bad);
  for (std::size_t i = 0; i < bad; ++i) CHECK(scene.said("bad" + std::to_string(i) + ".log") > 0);
}

TEST_CASE("once: a file that can be read again, after a while, is read", "[agent][once]") {
  const bool text = GENERATE(true, false);  // else it is set aside
  CAPTURE(text);
  Scene scene(4);
  for (std::size_t i = 0; i < 9; ++i) {
    const std::string bytes = text ? "bad\n" : std::string(300, '\x01') + "\n";
    scene.world.disk().put("/logs/bad" + std::to_string(i) + ".log", bytes);
  }
  scene.world.faults().set("/logs/bad", {.read_error = 1.0});
  scene.start();
  CHECK_FALSE(scene.run(2s));
  scene.world.faults().set("/logs/bad", {});
  CHECK(scene.run(120s));
  CHECK(scene.stored() == (text ? 9 : 0));
  CHECK(scene.not_read() == 0);
}

TEST_CASE("once: of a compressed file that lacks something every run says so", "[agent][once]") {
  const bool damaged = GENERATE(false, true);
  CAPTURE(damaged);
  const std::string text = "one\ntwo\n";
  const std::string bytes = compressed::gzip(text);
  const std::string half =
      damaged ? compressed::gzip("one\n") + "something else" : bytes.substr(0, bytes.size() - 4);
  Scene scene(0);
  scene.config.flows.front().from.compressed = sources::CompressedFiles::read;
  scene.world.disk().put("/logs/a.log", half);
  scene.world.disk().put("/logs/whole.log", bytes);
  for (std::size_t run = 1; run <= 3; ++run) {
    CAPTURE(run);
    scene.start();
    CHECK(scene.run(120s));
    CHECK(scene.not_read() == 1);
    CHECK(scene.said("a.log") >= run);
    CHECK(scene.said(damaged ? "is damaged" : "ends in the middle") == run);
    scene.stop();
  }
  scene.world.disk().truncate(*scene.world.disk().find("/logs/a.log"),
                              half.size() - (damaged ? 14 : 0));
  if (!damaged) {
    scene.world.disk().append(*scene.world.disk().find("/logs/a.log"),
                              bytes.substr(bytes.size() - 4));
  }
  for (int run = 0; run < 2; ++run) {
    scene.start();
    CHECK(scene.run(120s));
    CHECK(scene.not_read() == 0);
    scene.stop();
  }
}
