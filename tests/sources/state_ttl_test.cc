// How long what is known of files that are gone is kept, while the agent runs (F55).
#include <chrono>
#include <string>
#include <vector>

#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::WholeScene;
using Lines = std::vector<std::string>;

struct Place : WholeScene {
  Place() : WholeScene({"/log/*.log"}) {
    world.disk().make_directories("/elsewhere");
    options.tail.close_inactive = 100ms;
  }
  void move_away() { REQUIRE(world.disk().rename("/log/a.log", "/elsewhere/a.log") == 0); }
  void come_back() { REQUIRE(world.disk().rename("/elsewhere/a.log", "/log/a.log") == 0); }
  void pass(base::Duration time) {
    world.clock().advance(time);
    run(1s);
  }
};

}  // namespace

TEST_CASE("state ttl: a file that was moved away is known until then, and goes on if it returns",
          "[sources][state]") {
  const bool held = GENERATE(false, true);  // it was open when it went
  const bool in_time = GENERATE(false, true);
  CAPTURE(held, in_time);
  Place place;
  if (held) place.options.tail.close_inactive = 0s;
  place.start();
  place.append("/log/a.log", "one\ntwo\n");
  place.run(1s);
  place.pass(24h * 30);  // while it is there, never
  REQUIRE(place.durable.known().size() == 1);
  place.move_away();
  place.run(5s);
  REQUIRE(place.open() == 0);
  place.pass(24h * 6);
  REQUIRE(place.durable.known().size() == 1);
  if (!in_time) {
    place.pass(24h + 1min);
    REQUIRE(place.durable.known().empty());
  }
  place.append("/elsewhere/a.log", "three\n");
  place.come_back();
  place.run(1s);
  CHECK(place.records() ==
        (in_time ? Lines{"one", "two", "three"} : Lines{"one", "two", "one", "two", "three"}));
  place.pass(24h * 30);
  CHECK(place.durable.known().size() == 1);
}

TEST_CASE("state ttl: what was not read to its end is kept for longer", "[sources][state]") {
  Place place;
  place.start();
  place.append("/log/a.log", "one\n");
  place.run(1s);
  REQUIRE(place.open() == 0);
  place.append("/log/a.log", "two\n");
  place.move_away();
  place.run(3s);  // it is looked for once more
  REQUIRE(place.discovery->counters().files_lost_unread.value() == 1);
  place.pass(24h * 27);
  REQUIRE(place.durable.known().size() == 1);
  place.come_back();
  place.run(1s);
  CHECK(place.records() == Lines{"one", "two"});
}

TEST_CASE("state ttl: deleted files leave nothing behind, however many", "[sources][state]") {
  Place place;
  place.options.tail.rotate_wait = 50ms;
  place.start();
  constexpr int kRounds = 40;
  constexpr int kFiles = 50;
  std::size_t most = 0;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kFiles; ++i) {
      place.append("/log/" + std::to_string(round * kFiles + i) + ".log", "line\n");
    }
    place.run(50ms);
    for (int i = 0; i < kFiles; ++i) {
      REQUIRE(place.world.disk().remove("/log/" + std::to_string(round * kFiles + i) + ".log") ==
              0);
    }
    place.run(500ms);
    most = std::max(most, place.durable.known().size());
  }
  CHECK(place.records().size() == kRounds * kFiles);
  CHECK(most <= 4 * kFiles);
  CHECK(place.durable.known().empty());
  CHECK(place.discovery->files() == 0);
}
