// Files that are made large in advance and filled from the front: the room behind the text is no
// hole that ends anything, and no text that is lost. The simulated disk takes every block of 4,096
// NULs for a hole.
#include <chrono>
#include <cstddef>
#include <string>

#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using pipeline::LongLines;
using scene::Lines;
using scene::Scene;
using scene::with;

constexpr std::size_t kBlock = 4096;

rig::Options plain() { return with(LongLines::split, 1000, 2 * kBlock); }

rig::Options indented() {
  rig::Options options = plain();
  options.groups.by = pipeline::GroupLines::indented;
  return options;
}

// `text` with room behind it.
struct Room : Scene {
  explicit Room(const std::string& text, const rig::Options& given = plain(),
                std::uint32_t shards = 1)
      : Scene(given, shards), filled_(text.size()) {
    Scene::write("/log/a", text + std::string(100 * kBlock - text.size(), '\0'));
    rig->add("/log/a", 1);
  }
  void fill(const std::string& text) {
    world.disk().write(*world.disk().find("/log/a"), text, filled_);
    filled_ += text.size();
  }

 private:
  std::size_t filled_;
};

}  // namespace

TEST_CASE("room: a group goes on where it is filled", "[sources][holes]") {
  Room scene("zero\none\n", indented());
  scene.run();
  CHECK(scene.records() == Lines{"zero"});
  scene.fill(" 1\n");
  scene.look();
  scene.pass(3s);
  CHECK(scene.records() == Lines{"zero", "one\n 1"});
  scene.fill("two\n");
  scene.look();
  scene.fill(" 2\n");
  scene.look();
  scene.pass(3s);
  CHECK(scene.records() == Lines{"zero", "one\n 1", "two\n 2"});
}

TEST_CASE("room: killed at any moment no line of a group is lost", "[sources][holes]") {
  for (int life = 0; life < 120; ++life) {
    CAPTURE(life);
    Room scene("A\n", indented(), 2);
    const auto live = [&](int turns) {
      for (int i = 0; i < turns; ++i) {
        scene.rig->tick();
        scene.rig->answer();
        if (i % 2 == 0) scene.rig->deliver(0);
        scene.world.clock().advance(1ms);
      }
    };
    live(life / 3);
    scene.fill(" a\n");
    scene.rig->tails().look(1);
    live(life / 2);
    scene.fill("B\n");
    scene.rig->tails().look(1);
    live(life);
    scene.restart();
    scene.rig->add("/log/a", 1);
    scene.pass(5s);
    std::string all;
    for (const std::string& record : scene.records()) all += record + "\n";
    CHECK((all == "A\n a\nB\n" || all == "B\nA\n a\n"));  // two shards
  }
}

TEST_CASE("room: what the file is known by is its text", "[sources][holes]") {
  Room scene("one\n");
  for (int i = 0; i < 30; ++i) {  // stored, and not noted
    scene.rig->tick();
    scene.rig->answer();
    while (scene.rig->undelivered() > 0) scene.rig->deliver(0);
  }
  REQUIRE(scene.records() == Lines{"one"});
  scene.fill("two\n");
  scene.restart();
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.counters().files_truncated.value() == 0);
}

TEST_CASE("room: nothing is lost with it when the file is emptied", "[sources][holes]") {
  const bool half = GENERATE(false, true);  // a line of it
  Room scene(half ? "one\ntwo" : "one\n");
  scene.run();
  scene.truncate("/log/a");
  scene.look();
  REQUIRE(scene.counters().files_truncated.value() == 1);
  CHECK(scene.counters().bytes_lost_unread.value() == (half ? 3 : 0));
}

TEST_CASE("room: what is filled while the room is passed over is read at once",
          "[sources][holes]") {
  for (int moment = 0; moment < 12; ++moment) {
    CAPTURE(moment);
    Room scene("one\n");
    for (int i = 0; i < moment; ++i) {
      scene.rig->tick();
      scene.rig->answer();
    }
    scene.fill("two\n");
    scene.look();
    CHECK(scene.records() == Lines{"one", "two"});
  }
}
