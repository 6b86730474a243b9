// What happens to a file at the moment it is deleted because it was read (F67).
#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/sources/delete_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using Place = scene::DeleteScene;

}  // namespace

namespace {

// Whoever does something at the last moment, by which of the looks.
struct Accident {
  const char* what;
  std::function<void(Place&)> act;
  Lines lines;
  bool stays = false;  // something of it
};

std::string its_name(Place& place) {
  return place.there() ? "/log/a.log" : "/log/.tailrace-delete.a.log";
}

const std::vector<Accident>& accidents() {
  static const std::vector<Accident> all = {
      {"nothing", [](Place&) {}, {"one"}},
      {"deleted", [](Place& place) { place.world.disk().remove("/log/a.log"); }, {"one"}},
      {"renamed",
       [](Place& place) { place.world.disk().rename("/log/a.log", "/log/a.log.1"); },
       {"one"}},
      {"replaced",
       [](Place& place) { place.world.disk().rename("/elsewhere/next", "/log/a.log"); },
       {"one", "two"}},
      {"renamed, and another comes",
       [](Place& place) {
         place.world.disk().rename("/log/a.log", "/log/a.log.1");
         place.world.disk().rename("/elsewhere/next", "/log/a.log");
       },
       {"one", "two"}},
      {"given a second name",
       [](Place& place) {
         place.world.disk().make_hard_link("/elsewhere/linked", its_name(place));
       },
       {"one"},
       true},
  };
  return all;
}

}  // namespace

TEST_CASE("delete after: whatever happens at the last moment, no other file goes",
          "[sources][delete]") {
  for (const Accident& accident : accidents()) {
    for (const bool refilled : {false, true}) {
      int looks = 1;
      for (int moment = 0; moment < looks; ++moment) {
        CAPTURE(accident.what, moment, refilled);
        Place place(1h, static_cast<std::uint64_t>(moment) + 1);
        place.start();
        place.read("one\n");
        place.append("/elsewhere/next", "two\n");
        place.world.clock().advance(2h);
        looks = 0;
        place.world.machine().others = [&] {
          if (looks == moment) accident.act(place);
          // A writer that opens by name comes behind.
          if (refilled && looks == moment + 1 && !place.there()) {
            place.append("/log/a.log", "three\n");
          }
          ++looks;
        };
        place.world.faults().set("/log/a.log", {.race = 1});
        place.world.faults().set("/log/.tailrace-delete.a.log", {.race = 1});
        place.turn();
        place.run(11s);
        place.world.faults().set("/log/a.log", {});
        place.world.faults().set("/log/.tailrace-delete.a.log", {});
        place.world.machine().others = {};
        place.run(15s);
        Lines lines = accident.lines;
        if (refilled && std::ranges::count(place.records(), "three") > 0)
          lines.emplace_back("three");
        std::ranges::sort(lines);
        const bool other = place.there("/elsewhere/next");
        if (other) std::erase(lines, "two");
        CHECK(place.sorted() == lines);
        for (int i = 0; i < 4; ++i) place.pass(2h);
        CHECK(place.sorted() == lines);
        if (!accident.stays) CHECK(place.world.disk().list("/log").empty());
        if (place.there("/elsewhere/linked"))
          CHECK(place.world.disk().content("/elsewhere/linked") == "one\n");
        CHECK(place.discovery->counters().files_lost_unread.value() == 0);
      }
      CHECK(looks > 3);
    }
  }
}

TEST_CASE("delete after: what a writer that holds it writes at the last moment is read",
          "[sources][delete]") {
  const bool anew = GENERATE(false, true);
  int looks = 1;
  int removed = 0;
  for (int moment = 0; moment < looks; ++moment) {
    CAPTURE(anew, moment);
    Place place;
    place.start();
    place.read("one\n");
    sim::OpenFile writer(place.world.disk(), place.world.disk().find("/log/a.log"));
    place.world.clock().advance(2h);
    looks = 0;
    place.world.machine().others = [&] {
      if (looks++ != moment) return;
      if (anew) place.world.disk().truncate(*writer, 0);
      place.world.disk().append(*writer, "two\n");
    };
    place.world.faults().set("/log/a.log", {.race = 1});
    place.world.faults().set("/log/.tailrace-delete.a.log", {.race = 1});
    place.turn();
    place.world.machine().others = {};
    place.run(10s);
    CHECK(place.records() == Lines{"one", "two"});
    removed += place.removed() > 0 ? 1 : 0;
    place.run(15s);
    CHECK(place.records() == Lines{"one", "two"});
    for (int i = 0; i < 3; ++i) place.pass(2h);
    CHECK(place.world.disk().list("/log").empty());
    CHECK(place.records() == Lines{"one", "two"});
  }
  CHECK(removed > 0);
  CHECK(removed < looks);
}

TEST_CASE("delete after: killed at any call, nothing is lost or doubled, and all goes at last",
          "[sources][delete]") {
  const auto how = GENERATE(sim::Crash::process, sim::Crash::power);
  int aside = 0;
  for (std::uint64_t calls = 0; calls < 80; ++calls) {
    CAPTURE(calls, static_cast<int>(how));
    Place place(1h, calls + 1);
    place.options.tail.copies = calls % 2 == 0;
    place.start();
    place.read("one\ntwo\n");
    place.read("three\n", "/log/a.other");
    place.world.clock().advance(2h);
    place.process->files().die_after(calls);
    place.discovery->tick(place.world.clock().monotonic());
    place.stop(how);
    aside += place.there("/log/.tailrace-delete.a.log") ? 1 : 0;
    // What comes under its name meanwhile is another.
    const bool next = calls % 3 == 0 && !place.there();
    if (next) place.append("/log/a.log", "next\n");
    place.start();
    place.run(15s);
    Lines lines = {"one", "three", "two"};
    if (next) lines.insert(lines.begin(), "next");
    CHECK(place.sorted() == lines);
    for (int i = 0; i < 4; ++i) place.pass(2h);
    CHECK(place.sorted() == lines);
    CHECK(place.world.disk().list("/log").empty());
  }
  CHECK(aside > 0);
}

TEST_CASE("delete after: a file that was left over is followed until its name is free",
          "[sources][delete]") {
  Place place;
  place.append("/log/.tailrace-delete.a.log", "left over\n");
  place.append("/log/.tailrace-delete.b.log", "nobody's\n");
  place.append("/log/a.log", "one\n");
  place.start();
  place.run(11s);
  CHECK(place.sorted() == Lines{"left over", "one"});
  CHECK(place.there("/log/.tailrace-delete.a.log"));
  place.append("/log/.tailrace-delete.a.log", "more\n");
  place.run(11s);
  REQUIRE(place.sorted() == Lines{"left over", "more", "one"});
  place.world.disk().rename("/log/a.log", "/log/a.log.1");
  place.run(11s);
  CHECK(place.world.disk().content("/log/a.log") == "left over\nmore\n");
  CHECK_FALSE(place.there("/log/.tailrace-delete.a.log"));
  CHECK(place.sorted() == Lines{"left over", "more", "one"});
  place.pass(2h);
  place.pass(2h);
  CHECK(place.world.disk().list("/log") == Lines{".tailrace-delete.b.log"});
  CHECK(place.sorted() == Lines{"left over", "more", "one"});
}
