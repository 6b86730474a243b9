// Surveys of a whole agent in the simulator, where a reactor stands still when nobody turns it.
#include "agent/survey.h"

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "agent/agent.h"
#include "config/config.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

class Scene {
 public:
  Scene() : process_(world_.start_process(3)) {
    world_.disk().put("/logs/a.log", "one\ntwo\nhalf");
    world_.disk().put("/data/LOCK", "");
    config_.data_dir = "/data";
    config_.reactors = 2;
    config_.memory_bytes = 4 << 20;
    config_.streams["s"] = {};
    config::Flow flow;
    flow.name = "f";
    flow.from.patterns = {"/logs/*.log"};
    flow.from.start = sources::Start::beginning;
    flow.to = config::StreamTarget{"s"};
    flow.flush.age_max = 10ms;
    config_.flows.push_back(flow);
    std::vector<const io::Environment*> reactors;
    for (std::uint32_t i = 0; i < 3; ++i) {
      environments_.push_back(std::make_unique<io::Environment>(process_->environment(i)));
      if (i > 0) reactors.push_back(environments_.back().get());
    }
    process_->io(0).wait_by_advancing(true);
    auto made = agent::Agent::create(config_, {}, *environments_[0], reactors);
    process_->io(0).wait_by_advancing(false);
    REQUIRE(made);
    agent_ = std::move(*made);
    agent_->control().start();
  }
  ~Scene() {
    world_.crash(*process_, sim::Crash::process);
    agent_.reset();
    environments_.clear();
  }

  agent::Agent& agent() { return *agent_; }
  // A second of simulated time, with or without the second reactor.
  void run(bool all_turn) {
    for (int i = 0; i < 100; ++i) {
      agent_->control().tick();
      agent_->reactors()[0]->tick();
      if (all_turn) agent_->reactors()[1]->tick();
      world_.clock().advance(10ms);
    }
  }

 private:
  sim::SimWorld world_{1};
  std::unique_ptr<sim::Process> process_;
  config::Config config_;
  std::vector<std::unique_ptr<io::Environment>> environments_;
  std::unique_ptr<agent::Agent> agent_;
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
