// Reloads of a whole agent in the simulator, where all happens in an order one can choose.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agent/agent.h"
#include "agent/reload.h"
#include "config/config.h"
#include "tests/agent/simulated_agent.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

config::Flow flow(const std::string& name, const std::string& pattern, config::Target to) {
  config::Flow made = agent::simulated_flow({pattern}, std::move(to));
  made.name = name;
  made.flush.age_max = 10ms;
  return made;
}

class Scene {
 public:
  explicit Scene(config::Config config) : wanted(std::move(config)) {
    wanted.reactors = 2;
    wanted.memory_bytes = 8 << 20;
    world.disk().put("/data/LOCK", "");
  }
  void start() {
    agent::AgentOptions options;
    options.maintenance_interval = 1s;
    options.reload =
        agent::ReloadSource{.path = "wanted", .load = [this]() -> base::Result<config::Loaded> {
                              return config::Loaded{.config = wanted, .mistakes = {}, .text = {}};
                            }};
    agent.emplace(world, wanted, std::move(options));
  }
  void reload() {
    wanted.data_dir = "/data";
    (*agent)->control().reload()->request(
        [this](const agent::Reload::Outcome& outcome) { said = outcome.text; });
  }
  void run(base::Duration time) {
    for (base::Duration each = 0ms; each < time; each += 10ms) {
      agent->turn();
      world.clock().advance(10ms);
    }
  }

  sim::SimWorld world{1};
  config::Config wanted;
  std::optional<agent::SimulatedAgent> agent;
  std::string said;
};

}  // namespace

TEST_CASE("reload: what is old is removed while a flow cannot go", "[agent][reload]") {
  config::Config config;
  store::ShardOptions& options = config.streams["s"].options;
  options.segment_bytes_max = 4096;
  options.retention_bytes = 8192;
  config.flows.push_back(flow("goes on", "/logs/a.log", config::StreamTarget{"s"}));
  config.flows.push_back(flow("cannot go", "/logs/b.log", config::FileTarget{"/out/file"}));
  Scene scene(std::move(config));
  scene.world.disk().put("/logs/a.log", "one\n");
  scene.world.disk().put("/logs/b.log", "nobody takes this\n");
  scene.world.disk().put("/out/file", "");
  scene.world.disk().deny(*scene.world.disk().find("/out/file"), true);
  scene.start();
  scene.run(1s);
  scene.wanted.flows.pop_back();
  scene.reload();
  scene.run(1s);
  REQUIRE((*scene.agent)->control().reload()->status().leaving.size() == 1);
  for (int i = 0; i < 50; ++i) {
    std::string text;
    for (int line = 0; line < 50; ++line) text += std::to_string(i * line * 7919) + " line\n";
    scene.world.disk().append(*scene.world.disk().find("/logs/a.log"), text);
    scene.run(100ms);
  }
  scene.run(3s);
  REQUIRE((*scene.agent)->control().reload()->status().leaving.size() == 1);
  CHECK(scene.agent->sample("store_segments_created") > 3);
  CHECK(scene.agent->sample("store_segments_retired") > 0);
  scene.world.disk().deny(*scene.world.disk().find("/out/file"), false);
  scene.run(100s);
  CHECK(scene.said == "wanted: taken over, flows added 0, removed 1, changed 0\n");
}

TEST_CASE("reload: what is written and deleted while another file keeps the flow is read",
          "[agent][reload]") {
  const auto path = [](std::size_t i) { return "/logs/" + std::string(1 + i, 'x') + ".log"; };
  constexpr std::size_t kFiles = 8;  // on both reactors
  config::Config config;
  config.streams["s"] = {};
  config.flows.push_back(flow("f", "/logs/*.log", config::StreamTarget{"s"}));
  Scene scene(std::move(config));
  for (std::size_t i = 0; i < kFiles; ++i) scene.world.disk().put(path(i), "one\n");
  scene.start();
  scene.run(2s);
  REQUIRE(scene.agent->sample("store_records_appended") == kFiles);
  const sim::OpenFile writer(scene.world.disk(), scene.world.disk().find(path(0)));
  scene.world.disk().remove(path(0));
  scene.run(1s);
  scene.wanted.flows.back().program.framer.line_bytes_max = 1000;
  scene.reload();
  scene.run(10s);
  REQUIRE(scene.said.empty());
  for (std::size_t i = 1; i < kFiles; ++i) {
    scene.world.disk().append(*scene.world.disk().find(path(i)), "two\n");
    scene.run(20ms);
    scene.world.disk().remove(path(i));
  }
  scene.run(100s);
  CHECK(scene.said == "wanted: taken over, flows added 0, removed 0, changed 1\n");
  CHECK(scene.agent->sample("store_records_appended") == kFiles + kFiles - 1);
  CHECK(scene.agent->sample("files_open") == 0);
}

