// The whole agent in the simulator with one file that always has more to read and many that have a
// line now and then (rule F63). Time stands still while a turn lasts, so waiting is counted in what
// the busy file was given meanwhile.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "config/config.h"
#include "tests/agent/simulated_agent.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

constexpr std::uint64_t kHotLine = 1000;  // bytes, its newline included
constexpr std::uint64_t kQuietLine = 7;
constexpr std::uint64_t kQuietFiles = 500;

class Scene {
 public:
  explicit Scene(std::uint64_t hot_bytes) {
    world_.disk().make_directories("/log");
    std::string hot;
    hot.reserve(hot_bytes);
    while (hot.size() < hot_bytes) hot += std::string(kHotLine - 1, 'x') + "\n";
    world_.disk().put("/log/hot", hot);
    for (std::uint64_t i = 0; i < kQuietFiles; ++i) world_.disk().put(path(i), "");
    config::Config config;
    config.reactors = 1;
    config.flows.push_back(agent::simulated_flow({"/log/*"}, config::NullTarget{}));
    agent_.emplace(world_, std::move(config));
  }
  void turn() {
    world_.advance(agent_->process(), std::chrono::microseconds(10));
    agent_->turn();
  }
  void write(std::uint64_t file) {
    world_.disk().append(*world_.disk().find(path(file)), std::string(kQuietLine - 1, 'q') + "\n");
  }
  std::uint64_t bytes() const { return agent_->sample("bytes_read"); }
  std::uint64_t quiet_lines() const {
    return (kHotLine * agent_->sample("records_read") - bytes()) / (kHotLine - kQuietLine);
  }

 private:
  static std::string path(std::uint64_t file) { return "/log/quiet" + std::to_string(file); }

  sim::SimWorld world_{1};
  std::optional<agent::SimulatedAgent> agent_;
};

}  // namespace

TEST_CASE("fairness: a quiet file's line waits for a few megabytes of a busy one at most (F63)",
          "[agent]") {
  constexpr std::uint64_t kHot = 256 << 20;
  Scene scene(kHot);
  while (scene.bytes() < (1 << 20)) scene.turn();
  std::vector<std::uint64_t> waited;  // bytes
  for (std::uint64_t i = 0; i < 100; ++i) {
    const std::uint64_t before = scene.bytes();
    scene.write(i);
    for (int turns = 0; scene.quiet_lines() <= i; ++turns) {
      REQUIRE(turns < 1000);
      scene.turn();
    }
    waited.push_back(scene.bytes() - before);
  }
  REQUIRE(scene.bytes() < kHot);  // it had something to read all the time
  std::ranges::sort(waited);
  CAPTURE(waited.front(), waited[waited.size() / 2], waited.back());
  CHECK(waited.back() <= 4 << 20);  // 4 ms at a gigabyte a second
}

TEST_CASE("fairness: many quiet files at once take their turns, and not all of them (F63)",
          "[agent]") {
  constexpr std::uint64_t kHot = 256 << 20;
  Scene scene(kHot);
  while (scene.bytes() < (1 << 20)) scene.turn();
  const std::uint64_t before = scene.bytes();
  for (std::uint64_t i = 0; i < kQuietFiles; ++i) scene.write(i);
  std::uint64_t turns = 0;
  for (; scene.quiet_lines() < kQuietFiles; ++turns) {
    REQUIRE(turns < 100'000);
    scene.turn();
  }
  REQUIRE(scene.bytes() < kHot);
  const std::uint64_t hot = scene.bytes() - before - kQuietFiles * kQuietLine;
  CAPTURE(hot, turns);
  CHECK(hot <= kQuietFiles * (256 << 10) / 4);  // they do not wait for a read of it each
  CHECK(hot > 0);                               // neither does it for all of them
}
