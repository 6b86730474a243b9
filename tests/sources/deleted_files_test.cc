// Deleted files that may not take room until they are read (F12), on a simulated machine.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/sim_random.h"
#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::numbered;
using scene::Scene;
using scene::split;
using Numbers = std::vector<std::uint64_t>;

std::uint64_t stored_bytes(const Scene& scene) {
  std::uint64_t bytes = 0;
  for (const std::string& line : scene.records()) bytes += line.size() + 1;
  return bytes;
}

}  // namespace

TEST_CASE("deleted files: they take no more room than they may, the oldest go first (F12)",
          "[sources][deleted_files]") {
  const bool by_age = GENERATE(false, true);
  CAPTURE(by_age);
  rig::Options options;
  options.chunk_bytes = 512;
  options.budget_bytes = 1024;  // the target takes nothing: a chunk or two of all of them is read
  options.tail.deleted_bytes_max = by_age ? 0 : 20'000;
  options.tail.deleted_age_max = by_age ? 90s : 0s;
  Scene scene(options);
  const std::string lines = numbered(0, 800);  // about 7 KiB
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    const std::string path = "/log/" + std::to_string(i);
    scene.write(path, lines);
    bytes += lines.size();
    scene.rig->add(path, i);
    for (int turn = 0; turn < 20; ++turn) {
      scene.rig->tick();
      if (scene.rig->writes() > 0) scene.rig->answer();
      scene.world.clock().advance(1ms);
    }
    scene.world.disk().remove(path);
    scene.rig->tails().detached(i, "");
    scene.world.clock().advance(30s);
    scene.rig->tails().limit_deleted(scene.world.clock().monotonic());
  }
  // Two are within 20,000 bytes; two are 90 s old. Of the first something is on its way, and it
  // goes before the others all the same.
  CHECK(scene.counters().files_given_up.value() == (by_age ? 2 : 3));
  scene.rig->tick();
  CHECK(scene.rig->released() == (by_age ? Numbers{1, 2} : Numbers{1, 2, 3}));
  CHECK(scene.counters().files_open.value() == (by_age ? 3 : 2));
  scene.pass(120s);
  scene.rig->tails().limit_deleted(scene.world.clock().monotonic());
  CHECK(scene.rig->tails().files() == 0);
  CHECK(stored_bytes(scene) + scene.counters().bytes_lost_unread.value() == bytes);
  CHECK(scene.counters().bytes_lost_unread.value() >= (by_age ? 2 : 3) * lines.size() / 2);
  CHECK(scene.counters().files_open.value() == 0);
}

TEST_CASE("deleted files: those that were read make room for those that were not",
          "[sources][deleted_files]") {
  rig::Options options;
  options.chunk_bytes = 512;
  options.budget_bytes = 1024;
  options.tail.rotate_wait = 10min;
  options.tail.deleted_bytes_max = 10'000;
  Scene scene(options);
  const std::string lines = numbered(0, 800);  // about 7 KiB
  scene.write("/log/read", lines);
  scene.rig->add("/log/read", 1);
  scene.run();
  REQUIRE(stored_bytes(scene) == lines.size());
  scene.write("/log/unread", lines);
  scene.rig->add("/log/unread", 2);
  for (int turn = 0; turn < 20; ++turn) {  // the target takes nothing
    scene.rig->tick();
    if (scene.rig->writes() > 0) scene.rig->answer();
    scene.world.clock().advance(1ms);
  }
  // The unread one first: it is the older one.
  for (const std::uint64_t number : {2, 1}) {
    scene.world.disk().remove(number == 1 ? "/log/read" : "/log/unread");
    scene.rig->tails().detached(number, "");
    scene.rig->tick();
    scene.world.clock().advance(1s);
    scene.rig->tails().limit_deleted(scene.world.clock().monotonic());
  }
  CHECK(scene.counters().files_given_up.value() == 0);
  CHECK(scene.counters().bytes_lost_unread.value() == 0);
  scene.run();
  CHECK(stored_bytes(scene) == 2 * lines.size());
}

TEST_CASE("deleted files: one that was read to its end goes with its last line, and no alarm",
          "[sources][deleted_files]") {
  rig::Options options;
  options.tail.deleted_age_max = 1s;
  Scene scene(options);
  scene.write("/log/a", "one\ntwo");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.world.disk().remove("/log/a");
  scene.rig->tails().detached(1, "");
  scene.run();
  scene.rig->tails().limit_deleted(scene.world.clock().monotonic());
  scene.pass(2s);
  scene.rig->tails().limit_deleted(scene.world.clock().monotonic());
  scene.run();
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.counters().files_given_up.value() == 0);
  CHECK(scene.counters().bytes_lost_unread.value() == 0);
  CHECK(scene.rig->tails().files() == 0);
}

