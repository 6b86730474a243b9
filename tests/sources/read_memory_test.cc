// Memory for reads that others have: a large read's credit, and the buffers of a reactor.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::Scene;
using scene::with;

constexpr std::uint64_t kBudget = 16'384;
constexpr std::uint64_t kSmall = 512;
constexpr std::size_t kLine = 9'000;

rig::Options tight() {
  rig::Options options = with(pipeline::LongLines::split, 10'000, 1024);
  options.budget_bytes = kBudget;
  return options;
}

// Small reads of another reactor, which has nearly all of the flow's memory and always wants more.
// What our file needs for its long line it has seen by then.
struct Greedy {
  explicit Greedy(Scene& of) : scene(of) {
    REQUIRE(scene.rig->budget().take(held));
    scene.write("/log/a", std::string(kLine, 'x') + "\n");
    scene.rig->add("/log/a", 1);
    for (int i = 0; i < 200 && !scene.rig->budget().starving(); ++i) {
      scene.rig->tick();
      scene.rig->answer();
      scene.world.clock().advance(1ms);
    }
    REQUIRE(scene.rig->budget().starving());
  }
  ~Greedy() { scene.rig->budget().give_back(held); }
  Greedy(const Greedy&) = delete;
  Greedy& operator=(const Greedy&) = delete;

  // One read's memory comes back every `pace`, and is taken again if that is possible.
  void pass(base::Duration time) {
    for (base::Duration passed{0}; passed < time; passed += 1ms) {
      if (held > least && passed % pace == base::Duration{0}) {
        scene.rig->budget().give_back(kSmall);
        held -= kSmall;
      }
      if (scene.rig->budget().take(kSmall)) {
        held += kSmall;
        ++taken;
      }
      scene.rig->tick();
      scene.rig->answer();
      scene.rig->deliver(0);
      while (scene.rig->unsettled() > 0) scene.rig->settle(0);
      scene.world.clock().advance(1ms);
    }
  }

  Scene& scene;
  std::uint64_t held = kBudget - 2048;
  std::uint64_t least = 0;  // what it does not give back
  std::uint64_t taken = 0;
  base::Duration pace = 1ms;
};

}  // namespace

TEST_CASE("read memory: a large read has its turn beside small ones of another reactor",
          "[sources][tail_set]") {
  Scene scene(tight());
  Greedy other(scene);
  other.pass(4s);
  CHECK((scene.records() == Lines{std::string(kLine, 'x')}));
  other.taken = 0;
  other.pass(100ms);
  CHECK(other.taken == 100);  // nobody is before it any more
}

TEST_CASE("read memory: … also where what it needs comes back slowly", "[sources][tail_set]") {
  Scene scene(tight());
  Greedy other(scene);
  other.pace = 1s;
  other.pass(20s);
  CHECK((scene.records() == Lines{std::string(kLine, 'x')}));
}

TEST_CASE("read memory: what a read that hangs has is not waited for all the time",
          "[sources][tail_set]") {
  Scene scene(tight());
  Greedy other(scene);
  other.least = kBudget - kLine;
  other.pass(60s);
  CHECK(scene.records().empty());
  CHECK(other.taken > 20'000);
  CHECK(other.taken < 40'000);
  other.least = 0;
  other.pass(10s);
  CHECK((scene.records() == Lines{std::string(kLine, 'x')}));
}

TEST_CASE("read memory: who wants a large read no more keeps nobody waiting",
          "[sources][tail_set]") {
  const bool leaves = GENERATE(false, true);
  CAPTURE(leaves);
  Scene scene(tight());
  const Greedy other(scene);
  REQUIRE(scene.rig->budget().available_bytes() == 2048);
  REQUIRE_FALSE(scene.rig->budget().take(kSmall));
  if (leaves) {
    scene.rig->tails().leave();
    scene.rig->tick();
  } else {
    scene.rig->tails().stop();
  }
  CHECK(scene.rig->budget().take(kSmall));
  scene.rig->budget().give_back(kSmall);
}

TEST_CASE("read memory: reads that hang do not keep all buffers from another flow",
          "[sources][tail_set]") {
  rig::Options options;
  options.chunk_bytes = 1024;
  Scene scene(options);
  scene.write("/log/a", scene::numbered(0, 1000));
  std::vector<std::span<char>> hang;
  while (true) {
    hang.push_back(scene.rig->chunks().take());
    if (hang.back().empty()) break;
  }
  hang.pop_back();
  scene.rig->add("/log/a", 1);
  scene.pass(900ms);
  CHECK(scene.records().empty());
  CHECK(scene.rig->tails().next_deadline() > scene.world.clock().monotonic());
  scene.pass(1s);
  CHECK(scene.records() == scene::split(scene::numbered(0, 1000)));
  for (const std::span<char> buffer : hang) scene.rig->chunks().give_back(buffer);
  CHECK(scene.rig->budget().available_bytes() == 1 << 20);
}
