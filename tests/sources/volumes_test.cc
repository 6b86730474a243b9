// File systems that go, come back, or are another device by then (F16, F20, F22).
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

using namespace std::chrono_literals;
using scene::check_exact;
using scene::text_of;

TEST_CASE("volumes: another device number is the same file (F20)", "[sources][volumes]") {
  for (int moment = 1; moment < 60; moment += 3) {
    CAPTURE(moment);
    scene::WholeScene scene({"/log/*.log"}, static_cast<std::uint64_t>(moment));
    const std::string text = text_of(0, 500);
    scene.append("/log/a.log", text);
    scene.append("/log/b.log", text_of(1000, 1400));
    scene.start();
    for (int i = 0; i < moment; ++i) {
      scene.turn();
      if (i % 3 == 0) scene.deliver();
    }
    for (const std::uint64_t device : {2, 3, 1, 2}) {  // there and back again
      scene.stop();
      scene.world.disk().set_device(device);
      scene.start();
      scene.run(device == 3 ? 20ms : 1s);
    }
    check_exact(scene, text + text_of(1000, 1400));
    scene.append("/log/a.log", text_of(500, 510));
    scene.run(1s);
    check_exact(scene, text + text_of(1000, 1400) + text_of(500, 510));
    CHECK(scene.durable.checkpoints.size() == 2);  // none under a former number
  }
}

TEST_CASE("volumes: the same inode and birth elsewhere is another file as long as both are there",
          "[sources][volumes]") {
  scene::WholeScene scene({"/log/*.log"});
  scene.append("/log/a.log", text_of(0, 100));
  scene.start();
  scene.run(1s);
  scene.stop();
  REQUIRE(scene.durable.checkpoints.size() == 1);
  // A checkpoint that says that the file is on a device that is not there, under a path that is.
  auto known = scene.durable.known();
  known.front().identity.device = 9;
  known.front().path = "/log/b.log";
  scene.durable.checkpoints.clear();
  scene.durable.checkpoints[sources::checkpoint_key("flow", known.front().identity)] =
      sources::encode(known.front());
  scene.append("/log/b.log", "of another file\n");
  scene.start();
  scene.run(1s);
  // The former path has another file by now, so this is it, moved.
  check_exact(scene, text_of(0, 100) + "of another file\n");
}

TEST_CASE("volumes: one that vanishes and returns is not read again (F22)", "[sources][volumes]") {
  for (const base::Duration away : {base::Duration(500ms), base::Duration(100s)}) {
    scene::WholeScene scene({"/log/mount/*.log"});
    scene.world.disk().make_directories("/log/mount");
    scene.append("/log/mount/a.log", text_of(0, 300));
    scene.start();
    scene.run(1s);
    REQUIRE(scene.world.disk().rename("/log/mount", "/log/hidden") == 0);
    scene.run(away);  // several scans
    scene.append("/log/hidden/a.log", text_of(300, 320));
    REQUIRE(scene.world.disk().rename("/log/hidden", "/log/mount") == 0);
    scene.run(40s);
    check_exact(scene, text_of(0, 320));
    CHECK(scene.counters().bytes_lost_unread.value() == 0);
  }
}