TEST_CASE("reload: no file is deleted that a flow on its way has to read (F67)",
          "[agent][reload]") {
  config::Config config;
  config.streams["s"] = {};
  config.flows.push_back(flow("deletes", "/logs/a*.log", config::StreamTarget{"s"}));
  config.flows.push_back(flow("reads", "/logs/b.log", config::StreamTarget{"s"}));
  config.flows.push_back(flow("cannot go", "/logs/c.log", config::FileTarget{"/out/file"}));
  config.flows.front().from.delete_after = 2s;
  for (config::Flow& each : config.flows) {
    each.from.reconcile_interval = 1s;
    each.tail.close_inactive = 100ms;
  }
  Scene scene(std::move(config));
  scene.world.disk().put("/logs/b.log", "one\n");
  scene.world.disk().put("/logs/c.log", "nobody takes this\n");
  scene.world.disk().put("/out/file", "");
  scene.world.disk().deny(*scene.world.disk().find("/out/file"), true);
  scene.start();
  scene.run(1s);
  scene.world.disk().put("/logs/a1.log", "one\n");
  scene.run(10s);
  REQUIRE_FALSE(scene.world.disk().exists("/logs/a1.log"));
  // Of two that change one cannot go yet, and the other comes back with other files.
  scene.wanted.flows.pop_back();
  scene.wanted.flows[1].from.patterns = {"/logs/[ab]*.log"};
  scene.world.disk().put("/logs/a2.log", "two\n");
  scene.reload();
  scene.run(30s);
  REQUIRE(scene.said.empty());
  CHECK(scene.world.disk().exists("/logs/a2.log"));
  CHECK(scene.agent->sample("files_removed") == 1);
  scene.world.disk().deny(*scene.world.disk().find("/out/file"), false);
  scene.run(100s);
  REQUIRE_FALSE(scene.said.empty());
  CHECK(scene.agent->sample("store_records_appended") == 4);  // by both
  CHECK_FALSE(scene.world.disk().exists("/logs/a2.log"));
  CHECK(scene.agent->sample("files_removed") == 2);
}

TEST_CASE(
    "reload: of what was read before a flow deletes files nothing goes, on all reactors (F67)",
    "[agent][reload]") {
  constexpr std::size_t kFiles = 8;  // on both reactors
  config::Config config;
  config.streams["s"] = {};
  config.flows.push_back(flow("reads", "/logs/*.log", config::StreamTarget{"s"}));
  config.flows.front().from.reconcile_interval = 1s;
  config.flows.front().tail.close_inactive = 100ms;
  Scene scene(std::move(config));
  const auto path = [](const char* name, std::size_t i) {
    return name + std::to_string(i) + ".log";
  };
  for (std::size_t i = 0; i < kFiles; ++i) scene.world.disk().put(path("/logs/a", i), "one\n");
  scene.start();
  scene.run(2s);
  REQUIRE(scene.agent->sample("store_records_appended") == kFiles);
  config::Flow deletes = scene.wanted.flows.front();
  deletes.name = "deletes";
  deletes.from.delete_after = 2s;
  scene.wanted.flows.push_back(std::move(deletes));
  scene.reload();
  scene.run(10s);
  REQUIRE(scene.said == "wanted: taken over, flows added 1, removed 0, changed 0\n");
  for (std::size_t i = 0; i < kFiles; ++i) scene.world.disk().put(path("/logs/b", i), "two\n");
  scene.run(30s);
  for (std::size_t i = 0; i < kFiles; ++i) {
    CHECK(scene.world.disk().exists(path("/logs/a", i)));
    CHECK_FALSE(scene.world.disk().exists(path("/logs/b", i)));
  }
  CHECK(scene.agent->sample("files_removed") == kFiles);
}
