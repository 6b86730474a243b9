// What reactors tell within one turn: what follows from it is found out once.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sources/discovery.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

// Discovery asks for the time with each copy it looks at.
class CountingClock final : public io::Clock {
 public:
  explicit CountingClock(io::Clock& clock) : clock_(clock) {}
  base::Instant monotonic() override {
    ++asked;
    return clock_.monotonic();
  }
  base::Timestamp wall() override { return clock_.wall(); }

  std::uint64_t asked = 0;

 private:
  io::Clock& clock_;
};

struct Scene {
  ~Scene() {
    discovery->stop();
    while (!discovery->idle()) {
      process->io().run_once(0s);
      world.clock().advance(1ms);
    }
  }
  void start(std::vector<std::string> patterns, std::size_t open_files_max) {
    sources::Discovery::Flow flow{.name = "flow", .files = {}, .fingerprint = 1};
    flow.files.patterns = std::move(patterns);
    flow.files.start = sources::Start::beginning;
    const io::Environment all = process->environment();
    discovery.emplace(io::Environment{all.io, all.files, clock, all.random, all.log},
                      std::vector{flow}, std::vector<sources::Checkpoint>{},
                      std::vector<std::string>{},
                      sources::Discovery::Listener{
                          .found =
                              [this](std::size_t, sources::FoundFile file) {
                                process->environment().files.close(file.handle);
                                found.push_back(file.number);
                              },
                          .look = [](std::size_t, std::uint64_t) {},
                          .detached = [](std::size_t, std::uint64_t, const std::string&) {},
                          .yield = [](std::size_t, std::uint64_t, bool) {},
                          .verify =
                              [this](std::size_t, std::uint64_t number, std::uint64_t question) {
                                questions.push_back({.number = number, .question = question});
                              }},
                      open_files_max);
    discovery->start();
  }
  void tick() { discovery->tick(world.clock().monotonic()); }

  sim::SimWorld world{1};
  std::unique_ptr<sim::Process> process = world.start_process();
  CountingClock clock{process->environment().clock};
  std::optional<sources::Discovery> discovery;
  std::vector<std::uint64_t> found;
  std::vector<sources::Verified> questions;
};

}  // namespace

TEST_CASE("discovery turns: whose turn it is when files are closed is found out at the tick",
          "[sources][discovery]") {
  Scene scene;
  for (int i = 0; i < 8; ++i) scene.world.disk().put("/log/" + std::to_string(i) + ".log", "x\n");
  scene.start({"/log/*.log"}, 4);
  REQUIRE(scene.found.size() == 4);
  CHECK(scene.discovery->next_deadline() > scene.world.clock().monotonic());
  const std::vector<std::uint64_t> first = scene.found;
  scene.discovery->rested(0, first[0], {});
  scene.discovery->released(0, first[1]);
  scene.discovery->closed(0, first[2]);
  CHECK(scene.found.size() == 4);
  CHECK(scene.discovery->next_deadline() <= scene.world.clock().monotonic());
  scene.tick();
  CHECK(scene.found.size() == 7);
  CHECK(scene.discovery->next_deadline() > scene.world.clock().monotonic());
}

TEST_CASE("discovery turns: each answer of one turn looks at the copies of its file alone",
          "[sources][copies]") {
  constexpr std::size_t kLogs = 200;
  Scene scene;
  for (std::size_t i = 0; i < kLogs; ++i) {
    const std::string path = "/log/" + std::to_string(i) + "/a.log";
    scene.world.disk().put(path, "what is in the log\n");
    scene.world.disk().put(path + ".1", "what is in the log\n");
  }
  scene.start({"/log/*/a.log*"}, sources::Discovery::kUnlimited);
  REQUIRE(scene.found.size() == kLogs);
  scene.questions.clear();
  scene.world.clock().advance(100ms);  // they are compared again
  scene.tick();
  REQUIRE(scene.questions.size() == kLogs);
  scene.clock.asked = 0;
  for (const sources::Verified& each : scene.questions) scene.discovery->verified(each);
  scene.tick();
  CHECK(scene.clock.asked < 5 * kLogs);
  CHECK(scene.found.size() == kLogs);
}
