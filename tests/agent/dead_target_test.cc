// The whole agent in the simulator with more files than descriptors, and one flow whose target
// takes nothing: the other flow's files have their turns all the same.
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
#include "tests/sim/faults.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kDescriptors = 4;
constexpr std::size_t kFiles = 12;           // of each flow
constexpr std::size_t kDeadLines = 300'000;  // of 10 bytes in each; memory holds less of all
constexpr std::size_t kRefusing = 3;         // files of the dead flow that are stuck in a long line
constexpr std::string_view kDead = "/out/dead";
constexpr std::string_view kLive = "/out/live";

config::Flow flow(const std::string& name, std::string_view target) {
  config::Flow made =
      agent::simulated_flow({"/" + name + "/*"}, config::FileTarget{.path = std::string(target)});
  made.name = name;
  return made;
}

class Scene {
 public:
  Scene(std::uint32_t reactors, const sim::FaultPlan& fault) {
    for (const char* directory : {"/out", "/dead", "/live"}) {
      world_.disk().make_directories(directory);
    }
    std::string lines;
    for (std::size_t i = 0; i < kDeadLines; ++i) lines += "123456789\n";
    const std::string line_of_its_own = std::string(900'000, 'x') + "\n";
    for (std::size_t i = 0; i < kFiles; ++i) {
      const bool refuses = i < kRefusing;
      world_.disk().put(dead(i), (refuses ? line_of_its_own : "") + lines);
      dead_bytes_ += lines.size() + (refuses ? line_of_its_own.size() : 0);
      world_.disk().put(live(i), "");
    }
    world_.faults().set(std::string(kDead), fault);
    config::Config config;
    config.reactors = reactors;
    config.memory_bytes = 4 << 20;
    config.max_open_files = kDescriptors;
    config.flows.push_back(flow("dead", kDead));
    config.flows.push_back(flow("live", kLive));
    agent_.emplace(world_, std::move(config));
  }
  void run(base::Duration time) {
    for (base::Duration passed{0}; passed < time; passed += 5ms) turn();
  }
  // Whether it is so within `time`.
  template <typename Is>
  bool soon(base::Duration time, Is is, bool events = false) {
    for (base::Duration passed{0}; passed < time && !is(); passed += 5ms) {
      if (events && passed % 100ms == 0ms) write_dead();
      turn();
    }
    return is();
  }
  void write(std::size_t file) {
    world_.disk().append(*world_.disk().find(live(file % kFiles)), "line\n");
  }
  // Growth of a file that cannot be read now.
  void write_dead() {
    world_.disk().append(*world_.disk().find(dead(kFiles - 1)), "more\n");
    dead_bytes_ += 5;
  }
  std::uint64_t dead_bytes() const { return dead_bytes_; }
  void heal() { world_.faults().set(std::string(kDead), {}); }
  std::uint64_t bytes(std::string_view path) {
    const auto file = world_.disk().find(std::string(path));
    return file ? world_.disk().status(*file).size : 0;
  }
  std::uint64_t sample(const std::string& name) const { return agent_->sample(name); }

 private:
  static std::string dead(std::size_t file) { return "/dead/" + std::to_string(file); }
  static std::string live(std::size_t file) { return "/live/" + std::to_string(file); }
  void turn() {
    world_.advance(agent_->process(), 5ms);
    agent_->turn();
  }

  sim::SimWorld world_{1};
  std::optional<agent::SimulatedAgent> agent_;
  std::uint64_t dead_bytes_ = 0;
};

}  // namespace

TEST_CASE("dead target: other flows have their turns with its files' descriptors", "[agent]") {
  const std::uint32_t reactors = GENERATE(1U, 2U);
  CAPTURE(reactors);
  const bool hangs = GENERATE(false, true);  // or it takes some bytes, and fails
  CAPTURE(hangs);
  Scene scene(reactors, hangs ? sim::FaultPlan{.delay = 1, .delay_max = 1000h}
                              : sim::FaultPlan{.write_error = 1});
  scene.run(10s);  // its memory is used up, and whoever waits has asked
  const std::uint64_t closed = scene.sample("files_closed_idle");
  std::uint64_t expected = 0;
  for (std::size_t i = 0; i < 5 * kFiles; ++i) {
    CAPTURE(i);
    scene.write(i);
    expected += 5;
    REQUIRE(scene.soon(10s, [&] { return scene.bytes(kLive) == expected; }, true));
  }
  // Descriptors are not given to and fro for nothing.
  CAPTURE(closed, scene.sample("files_closed_idle"));
  CHECK(scene.sample("files_closed_idle") <= closed + 4 * 5 * kFiles);
  CHECK(scene.bytes(kDead) < scene.dead_bytes() / 2);
  CHECK(scene.bytes(kLive) == expected);
  if (hangs) return;
  scene.heal();
  CHECK(scene.soon(600s, [&] { return scene.bytes(kDead) == scene.dead_bytes(); }));
  scene.run(5s);
  CHECK(scene.bytes(kDead) == scene.dead_bytes());
  CHECK(scene.bytes(kLive) == expected);
}
