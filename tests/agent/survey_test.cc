// Surveys of a whole agent in the simulator, where a reactor stands still when nobody turns it.
#include "agent/survey.h"

#include <chrono>
#include <optional>
#include <vector>

#include "agent/agent.h"
#include "config/config.h"
#include "tests/agent/simulated_agent.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

config::Config config() {
  config::Config config;
  config.reactors = 2;
  config.memory_bytes = 4 << 20;
  config.streams["s"] = {};
  config.flows.push_back(agent::simulated_flow({"/logs/*.log"}, config::StreamTarget{"s"}));
  config.flows.back().flush.age_max = 10ms;
  return config;
}

class Scene {
 public:
  Scene() {
    world_.disk().put("/logs/a.log", "one\ntwo\nhalf");
    world_.disk().put("/data/LOCK", "");
    agent_.emplace(world_, config());
  }

  agent::Agent& agent() { return **agent_; }
  // A second of simulated time, with or without the second reactor.
  void run(bool all_turn) {
    for (int i = 0; i < 100; ++i) {
      agent_->turn(all_turn ? 2 : 1);
      world_.clock().advance(10ms);
    }
  }

 private:
  sim::SimWorld world_{1};
  std::optional<agent::SimulatedAgent> agent_;
};

}  // namespace

TEST_CASE("survey: everybody answers, and the sum is the whole", "[agent][survey]") {
  Scene scene;
  for (int i = 0; i < 5; ++i) scene.run(true);
  std::optional<agent::AgentStatus> status;
  REQUIRE(scene.agent().status(true, [&](agent::AgentStatus s) { status = std::move(s); }));
  CHECK_FALSE(status);  // never from inside
  scene.run(true);
  REQUIRE(status);
  CHECK(status->survey.silent.empty());
  REQUIRE(status->survey.flows.size() == 1);
  const agent::FlowSurvey& flow = status->survey.flows[0];
  CHECK(flow.files.files == 1);
  CHECK(flow.files.behind == 1);
  CHECK(flow.files.lag_bytes == 4);
  CHECK(flow.queue_records == 0);
  REQUIRE(flow.files.list.size() == 1);
  CHECK(flow.files.list[0].path == "/logs/a.log");
  CHECK(flow.files.list[0].offset == 8);
}

TEST_CASE("survey: who does not answer is named, and the others are told", "[agent][survey]") {
  Scene scene;
  scene.run(true);
  std::optional<agent::AgentStatus> status;
  REQUIRE(scene.agent().status(false, [&](agent::AgentStatus s) { status = std::move(s); }));
  scene.run(false);
  CHECK_FALSE(status);
  scene.run(false);
  scene.run(false);
  REQUIRE(status);
  CHECK(status->survey.silent == std::vector<std::uint32_t>{1});
  status.reset();
  scene.run(true);  // its answer comes too late and says nothing
  CHECK_FALSE(status);
}

TEST_CASE("survey: so many may ask at a time, and then others again", "[agent][survey]") {
  Scene scene;
  scene.run(true);
  std::size_t answers = 0;
  const auto ask = [&] {
    return scene.agent().status(false, [&](const agent::AgentStatus&) { ++answers; });
  };
  for (std::size_t i = 0; i < agent::Surveyor::kSurveysMax; ++i) CHECK(ask());
  CHECK_FALSE(ask());
  scene.run(true);
  CHECK(answers == agent::Surveyor::kSurveysMax);
  CHECK(ask());
}

TEST_CASE("survey: who still owes an answer is asked nothing new, however often others ask",
          "[agent][survey]") {
  Scene scene;
  scene.run(true);
  std::size_t answers = 0;
  std::vector<std::uint32_t> silent;
  const auto ask = [&] {
    REQUIRE(scene.agent().status(false, [&](agent::AgentStatus status) {
      ++answers;
      silent = std::move(status.survey.silent);
    }));
  };
  ask();
  for (int i = 0; i < 3; ++i) scene.run(false);
  REQUIRE(answers == 1);
  const auto waiting = [&] { return scene.agent().reactors()[1]->mailbox().unfinished(); };
  const std::size_t before = waiting();
  for (int i = 0; i < 60; ++i) scene.run(false);  // what it gets without being asked
  const std::size_t others = waiting() - before;
  for (std::size_t i = 2; i < 50; ++i) {
    ask();
    scene.run(false);
    CHECK(answers == i);
    CHECK(silent == std::vector<std::uint32_t>{1});
  }
  CHECK(waiting() <= before + 2 * others);
  // Its late answer comes while others wait for an answer it was not asked for.
  ask();
  scene.run(true);
  ask();
  scene.run(true);
  CHECK(answers == 51);
  CHECK(silent.empty());
}
