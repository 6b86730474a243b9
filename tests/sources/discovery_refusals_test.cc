// What discovery does where it is refused a part of what it wants.
#include "tests/sources/discovery_scene.h"

namespace {

using namespace std::chrono_literals;
using scene::flow;
using scene::Paths;
using Scene = scene::DiscoveryScene;

}  // namespace

TEST_CASE("discovery: a directory that may be searched and not read (F29)",
          "[sources][discovery]") {
  Scene scene({flow({"/log/d/a.log", "/log/d/e/*.log", "/log/w/*.log"})});
  scene.put("/log/d/a.log");
  scene.put("/log/d/other.log");
  scene.put("/log/d/e/b.log");
  scene.put("/log/w/c.log");
  scene.world.disk().find("/log/d")->unlisted = true;
  scene.world.disk().find("/log/w")->unlisted = true;
  scene.start();
  CHECK(scene.paths() == Paths{"/log/d/a.log", "/log/d/e/b.log"});
  CHECK(scene.discovery->counters().scan_errors.value() == 1);  // w
  scene.world.disk().rename("/log/d/a.log", "/log/d/a.log.1");
  scene.put("/log/d/a.log");
  scene.append("/log/d/e/b.log");
  scene.run(6s);
  CHECK(scene.found.size() == 3);
  CHECK(scene.detached.size() == 1);
  scene.looks.clear();
  scene.append("/log/d/a.log");
  scene.run(6s);
  CHECK(std::ranges::count(scene.looks, scene.number("/log/d/a.log")) > 0);
}

TEST_CASE("discovery: what is below is not searched for ever if it may not be listed (F02)",
          "[sources][discovery]") {
  const bool soon = GENERATE(false, true);
  Scene scene({flow({"/log/a"})});
  scene.put("/log/a", "123456");
  scene.known.push_back(scene.checkpoint("/log/a", 3));
  scene.put("/log/private/x");
  scene.world.disk().find("/log/private")->unlisted = true;
  scene.world.disk().make_directories("/log/old");
  scene.world.disk().make_directories("/away");
  scene.world.disk().rename("/log/a", "/away/a");
  scene.start();
  scene.run(soon ? 1s : 400s);
  scene.world.disk().rename("/away/a", "/log/old/a");
  scene.run(100s);
  CHECK(scene.found.size() == (soon ? 1 : 0));
}

TEST_CASE("discovery: a watch that could not be had is tried again (F26)", "[sources][discovery]") {
  Scene scene({flow({"/log/*"})});
  scene.world.faults().set("", {.open_error = 1});
  scene.put("/log/a");
  scene.start();
  CHECK(scene.discovery->counters().watches.value() == 0);
  scene.world.faults().set("", {});
  scene.run(20s);
  scene.put("/log/b");
  scene.run(6s);  // it is polled
  CHECK(scene.paths() == Paths{"/log/a", "/log/b"});
  scene.run(10s);
  CHECK(scene.discovery->counters().watches.value() == 1);
  scene.put("/log/c");
  scene.run(50ms);
  CHECK(scene.paths() == Paths{"/log/a", "/log/b", "/log/c"});
}

