// Files found by who has them open for writing (F23a), on a simulated machine.
#include <chrono>
#include <string>

#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

using namespace std::chrono_literals;
using scene::Lines;

namespace {

struct OpenFiles : scene::RotationScene {
  OpenFiles() : RotationScene({"/log/**"}) { files.discover = sources::Discover::open; }
  sim::OpenFile open_for_writing(const std::string& path) {
    return {world.disk(), world.disk().find(path)};
  }
};

}  // namespace

TEST_CASE("open files: only those that somebody writes to are found", "[sources][open_files]") {
  OpenFiles scene;
  scene.append("/log/a", "a 1\n");
  scene.append("/log/a.1", "rotated\n");
  const sim::OpenFile writer = scene.open_for_writing("/log/a");
  scene.start();
  scene.run(5s);
  CHECK(scene.records() == Lines{"a 1"});
  CHECK(scene.discovery->files() == 1);
  scene.append("/log/a.1", "more\n");
  scene.append("/log/a", "a 2\n");
  scene.run(5s);
  CHECK(scene.records() == Lines{"a 1", "a 2"});
}

TEST_CASE("open files: a process that starts later, in a directory that was not there",
          "[sources][open_files]") {
  OpenFiles scene;
  scene.start();
  scene.run(5s);
  scene.world.disk().make_directories("/log/sub");
  scene.append("/log/sub/b", "b 1\n");
  scene.run(5s);
  CHECK(scene.records().empty());
  const sim::OpenFile writer = scene.open_for_writing("/log/sub/b");
  scene.run(5s);
  CHECK(scene.records() == Lines{"b 1"});
}

TEST_CASE("open files: what was found is followed without its writer, renamed and restarted",
          "[sources][open_files]") {
  OpenFiles scene;
  scene.append("/log/a", "1\n");
  scene.start();
  {
    const sim::OpenFile writer = scene.open_for_writing("/log/a");
    scene.run(5s);
  }
  scene.append("/log/a", "2\n");
  scene.run(5s);
  CHECK(scene.records() == Lines{"1", "2"});
  scene.world.disk().rename("/log/a", "/log/a.1");
  scene.append("/log/a.1", "3\n");
  scene.run(5s);
  scene.stop();
  scene.append("/log/a.1", "4\n");
  scene.start();
  scene.run(5s);
  CHECK(scene.records() == Lines{"1", "2", "3", "4"});
  scene.append("/log/a", "nobody writes\n");  // another file under the old name
  scene.run(5s);
  CHECK(scene.records() == Lines{"1", "2", "3", "4"});
}

TEST_CASE("open files: what was found is known under another device number (F20)",
          "[sources][open_files]") {
  OpenFiles scene;
  scene.append("/log/a", "1\n");
  scene.start();
  {
    const sim::OpenFile writer = scene.open_for_writing("/log/a");
    scene.run(5s);
  }
  REQUIRE(scene.records() == Lines{"1"});
  scene.stop();
  scene.world.disk().set_device(2);
  scene.append("/log/a", "2\n");
  scene.start();
  scene.run(5s);
  CHECK(scene.records() == Lines{"1", "2"});
}
