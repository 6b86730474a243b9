// Descriptors a file server does not know any more: ESTALE.
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "tests/sources/rotation_scene.h"
#include "tests/sources/tail_scene.h"
#include "tests/test.h"

using namespace std::chrono_literals;
using scene::Lines;
using scene::RotationScene;
using scene::text_of;

namespace {

// Stored, and not noted: what comes next after a kill is stored already.
void stored_unnoted(RotationScene& scene, int lines) {
  scene.write("/log/a.log", text_of(0, lines));
  scene.start();
  for (int i = 0; i < 40; ++i) {
    scene.turn();
    while (scene.rig->undelivered() > 0) scene.rig->deliver(0);
    while (scene.rig->writes() > 0) scene.rig->answer();
  }
  CHECK(scene.records().size() == static_cast<std::size_t>(lines));
  scene.stop();
}

}  // namespace

TEST_CASE("stale: a rotated file is let go after rotate_wait, and looked for", "[sources][stale]") {
  for (const bool deleted : {true, false}) {  // by another client
    CAPTURE(deleted);
    RotationScene scene({"/log/a.log"});
    scene.options.tail.partial_line_timeout = base::Duration::zero();
    scene.write("/log/a.log", "one\nhalf");
    scene.start();
    scene.run(1s);
    REQUIRE(scene.world.disk().rename("/log/a.log", "/log/a.log.1") == 0);
    ++scene.world.disk().find("/log/a.log.1")->handles;
    if (deleted) REQUIRE(scene.world.disk().remove("/log/a.log.1") == 0);
    scene.run(1s);
    CHECK(scene.open() == 1);
    scene.run(200s);
    CHECK(scene.open() == 0);
    CHECK(scene.counters().read_errors.value() > 0);
    CHECK(scene.discovery->counters().bytes_lost_unread.value() == (deleted ? 4 : 0));
    CHECK(scene.records() == (deleted ? Lines{"one"} : Lines{"one", "half"}));
  }
}

TEST_CASE("stale: a rotated file comes back with what is stored of it", "[sources][stale]") {
  for (int turns = 2; turns < 12; ++turns) {
    CAPTURE(turns);
    RotationScene scene({"/log/a.log"});
    stored_unnoted(scene, 300);
    REQUIRE(scene.world.disk().rename("/log/a.log", "/log/old") == 0);
    scene.start();
    for (int i = 0; i < turns; ++i) {
      scene.turn();
      while (scene.rig->writes() > 0) scene.rig->answer();
    }
    ++scene.world.disk().find("/log/old")->handles;
    scene.run(200s);
    scene.check_exact();
    CHECK(scene.open() == 0);
  }
}

TEST_CASE("stale: one that is handed over anew before its rest is known goes on, too",
          "[sources][stale]") {
  scene::Scene scene;
  scene.write("/log/a", text_of(0, 50));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 40; ++i) {
    scene.rig->tick();
    while (scene.rig->undelivered() > 0) scene.rig->deliver(0);
    while (scene.rig->writes() > 0) scene.rig->answer();
  }
  REQUIRE(scene.records().size() == 50);
  scene.restart();
  scene.rig->add("/log/a", 1);
  ++scene.world.disk().find("/log/a")->handles;
  scene.run();
  REQUIRE(scene.rig->rested().size() == 1);
  sources::FoundFile again = scene.rig->find("/log/a", 2);
  again.checkpoint.origin = base::Origin::none;
  again.checkpoint.offset = again.checkpoint.tail_bytes = 0;
  again.marks.clear();
  scene.rig->tails().add(std::move(again));
  scene.run();
  CHECK(scene.records().size() == 50);
}

TEST_CASE("stale: a file is opened again while what follows is stored already",
          "[sources][stale]") {
  for (int turns = 2; turns < 12; ++turns) {
    CAPTURE(turns);
    RotationScene scene({"/log/a.log"});
    stored_unnoted(scene, 300);
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
