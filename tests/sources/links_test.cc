// Symlinks whose targets lie where nobody looks: no event tells of those, and the reconcile is an
// hour away.
#include <chrono>
#include <string>

#include "tests/sources/discovery_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Paths;

// As a cluster's node has it: links in one directory, logs in others.
struct Scene : scene::DiscoveryScene {
  Scene() : DiscoveryScene({scene::flow({"/log/*.log"})}) {
    flows[0].files.reconcile_interval = 1h;
    world.disk().make_directories("/pods");
  }
  void link(const std::string& name) {
    REQUIRE(world.disk().make_symlink("/log/" + name, "/pods/" + name) == 0);
  }
};

}  // namespace

TEST_CASE("links: a target that became another file is read (F13)", "[sources][discovery]") {
  Scene scene;
  scene.put("/pods/a.log");
  scene.link("a.log");
  scene.start();
  scene.run(20s);
  for (int i = 1; i <= 10; ++i) {
    CAPTURE(i);
    REQUIRE(scene.world.disk().rename("/pods/a.log", "/pods/a.log." + std::to_string(i)) == 0);
    if (i % 2 == 0) scene.run(10s);
    scene.put("/pods/a.log");
    scene.run(6s);
    REQUIRE(scene.found.size() == 1U + i);
    CHECK(scene.found.back().checkpoint.offset == 0);
    CHECK(scene.detached.size() == static_cast<std::size_t>(i));
  }
  REQUIRE(scene.world.disk().remove("/pods/a.log") == 0);
  scene.run(6s);
  CHECK(scene.detached.size() == 11);
  CHECK(scene.discovery->counters().files_vanished.value() == 0);
}

TEST_CASE("links: a target that could not be looked at is there still (F30)",
          "[sources][discovery]") {
  Scene scene;
  scene.put("/pods/a.log");
  scene.link("a.log");
  scene.world.faults().set("/log/a.log", {.look_error = 1});
  scene.world.faults().switch_on(false);
  scene.start();
  scene.run(1s);
  scene.world.faults().switch_on(true);
  scene.run(20s);
  scene.world.faults().switch_on(false);
  scene.append("/pods/a.log");
  scene.looks.clear();
  scene.run(6s);
  CHECK(scene.found.size() == 1);
  CHECK(scene.detached.empty());
  CHECK_FALSE(scene.looks.empty());
}

TEST_CASE("links: a target that comes later is found", "[sources][discovery]") {
  const bool running_before = GENERATE(false, true);
  Scene scene;
  if (!running_before) scene.link("a.log");
  scene.start();
  if (running_before) scene.link("a.log");
  scene.run(20s);
  CHECK(scene.found.empty());
  scene.put("/pods/a.log");
  scene.run(6s);
  REQUIRE(scene.paths() == Paths{"/log/a.log"});
  CHECK(scene.found.back().checkpoint.offset == 0);
  const auto& counters = scene.discovery->counters();
  CHECK(counters.files_vanished.value() + counters.files_unreadable.value() == 0);
}

TEST_CASE("links: a target that may be opened at last is found", "[sources][discovery]") {
  Scene scene;
  scene.put("/pods/a.log");
  scene.world.disk().find("/pods/a.log")->denied = true;
  scene.link("a.log");
  scene.start();
  scene.run(60s);
  CHECK(scene.found.empty());
  CHECK(scene.discovery->counters().files_unreadable.value() == 1);
  scene.world.disk().find("/pods/a.log")->denied = false;
  scene.run(6s);
  CHECK(scene.paths() == Paths{"/log/a.log"});
  CHECK(scene.discovery->counters().files_unreadable.value() == 0);
}
