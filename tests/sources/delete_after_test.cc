// Files that are deleted when they were read.
#include <chrono>
#include <string>
#include <vector>

#include "tests/sources/discovery_scene.h"
#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::WholeScene;
using Lines = std::vector<std::string>;

struct Place : WholeScene {
  explicit Place(base::Duration after = 1h) : WholeScene({"/log/*.log"}) {
    options.tail.close_inactive = 100ms;
    files.delete_after = after;
    files.reconcile_interval = 10s;
    world.faults().set("/log", {});
  }
  bool there(const std::string& path = "/log/a.log") { return world.disk().exists(path); }
  // And as long as it takes to look.
  void pass(base::Duration time) {
    world.clock().advance(time);
    run(11s);
  }
  std::uint64_t removed() const { return discovery->counters().files_removed.value(); }
};

}  // namespace

TEST_CASE("delete after: a file goes when it was read and did not change for so long (F67)",
          "[sources][delete]") {
  Place place;
  place.start();
  place.append("/log/a.log", "one\n");
  place.append("/log/b.log", "half");  // has no end
  place.append("/log/c.log", "");
  place.run(1s);
  place.pass(50min);
  REQUIRE(place.there());
  place.append("/log/a.log", "two\n");
  place.run(1s);
  place.pass(50min);
  REQUIRE(place.there());
  place.pass(10min);
  CHECK_FALSE(place.there());
  CHECK(place.there("/log/b.log"));
  CHECK(place.there("/log/c.log"));
  CHECK(place.removed() == 1);
  CHECK(place.discovery->counters().bytes_removed.value() == 8);
  CHECK(place.discovery->counters().files_lost_unread.value() == 0);
  CHECK(place.records() == Lines{"one", "two"});
  // The next of its name is another.
  place.append("/log/a.log", "three\n");
  place.run(1s);
  CHECK(place.records() == Lines{"one", "two", "three"});
  place.pass(59min);
  CHECK(place.there());
  place.pass(2min);
  CHECK_FALSE(place.there());
}

TEST_CASE("delete after: a restart begins to count anew", "[sources][delete]") {
  Place place;
  place.start();
  place.append("/log/a.log", "one\n");
  place.run(1s);
  place.pass(50min);
  place.stop();
  place.world.clock().advance(24h);
  place.start();
  place.run(1s);
  place.pass(50min);
  CHECK(place.there());
  place.pass(11min);
  CHECK_FALSE(place.there());
  CHECK(place.records() == Lines{"one"});
}

TEST_CASE("delete after: off, nothing goes", "[sources][delete]") {
  Place place(0s);
  place.start();
  place.append("/log/a.log", "one\n");
  place.run(1s);
  place.pass(24h * 365);
  CHECK(place.there());
}

TEST_CASE("delete after: while its records are not settled a file stays", "[sources][delete]") {
  Place place;
  place.start();
  place.append("/log/a.log", "one\n");
  for (int i = 0; i < 40; ++i) place.turn();
  place.world.clock().advance(24h);
  for (int i = 0; i < 3000; ++i) place.turn();
  REQUIRE(place.there());
  place.run(1s);
  place.pass(2h);
  CHECK_FALSE(place.there());
}

TEST_CASE("delete after: what has another name, or is one, stays", "[sources][delete]") {
  Place place;
  place.world.disk().make_directories("/elsewhere");
  place.start();
  place.append("/log/a.log", "one\n");
  REQUIRE(place.world.disk().make_hard_link("/elsewhere/a", "/log/a.log") == 0);
  place.append("/elsewhere/target", "two\n");
  REQUIRE(place.world.disk().make_symlink("/log/b.log", "/elsewhere/target") == 0);
  place.run(11s);
  REQUIRE(place.records().size() == 2);
  place.pass(24h);
  CHECK(place.there());
  CHECK(place.there("/log/b.log"));
  CHECK(place.there("/elsewhere/target"));
  CHECK(place.removed() == 0);
}

