// What other programs do while files are looked for (F09): each of it at each moment between a
// listing or a status and its answer, in an agent that runs and is told of nothing, and in one that
// starts.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

struct Race : scene::RotationScene {
  Race() : RotationScene({"/log/**/*.log*"}) {
    files.reconcile_interval = 5s;
    options.tail.rotate_wait = 60s;
    world.disk().make_directories("/log/d/deep");
    for (const char* path :
         {"/log/d/a.log", "/log/d/a.log.1", "/log/d/b.log", "/log/d/deep/c.log"}) {
      write(path, std::string(path) + ", first line\n" + path + ", second line\n");
      nodes.emplace_back(path, world.disk().find(path));
    }
  }
  void move(const std::string& from, const std::string& to) {
    REQUIRE(world.disk().rename(from, to) == 0);
  }
  // A line more for every file that was there, wherever it is by now.
  void grow(const std::string& when) {
    for (const auto& [path, node] : nodes) {
      const std::string line = path + ", " + when + "\n";
      world.disk().append(*node, line);
      written += line;
    }
  }

  std::vector<std::pair<std::string, sim::NodeRef>> nodes;
};

struct Act {
  const char* what;
  void (*act)(Race&);
};

constexpr Act kActs[] = {
    {"rename within the pattern, and create",
     [](Race& race) {
       race.move("/log/d/a.log", "/log/d/a.log.0");
       race.write("/log/d/a.log", "new a\n");
     }},
    {"rename out of the pattern, and create",
     [](Race& race) {
       race.move("/log/d/a.log", "/log/d/a.old");
       race.write("/log/d/a.log", "new a\n");
     }},
    {"rotate a chain",
     [](Race& race) {
       race.move("/log/d/a.log.1", "/log/d/a.log.2");
       race.move("/log/d/a.log", "/log/d/a.log.1");
       race.write("/log/d/a.log", "new a\n");
     }},
    {"rotate a chain twice",
     [](Race& race) {
       race.move("/log/d/a.log.1", "/log/d/a.log.3");
       race.move("/log/d/a.log", "/log/d/a.log.2");
       race.write("/log/d/a.log.1", "between\n");
       race.write("/log/d/a.log", "new a\n");
     }},
    {"swap two names",
     [](Race& race) {
       race.move("/log/d/a.log", "/log/d/aside");
       race.move("/log/d/b.log", "/log/d/a.log");
       race.move("/log/d/aside", "/log/d/b.log");
     }},
    {"rename a directory", [](Race& race) { race.move("/log/d/deep", "/log/d/elsewhere"); }},
    {"rename the directory above", [](Race& race) { race.move("/log/d", "/log/e"); }},
    {"rename the directory above, and make it anew",
     [](Race& race) {
       race.move("/log/d", "/log/e");
       race.world.disk().make_directories("/log/d");
       race.write("/log/d/a.log", "new a\n");
     }},
};

// Lets it happen behind the `moment`th look from now on. False: there were fewer looks.
bool happens(Race& race, const Act& act, std::size_t moment) {
  std::size_t looks = 0;
  bool done = false;
  race.world.faults().set("/log", {.race = 1, .watch_loss = 1});
  race.world.machine().others = [&] {
    if (done || ++looks < moment) return;
    done = true;
    act.act(race);
    race.grow("while it was looked for");
  };
  if (race.process == nullptr) race.start();
  race.run(6s);
  race.world.machine().others = nullptr;
  return done;
}

}  // namespace

TEST_CASE("scan races: whatever is renamed at whatever moment is not lost and not read again (F09)",
          "[sources][discovery]") {
  const bool starts = GENERATE(false, true);
  for (const Act& act : kActs) {
    std::size_t moment = 1;
    for (;; ++moment) {
      CAPTURE(act.what, moment, starts);
      Race race;
      race.world.faults().set("/log", {.watch_loss = 1});
      race.start();
      race.run(2s);
      REQUIRE(race.records().size() == 2 * race.nodes.size());
      if (starts) {
        race.stop();
        race.grow("while nobody looked");
      }
      const bool done = happens(race, act, moment);
      if (!done) break;
      race.run(20s);
      race.grow("later");
      race.run(20s);
      race.check_exact();
      CHECK(race.durable.checkpoints.size() >= race.nodes.size());  // nobody was taken for deleted
      CHECK(race.discovery->counters().files_lost_unread.value() == 0);
      // The same is known in the next life.
      race.stop();
      race.start();
      race.run(10s);
      race.check_exact();
    }
    CHECK(moment > 10);  // as many there were
  }
}
