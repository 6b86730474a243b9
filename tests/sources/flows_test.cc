// Flows that come and go while others are followed.
#include "tests/sources/discovery_scene.h"
#include "tests/sources/tail_scene.h"

namespace {

using namespace std::chrono_literals;
using scene::flow;
using scene::Lines;
using scene::Paths;

sources::Discovery::Flow named(const std::string& name, const std::string& pattern) {
  sources::Discovery::Flow made = flow({pattern});
  made.name = name;
  return made;
}

}  // namespace

TEST_CASE("discovery: a flow that is added finds what is there, as at a start",
          "[sources][discovery][flows]") {
  const bool first = GENERATE(true, false);
  const bool same_files = GENERATE(true, false);
  CAPTURE(first, same_files);
  scene::DiscoveryScene scene({named("one", "/log/a*")});
  scene.put("/log/a", "123456");
  scene.put("/log/b", "123456");
  scene.start();
  REQUIRE(scene.found.size() == 1);
  sources::Discovery::Flow second = named("two", same_files ? "/log/*" : "/log/b");
  second.first_start = first;
  scene.discovery->add(1, second, {});
  scene.discovery->search_added();
  REQUIRE(scene.found.size() == (same_files ? 3 : 2));
  for (std::size_t i = 1; i < scene.found.size(); ++i) {
    CHECK(scene.open.at(scene.found[i].number) == 1);
    CHECK(scene.found[i].checkpoint.offset == (first ? 6 : 0));
  }
  scene.put("/log/b2", "123");
  scene.put("/log/a2", "123");
  scene.run();
  CHECK(scene.found.size() == (same_files ? 6 : 3));
  CHECK(scene.found.back().checkpoint.offset == 0);
}

TEST_CASE("discovery: a flow that comes back goes on where its checkpoints say, rotated or not",
          "[sources][discovery][flows]") {
  const bool rotated = GENERATE(true, false);
  CAPTURE(rotated);
  scene::DiscoveryScene scene({named("one", "/log/x"), named("flow", "/log/a")});
  scene.put("/log/a", "123456");
  scene.start();
  scene.discovery->mute(1);
  scene.discovery->remove(1);
  const sources::Checkpoint known = scene.checkpoint("/log/a", 3);
  if (rotated) {
    scene.world.disk().rename("/log/a", "/log/a.1");
    scene.put("/log/a", "new");
  }
  scene.run();
  CHECK(scene.found.size() == 1);
  scene.found.clear();
  scene.discovery->add(1, named("flow", "/log/a"), {known});
  scene.discovery->search_added();
  REQUIRE(scene.found.size() == (rotated ? 2 : 1));
  CHECK(scene.found.front().checkpoint.offset == 3);
  CHECK(scene.found.front().checkpoint.origin == base::Origin{77});
  CHECK(scene.found.front().rotated == rotated);
}

TEST_CASE("discovery: nothing is left of a flow that is gone, and the others notice nothing",
          "[sources][discovery][flows]") {
  scene::DiscoveryScene scene({named("one", "/log/a*"), named("two", "/log/**/*")});
  scene.put("/log/a");
  scene.put("/log/deep/b");
  scene.world.disk().deny(*scene.world.disk().find("/log/deep/b"), true);
  scene.start();
  CHECK(scene.discovery->files() == 3);
  CHECK(scene.discovery->counters().files_unreadable.value() == 1);
  scene.discovery->mute(1);
  scene.put("/log/c");  // nobody's any more
  scene.run();
  CHECK(scene.paths() == Paths{"/log/a"});
  scene.discovery->remove(1);
  scene.run();
  CHECK(scene.discovery->files() == 1);
  CHECK(scene.discovery->counters().files_unreadable.value() == 0);
  CHECK(scene.discovery->counters().watches.value() == 1);
  scene.looks.clear();
  scene.append("/log/a");
  scene.put("/log/a2");
  scene.put("/log/deep/c");
  scene.run();
  CHECK(!scene.looks.empty());
  CHECK(scene.found.back().checkpoint.path == "/log/a2");
  scene.discovery->closed(1, 2);  // what a reactor said before it heard
}

TEST_CASE("discovery: who waits for a descriptor does not wait for a flow that leaves",
          "[sources][discovery][flows]") {
  const bool asked_before = GENERATE(true, false);
  CAPTURE(asked_before);
  scene::DiscoveryScene scene({named("goes", "/log/a*"), named("stays", "/log/b*")});
  scene.open_files_max = 2;
  scene.put("/log/a1");
  scene.put("/log/b1");
  scene.start();
  REQUIRE(scene.found.size() == 2);
  if (!asked_before) scene.discovery->mute(0);
  scene.put("/log/b2");
  scene.run();
  if (asked_before) {
    REQUIRE(scene.asked == std::vector{scene.number("/log/a1")});  // it was read before the other
    scene.discovery->mute(0);
    scene.run();
  }
  REQUIRE(!scene.asked.empty());
  CHECK(scene.asked.back() == scene.number("/log/b1"));
  CHECK(scene.asked.size() == (asked_before ? 2 : 1));
  scene.discovery->remove(0);  // and what it held is free
  scene.run();
  CHECK(scene.paths().contains("/log/b2"));
}

TEST_CASE("discovery: without any flow it does not search without end",
          "[sources][discovery][flows]") {
  scene::DiscoveryScene scene({named("one", "/log/a*")});
  scene.put("/log/a");
  scene.start();
  scene.discovery->remove(0);
  scene.run();
  const std::uint64_t scans = scene.discovery->counters().scans.value();
  scene.run(10s);
  CHECK(scene.discovery->counters().scans.value() == scans);
}

TEST_CASE("tail set: leaves when all is settled, and reads no more of what has a name",
          "[sources][tail_set][flows]") {
  scene::Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.rig->tails().leave();
  scene.write("/log/a", "two\n");
  scene.look(1);
  scene.pass(1s);
  CHECK(scene.rig->tails().left());
  CHECK(scene.records() == Lines{"one"});
  CHECK(scene.rig->tails().next_deadline() > scene.world.clock().monotonic());
}

TEST_CASE("tail set: does not leave before deleted files were followed to their ends",
          "[sources][tail_set][flows]") {
  scene::Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  sim::OpenFile writer(scene.world.disk(), scene.world.disk().find("/log/a"));
  scene.world.disk().remove("/log/a");
  scene.rig->tails().leave();
  scene.pass(1s);  // nobody told us of that yet
  CHECK_FALSE(scene.rig->tails().left());
  scene.rig->tails().detached(1, "");
  scene.world.disk().append(*writer, "two\n");
  scene.pass(5s);
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK_FALSE(scene.rig->tails().left());
  scene.pass(40s);  // rotate_wait
  CHECK(scene.rig->tails().left());
}