TEST_CASE("discovery: what could not be looked at once is looked at again soon, as if it could",
          "[sources][discovery]") {
  const std::string refused = GENERATE("/log/d/a", "/log/d");
  const bool added = GENERATE(false, true);
  CAPTURE(refused, added);
  scene::DiscoveryScene scene({flow({"/log/d/*"})});
  scene.flows[0].files.reconcile_interval = 1h;
  sources::Discovery::Flow second = scene.flows[0];
  if (added) scene.flows[0].files.patterns = {"/log/other"};
  scene.put("/log/d/a", "123456");
  scene.world.faults().set(refused, {.look_error = 1});
  if (added) {
    scene.start();
    scene.discovery->mute(0);
    scene.discovery->remove(0);
    scene.run();
    scene.world.faults().switch_on(true);
    scene.discovery->add(0, second, {});
    scene.discovery->search_added();
  } else {
    scene.world.clock().advance(1ms);
    scene.world.faults().switch_on(true);
    scene.start();
  }
  scene.run(5ms);
  CHECK(scene.paths().empty());
  CHECK(scene.discovery->waiting() > 0);
  scene.put("/log/d/later", "123456");
  scene.run(5ms);
  scene.world.faults().switch_on(false);
  scene.run(3s);
  REQUIRE(scene.paths() == Paths{"/log/d/a", "/log/d/later"});
  for (const sources::FoundFile& each : scene.found) {
    CHECK(each.checkpoint.offset == (each.checkpoint.path == "/log/d/a" ? 6 : 0));
  }
  CHECK(scene.discovery->waiting() == 0);
}

TEST_CASE("discovery: only the file that could not be looked at at first begins where flows begin",
          "[sources][discovery]") {
  const bool in_steps = GENERATE(false, true);  // first its directory, then itself
  CAPTURE(in_steps);
  scene::DiscoveryScene scene({flow({"/log/d/*"})});
  scene.flows[0].files.reconcile_interval = 1h;
  scene.put("/log/d/a", "123456");
  scene.world.clock().advance(1ms);
  scene.world.faults().set(in_steps ? "/log/d" : "/log/d/a", {.look_error = 1});
  scene.world.faults().switch_on(true);
  scene.start();
  if (in_steps) {
    scene.world.faults().set("/log/d", {});
    scene.world.faults().set("/log/d/a", {.look_error = 1});
    scene.run(3s);
  }
  scene.world.faults().switch_on(false);
  scene.run(8s);
  REQUIRE(scene.paths() == Paths{"/log/d/a"});
  CHECK(scene.found.back().checkpoint.offset == 6);
  scene.world.disk().rename("/log/d/a", "/log/a.1");
  scene.put("/log/d/a", "1234");
  scene.run();
  REQUIRE(scene.found.size() == 2);
  CHECK(scene.found.back().checkpoint.offset == 0);
}

TEST_CASE("discovery: a moment's trouble with what is no file is over", "[sources][discovery]") {
  scene::DiscoveryScene scene({flow({"/log/**/*.log"})});
  scene.flows[0].files.reconcile_interval = 1h;
  scene.world.disk().make_directories("/log/d.log");
  scene.put("/away/a", "x\n");
  REQUIRE(scene.world.disk().make_symlink("/log/a.log", "/away/a") == 0);
  scene.world.faults().set("/log/", {.look_error = 1});
  scene.world.faults().set("/away/", {.look_error = 1});
  scene.world.faults().switch_on(true);
  scene.start();
  CHECK(scene.discovery->not_read() > 0);
  scene.world.faults().switch_on(false);
  scene.run(8s);
  CHECK(scene.discovery->not_read() == 0);
}

TEST_CASE("discovery: what cannot be looked at for long is looked at less and less often",
          "[sources][discovery]") {
  scene::DiscoveryScene scene({flow({"/log/d/*"})});
  scene.flows[0].files.reconcile_interval = 1h;
  scene.put("/log/d/a", "123456");
  scene.world.faults().set("/log/d/a", {.look_error = 1});
  scene.world.faults().switch_on(true);
  scene.start();
  scene.run(15s);
  CHECK(scene.discovery->waiting() == 0);  // nobody waits for it
  scene.run(1h);
  CHECK(scene.discovery->counters().scans.value() > 15);
  CHECK(scene.discovery->counters().scans.value() < 30);
  scene.world.faults().switch_on(false);
  scene.append("/log/d/a");  // and who grows can perhaps be read
  scene.run(50ms);
  CHECK(scene.paths() == Paths{"/log/d/a"});
}