TEST_CASE("delete after: what was passed over, or begun at its end, stays", "[sources][delete]") {
  Place place;
  const bool old = GENERATE(false, true);
  CAPTURE(old);
  place.append("/log/a.log", "one\n");
  if (old) {
    place.files.ignore_older = 1h;
    place.world.clock().advance(2h);
  } else {
    place.files.start = sources::Start::end;
  }
  place.start();
  place.run(1s);
  place.pass(24h);
  CHECK(place.there());
  // Nor when it grew since, and nobody asks for that any more.
  place.append("/log/a.log", "two\n");
  place.run(1s);
  REQUIRE(place.records() == Lines{"two"});
  place.stop();
  place.files.ignore_older = 0s;
  place.files.start = sources::Start::beginning;
  place.start();
  place.run(1s);
  place.pass(24h);
  CHECK(place.there());
  // Only its next content is all read.
  place.truncate("/log/a.log");
  place.append("/log/a.log", "a new beginning\n");
  place.run(1s);
  place.pass(2h);
  CHECK_FALSE(place.there());
  CHECK(place.records() == Lines{"two", "a new beginning"});
}

TEST_CASE("delete after: another file under its name, at the last moment, stays",
          "[sources][delete]") {
  Place place;
  place.start();
  place.append("/log/a.log", "one\n");
  place.run(1s);
  place.append("/log/next", "two\n");
  const bool grows = GENERATE(false, true);
  CAPTURE(grows);
  int looks = 0;
  place.world.machine().others = [&] {
    // When the look through its descriptor is over.
    if (place.removed() > 0 || looks++ > 0) return;
    if (grows) {
      place.append("/log/a.log", "more\n");
    } else {
      REQUIRE(place.world.disk().rename("/log/next", "/log/a.log") == 0);
    }
  };
  place.world.clock().advance(2h);
  place.world.faults().set("/log/a.log", {.race = 1});
  place.run(11s);
  place.world.machine().others = {};
  place.run(1s);
  REQUIRE(looks > 0);
  CHECK(place.there());
  CHECK(place.records() == (grows ? Lines{"one", "more"} : Lines{"one", "two"}));
}

TEST_CASE("delete after: one that cannot be deleted is tried again, later", "[sources][delete]") {
  Place place;
  place.start();
  place.append("/log/a.log", "one\n");
  place.run(1s);
  place.world.faults().set("/log", {.change_error = 1});
  place.pass(2h);
  CHECK(place.there());
  CHECK(place.discovery->counters().remove_errors.value() == 1);
  place.world.faults().set("/log", {});
  place.pass(10min);
  CHECK(place.there());
  place.pass(1h);
  CHECK_FALSE(place.there());
}

TEST_CASE("delete after: a file another flow has not read stays", "[sources][delete]") {
  auto one = scene::flow({"/log/*"});
  auto two = scene::flow({"/log/a*"});
  one.files.start = two.files.start = sources::Start::beginning;
  one.files.delete_after = 1h;
  two.name = "other";
  scene::DiscoveryScene scene({one, two});
  scene.put("/log/a");
  scene.start();
  REQUIRE(scene.found.size() == 2);
  const auto rested = [&](std::size_t which) {
    sources::Rest rest{.checkpoint = scene.found[which].checkpoint,
                       .size = scene.found[which].size,
                       .modified_ns = scene.found[which].modified_ns};
    rest.checkpoint.origin = base::Origin{7};
    rest.checkpoint.offset = rest.size;
    const std::size_t flow = scene.open.at(scene.found[which].number);
    scene.discovery->released(flow, scene.found[which].number);
    scene.discovery->rested(flow, scene.found[which].number, rest);
  };
  const std::size_t deleting = scene.open.at(scene.found[0].number) == 0 ? 0 : 1;
  rested(deleting);
  scene.world.clock().advance(2h);
  scene.run();
  REQUIRE(scene.world.disk().exists("/log/a"));
  rested(1 - deleting);
  scene.world.clock().advance(2h);
  scene.run();
  CHECK_FALSE(scene.world.disk().exists("/log/a"));
}
