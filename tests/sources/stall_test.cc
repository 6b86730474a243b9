// Files that have something to read and do not get on.
#include <string>

#include "tests/sources/tail_scene.h"
#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::Scene;
using scene::WholeScene;

// As the agent does: every half minute.
template <typename SomeScene>
void look(SomeScene& scene) {
  scene.rig->tails().look_for_stalls(scene.world.clock().monotonic());
}

// Reads and registers, delivers nothing.
void work(Scene& scene) {
  for (int i = 0; i < 20; ++i) {
    scene.rig->tick();
    if (scene.rig->writes() > 0) scene.rig->answer();
    scene.world.clock().advance(1ms);
  }
}

}  // namespace

TEST_CASE("stall: what grew and nobody told is read", "[sources][stall]") {
  rig::Options options;
  options.tail.close_inactive = 0s;
  Scene scene(options);
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.write("/log/a", "two\n");  // no look(): the notification was lost
  scene.pass(59s);
  look(scene);
  scene.run();
  CHECK(scene.records() == Lines{"one"});
  CHECK(scene.counters().files_stalled.value() == 0);
  scene.pass(2s);
  look(scene);
  CHECK(scene.counters().files_stalled.value() == 1);
  CHECK(scene.counters().files_restarted.value() == 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "two"});
  look(scene);
  CHECK(scene.counters().files_stalled.value() == 0);
}

TEST_CASE("stall: a read that is not answered is cancelled and tried again", "[sources][stall]") {
  Scene scene;
  scene.world.faults().set("/log/a", {.delay = 1.0, .delay_max = 24h});
  scene.world.faults().switch_on(true);
  scene.write("/log/a", "one\n");
  scene.write("/log/b", "other\n");
  scene.rig->add("/log/a", 1);
  scene.rig->add("/log/b", 2);
  work(scene);
  look(scene);
  scene.world.clock().advance(61s);
  work(scene);
  scene.rig->deliver(0);  // the other one
  scene.rig->settle(0);
  scene.world.faults().switch_on(false);
  look(scene);
  CHECK(scene.counters().files_stalled.value() == 1);
  CHECK(scene.counters().files_restarted.value() == 1);
  scene.pass(1s);
  CHECK(scene.records() == Lines{"other", "one"});
}

TEST_CASE("stall: a descriptor that went bad is closed and its path opened again",
          "[sources][stall]") {
  WholeScene scene({"/log/a"});
  scene.options.tail.stall_after = 10ms;
  scene.world.faults().set("/log/a", {});
  scene.append("/log/a", "one\n");
  scene.start();
  scene.run();
  scene.world.faults().set("/log/a", {.read_error = 1.0});
  scene.world.faults().switch_on(true);
  scene.append("/log/a", "two\n");
  while (scene.counters().read_errors.value() == 0) scene.run(1ms);
  look(scene);
  scene.run(20ms);
  look(scene);
  CHECK(scene.counters().files_stalled.value() == 1);
  CHECK(scene.counters().files_restarted.value() == 1);
  scene.run(20ms);
  CHECK(scene.open() == 0);
  scene.world.faults().switch_on(false);  // it was the descriptor, not the file
  scene.run(5s);
  CHECK(scene.open() == 1);
  CHECK(scene.records() == Lines{"one", "two"});
}

TEST_CASE("stall: what waits for its target is said so and left alone", "[sources][stall]") {
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  work(scene);  // read, but nothing is delivered
  look(scene);
  scene.world.clock().advance(61s);
  look(scene);
  CHECK(scene.counters().files_stalled.value() == 1);
  CHECK(scene.counters().files_restarted.value() == 0);
  scene.run();
  look(scene);
  CHECK(scene.counters().files_stalled.value() == 0);
  CHECK(scene.records() == Lines{"one"});
}

TEST_CASE("stall: what gets on slowly does not stall", "[sources][stall]") {
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 20; ++i) {
    scene.write("/log/a", "more\n");
    scene.rig->tails().look(1);
    scene.pass(30s);
    look(scene);
    CHECK(scene.counters().files_stalled.value() == 0);
  }
}