TEST_CASE("discovery: where a file was moved is looked at again if it could not be once (F02)",
          "[sources][discovery]") {
  const std::string refused = GENERATE("/log/old", "/log/old/a");
  CAPTURE(refused);
  scene::DiscoveryScene scene({flow({"/log/a"})});
  scene.flows[0].files.reconcile_interval = 1h;
  scene.put("/log/a", "123456");
  scene.known.push_back(scene.checkpoint("/log/a", 3));
  scene.world.disk().make_directories("/log/old");
  scene.world.disk().rename("/log/a", "/log/old/a");
  scene.world.faults().set(refused, {.look_error = 1});
  scene.world.faults().switch_on(true);
  scene.start();
  CHECK(scene.found.empty());
  scene.world.faults().switch_on(false);
  scene.run(5s);
  CHECK(scene.paths() == Paths{"/log/a"});
}

TEST_CASE("discovery: a moment without descriptors is over soon", "[sources][discovery]") {
  scene::DiscoveryScene scene({flow({"/log/d/*"})});
  scene.flows[0].files.reconcile_interval = 1h;
  scene.open_files_max = 100;
  for (int i = 0; i < 60; ++i) scene.put("/log/d/" + std::to_string(i));
  scene.world.faults().set("/log/d/", {.open_error = 1});
  scene.world.faults().switch_on(true);
  scene.start();
  scene.run(2s);
  scene.world.faults().switch_on(false);
  CHECK(scene.found.empty());
  scene.run(60s);
  CHECK(scene.found.size() == 60);
}

TEST_CASE("discovery: as deep as there are directories (F24)", "[sources][discovery]") {
  Scene scene({flow({"/log/**/a.log"})});
  std::string path = "/log";
  for (int i = 0; i < 1000; ++i) path += "/d";
  scene.world.disk().make_directories(path);
  scene.put(path + "/a.log");
  scene.start();
  CHECK(scene.paths() == Paths{path + "/a.log"});
}

TEST_CASE("discovery: a clock that was set back does not make polling restless (F59)",
          "[sources][discovery]") {
  const base::Duration jump = GENERATE(base::Duration(-1h), base::Duration(24h * -3652));
  Scene scene({flow({"/log/*"})});
  scene.flows[0].files.watch = sources::Watch::poll;
  scene.put("/log/a");
  scene.start();
  scene.run(20s);
  scene.world.clock().jump_wall(jump);
  scene.run(20s);
  scene.looks.clear();
  scene.run(60s);
  CHECK(scene.looks.size() <= 2);
  scene.append("/log/a");
  scene.run(6s);
  CHECK(scene.looks.size() > 2);
}

TEST_CASE("discovery: where others write is polled, although that could not be told once (F28)",
          "[sources][discovery]") {
  Scene scene({flow({"/log/*"})});
  scene.flows[0].files.reconcile_interval = 1h;
  scene.world.disk().tell_changes(false);
  scene.world.faults().set("", {.watch_loss = 1});  // they are on other machines
  scene.put("/log/a");
  scene.start();
  scene.run(20s);
  scene.world.disk().tell_changes(std::nullopt);
  scene.run(6s);
  scene.world.disk().tell_changes(false);
  scene.put("/log/b");
  scene.append("/log/a");
  scene.looks.clear();
  scene.run(6s);
  CHECK(scene.paths() == Paths{"/log/a", "/log/b"});
  CHECK(std::ranges::count(scene.looks, scene.number("/log/a")) > 0);
}

TEST_CASE("discovery: what is not shared is not polled, although that could not be told once",
          "[sources][discovery]") {
  Scene scene({flow({"/log/*"})});
  scene.flows[0].files.reconcile_interval = 10s;
  scene.put("/log/a");
  scene.world.disk().tell_changes(std::nullopt);
  scene.start();
  scene.world.disk().tell_changes(true);
  scene.run(2s);
  CHECK(scene.discovery->next_deadline() > scene.world.clock().monotonic() + 5s);
}
