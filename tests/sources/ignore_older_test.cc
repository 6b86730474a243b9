// Files that were not written for long are left alone, until they are written again (F33).
#include "tests/sources/tail_scene.h"
#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::WholeScene;

}  // namespace

TEST_CASE("ignore_older: an old file is not opened, and read from the size it had (F33)",
          "[sources][descriptors]") {
  const bool restart = GENERATE(false, true);
  const bool down = GENERATE(false, true);  // it is written while the agent is down
  CAPTURE(restart, down);
  WholeScene scene({"/log/*"});
  scene.files.ignore_older = 1h;
  scene.append("/log/old", "one\ntwo\n");
  scene.world.clock().advance(2h);
  scene.append("/log/new", "new\n");
  scene.start();
  scene.run();
  CHECK(scene.records() == Lines{"new"});
  CHECK(scene.opened == Lines{"/log/new"});
  CHECK(scene.discovery->counters().files_ignored_old.value() == 1);
  if (restart) {
    scene.stop();
    if (down) scene.append("/log/old", "three\n");
    scene.start();
    if (!down) CHECK(scene.discovery->counters().files_ignored_old.value() == 1);
    scene.run();
  }
  if (!restart || !down) scene.append("/log/old", "three\n");
  scene.run();
  CHECK(scene.records() == Lines{"new", "three"});
  CHECK(scene.discovery->counters().files_ignored_old.value() == 0);
}

TEST_CASE("ignore_older: a clock that jumps ahead makes no new file an old one (F59)",
          "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.files.ignore_older = 1h;
  scene.start();
  scene.run();
  scene.append("/away", "new\n");
  scene.world.clock().jump_wall(24h * 3652);
  scene.world.disk().rename("/away", "/log/a");
  scene.run();
  CHECK(scene.records() == Lines{"new"});
}

TEST_CASE("ignore_older: also of the time nobody ran", "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.files.ignore_older = 24h;
  scene.append("/log/a", "one\n");
  scene.start();
  scene.run(1s);
  scene.stop();
  scene.append("/log/b", "two\n");
  scene.world.clock().advance(24h * 3);
  scene.start();
  scene.run(1s);
  CHECK(scene.records() == Lines{"one"});
}

TEST_CASE("ignore_older: unread bytes of a file with state are read, however old",
          "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.files.ignore_older = 1h;
  scene.append("/log/a", "one\n");
  scene.start();
  scene.run();
  scene.stop();
  scene.append("/log/a", "two\n");
  scene.world.clock().advance(2h);
  scene.start();
  scene.run();
  CHECK(scene.records() == Lines{"one", "two"});
}

TEST_CASE("ignore_older: truncated and written anew, it is read from its start",
          "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.files.ignore_older = 1h;
  scene.append("/log/a", "one\ntwo\n");
  scene.world.clock().advance(2h);
  scene.start();
  scene.run();
  scene.truncate("/log/a");
  scene.append("/log/a", "x\n");
  scene.run();
  CHECK(scene.records() == Lines{"x"});
}
