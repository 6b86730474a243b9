// Descriptors a file server does not know any more: ESTALE.
#include <chrono>
#include <string>

#include "tests/sources/rotation_scene.h"
#include "tests/sources/tail_scene.h"
#include "tests/test.h"

using namespace std::chrono_literals;
using scene::Lines;
using scene::RotationScene;
using scene::text_of;

TEST_CASE("stale: a rotated file is let go after rotate_wait, and what is lost is counted",
          "[sources][stale]") {
  scene::Scene scene;
  scene.write("/log/a", "one\nhalf");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.rig->tails().detached(1, "");
  scene.run();
  ++scene.world.disk().find("/log/a")->handles;
  scene.look();
  scene.pass(25s);
  CHECK(scene.counters().read_errors.value() > 0);
  CHECK(scene.rig->closed().empty());
  CHECK(scene.counters().bytes_lost_unread.value() == 0);
  scene.pass(20s);
  CHECK(scene.rig->closed() == std::vector<std::uint64_t>{1});
  CHECK(scene.rig->tails().files() == 0);
  CHECK(scene.counters().files_open.value() == 0);
  CHECK(scene.counters().bytes_lost_unread.value() == 4);
  CHECK(scene.records() == Lines{"one"});
}

TEST_CASE("stale: a file is opened again while what follows is stored already",
          "[sources][stale]") {
  for (int turns = 2; turns < 12; ++turns) {
    CAPTURE(turns);
    RotationScene scene({"/log/a.log"});
    scene.write("/log/a.log", text_of(0, 300));
    scene.start();
    for (int i = 0; i < 40; ++i) {  // stored, and not noted
      scene.turn();
      while (scene.rig->undelivered() > 0) scene.rig->deliver(0);
      while (scene.rig->writes() > 0) scene.rig->answer();
    }
    CHECK(scene.records().size() == 300);
    scene.stop();
    scene.start();
    for (int i = 0; i < turns; ++i) {
      scene.turn();
      while (scene.rig->writes() > 0) scene.rig->answer();
    }
    ++scene.world.disk().find("/log/a.log")->handles;
    scene.write("/log/a.log", text_of(300, 310));
    scene.run(5s);
    scene.check_exact();
  }
}
