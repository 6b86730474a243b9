// Links that are swapped (F13), with what they led to under no pattern.
#include <string>

#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;

// /log/now leads to /apps/1/x.log, as a link to the file or to its directory.
struct Swapped : scene::RotationScene {
  explicit Swapped(bool given_directory)
      : RotationScene({given_directory ? "/log/now/x.log" : "/log/now"}),
        directory(given_directory) {
    options.tail.rotate_wait = 1s;
    world.disk().make_directories("/apps/1");
    world.disk().make_directories("/apps/2");
    write("/apps/1/x.log", "one\ntwo\n");
    link("1");
  }
  void link(const std::string& version) {
    world.disk().remove("/log/now");
    const std::string to = "/apps/" + version + (directory ? "" : "/x.log");
    REQUIRE(world.disk().make_symlink("/log/now", to) == 0);
  }
  void swap() {
    write("/apps/2/x.log", "new\n");
    link("2");
  }

  bool directory;
};

}  // namespace

TEST_CASE("link targets: one swapped while nobody looked is read to the end of where it led (F13)",
          "[sources][discovery]") {
  const bool directory = GENERATE(false, true);
  const bool renamed = GENERATE(false, true);
  CAPTURE(directory, renamed);
  Swapped scene(directory);
  scene.start();
  scene.run(5s);
  REQUIRE(scene.records() == Lines{"one", "two"});
  scene.stop();
  scene.write("/apps/1/x.log", "three\n");
  if (renamed) REQUIRE(scene.world.disk().rename("/apps/1/x.log", "/apps/1/x.log.1") == 0);
  scene.swap();
  scene.start();
  scene.run(5s);
  scene.check_exact();
  // Once more: it was found where it lay, and is noted under the link's path.
  scene.run(10s);
  REQUIRE(scene.open() == 1);
  scene.stop();
  scene.write(renamed ? "/apps/1/x.log.1" : "/apps/1/x.log", "four\n");
  scene.start();
  scene.run(5s);
  scene.check_exact();
  CHECK(scene.discovery->counters().files_lost_unread.value() == 0);
}

TEST_CASE("link targets: one swapped while its file rests is read to the end of where it led (F13)",
          "[sources][discovery]") {
  const bool directory = GENERATE(false, true);
  CAPTURE(directory);
  Swapped scene(directory);
  scene.options.tail.close_inactive = 1s;
  scene.start();
  scene.run(10s);
  REQUIRE(scene.open() == 0);
  scene.write("/apps/1/x.log", "three\n");
  scene.swap();
  scene.run(120s);
  scene.check_exact();
  CHECK(scene.discovery->counters().files_lost_unread.value() == 0);
}

TEST_CASE(
    "link targets: what no pattern leads to any more is left alone, though its link stands (F13)",
    "[sources][discovery]") {
  Swapped scene(false);
  scene.start();
  scene.run(5s);
  scene.stop();
  scene.files.patterns = {"/log/other"};
  scene.append("/apps/1/x.log", "three\n");
  scene.start();
  scene.run(120s);
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.discovery->files() == 0);
}