TEST_CASE("deleted files: one whose last line cannot be read any more goes with it, counted",
          "[sources][deleted_files]") {
  const std::string_view last = GENERATE(std::string_view{}, std::string_view{"two"});
  CAPTURE(last);
  rig::Options options;
  options.chunk_bytes = 512;
  options.budget_bytes = 1024;
  options.tail.deleted_age_max = 1s;
  Scene scene(options);
  const auto turn = [&] {
    scene.rig->tick();
    while (scene.rig->writes() > 0) scene.rig->answer();
    scene.world.clock().advance(10ms);
  };
  scene.write("/log/a", "one\n" + std::string(last));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 20; ++i) turn();
  // Others take the rest of the memory, and nothing of it is delivered.
  scene.write("/log/b", numbered(0, 800));
  scene.rig->add("/log/b", 2);
  for (int i = 0; i < 20; ++i) turn();
  scene.world.disk().remove("/log/a");
  scene.rig->tails().detached(1, "");
  for (int i = 0; i < 5; ++i) {
    scene.rig->tails().limit_deleted(scene.world.clock().monotonic());
    for (int each = 0; each < 100; ++each) turn();
  }
  CHECK(scene.rig->released() == Numbers{1});
  CHECK(scene.counters().bytes_lost_unread.value() == last.size());
  CHECK(scene.counters().files_given_up.value() == (last.empty() ? 0 : 1));
  CHECK(scene.world.logged("deleted file let go") == !last.empty());
  scene.pass(1s);
  CHECK(scene.records().size() == 801);
}

TEST_CASE("deleted files: one that was read to its end takes no room while the target stands",
          "[sources][deleted_files]") {
  const std::string_view last = GENERATE(std::string_view{}, std::string_view{"two"});
  CAPTURE(last);
  Scene scene;
  const auto turn = [&scene](base::Duration time) {
    scene.rig->tick();
    while (scene.rig->writes() > 0) scene.rig->answer();
    scene.world.clock().advance(time);
  };
  scene.write("/log/a", "one\n" + std::string(last));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 20; ++i) turn(1ms);
  scene.world.disk().remove("/log/a");
  scene.rig->tails().detached(1, "");
  for (int i = 0; i < 400; ++i) turn(100ms);  // longer than rotate_wait
  CHECK(scene.records().empty());
  CHECK(scene.rig->released() == Numbers{1});
  CHECK(scene.counters().files_open.value() == 0);
  CHECK(scene.rig->tails().files() == 1);
  scene.pass(1s);
  CHECK(scene.records() == (last.empty() ? Lines{"one"} : Lines{"one", "two"}));
  CHECK(scene.rig->tails().files() == 0);
  CHECK(scene.counters().files_deleted.value() == 1);
  CHECK(scene.counters().files_given_up.value() == 0);
  CHECK(scene.counters().bytes_lost_unread.value() == 0);
}

TEST_CASE("deleted files: given up at any moment, each byte is stored or counted, once",
          "[sources][deleted_files]") {
  const bool by_time = GENERATE(false, true);  // lines end, and get new origins
  CAPTURE(by_time);
  std::uint64_t given_up = 0;
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    CAPTURE(seed);
    constexpr std::uint32_t kShards = 3;
    sim::SimRandom random(seed);
    rig::Options options;
    options.chunk_bytes = 512;
    options.budget_bytes = 2048;
    options.tail.deleted_age_max = base::Duration(1us);
    options.tail.rotate_wait = 1s;
    if (by_time) options.tail.partial_line_timeout = 3ms;
    Scene scene(options, kShards, seed);
    const auto turn = [&] {
      scene.rig->tick();
      if (random.chance(0.5)) scene.rig->answer();
      if (random.chance(0.5)) scene.rig->deliver(static_cast<std::uint32_t>(random.below(kShards)));
      if (random.chance(0.5) && scene.rig->unsettled() > 0) scene.rig->settle(0);
      scene.world.clock().advance(1ms);
    };
    std::uint64_t bytes = 0;
    const auto grow = [&](const std::string& text) {
      scene.write("/log/a", text);
      bytes += text.size();
    };
    const int first = static_cast<int>(random.below(300));
    grow(numbered(0, first) + (by_time ? "the beginning of a line" : ""));
    scene.rig->add("/log/a", 1);
    for (auto left = random.below(60); left > 0; --left) turn();
    grow(by_time ? " and its end\n" : "last line\n");
    scene.rig->tails().look(1);
    for (auto left = random.below(8); left > 0; --left) turn();
    scene.world.disk().remove("/log/a");
    scene.rig->tails().detached(1, "");
    while (scene.rig->tails().files() > 0) {
      scene.rig->tails().limit_deleted(scene.world.clock().monotonic());
      for (int i = 0; i < 3; ++i) turn();
      if (random.chance(0.02)) scene.run();
    }
    scene.run();
    // A line that time ended has no newline of its own, unless it came later.
    const std::uint64_t there = stored_bytes(scene) + scene.counters().bytes_lost_unread.value();
    CHECK((there == bytes || (by_time && there == bytes + 1)));
    CHECK(scene.counters().bytes_read.value() + scene.counters().bytes_lost_unread.value() ==
          bytes);
    CHECK(scene.counters().files_open.value() == 0);
    CHECK(scene.rig->closed() == Numbers{1});
    given_up += scene.counters().files_given_up.value();
  }
  CHECK(given_up > 100);
}
