// Records whose end only time tells: groups of lines, and lines without a newline.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::Scene;

rig::Options groups(std::size_t chunk_bytes = 4096) {
  rig::Options options;
  options.chunk_bytes = chunk_bytes;
  options.groups.by = pipeline::GroupLines::indented;
  options.groups.timeout = 2s;
  return options;
}
rig::Options partial(base::Duration timeout) {
  rig::Options options;
  options.tail.partial_line_timeout = timeout;
  return options;
}
// What is delivered becomes durable, but nothing settles and no checkpoint moves.
void store_only(Scene& scene, base::Duration time) {
  const auto outlets = static_cast<std::uint32_t>(scene.durable.shards.size() - 1);
  for (base::Duration passed{0}; passed < time; passed += 10ms) {
    scene.world.clock().advance(10ms);
    scene.rig->tick();
    scene.rig->answer();
    for (std::uint32_t outlet = 0; outlet < outlets; ++outlet) scene.rig->deliver(outlet);
  }
}
std::string joined(const Lines& records) {
  std::string text;
  for (const std::string& record : records) text += record + "\n";
  return text;
}

}  // namespace

TEST_CASE("record end: a group ends with the next one, or when its time is up (F47)",
          "[sources][record_end]") {
  Scene scene(groups());
  scene.write("/log/a", "one\n 1\n 2\ntwo\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one\n 1\n 2"});
  scene.pass(1s);
  CHECK(scene.records().size() == 1);
  scene.pass(2s);
  CHECK(scene.records() == Lines{"one\n 1\n 2", "two"});
  scene.write("/log/a", " late\nthree\nfour\n");  // nobody waits for ever
  scene.look();
  scene.pass(100ms);
  CHECK(scene.records() == Lines{"one\n 1\n 2", "two", " late", "three"});
}

TEST_CASE("record end: each addition begins the time anew", "[sources][record_end]") {
  Scene scene(groups());
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 10; ++i) {
    scene.pass(1500ms);
    scene.write("/log/a", " more\n");
    scene.look();
  }
  CHECK(scene.records().empty());
  scene.pass(3s);
  CHECK(scene.records().size() == 1);
}

TEST_CASE("record end: an open group is read again after a crash", "[sources][record_end]") {
  Scene scene(groups());
  scene.write("/log/a", "one\n 1\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.restart();
  scene.write("/log/a", " 2\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(3s);
  CHECK(scene.records() == Lines{"one\n 1\n 2"});
}

TEST_CASE("record end: a stored group that grew before its checkpoint loses nothing",
          "[sources][record_end]") {
  Scene scene(groups(), 3);
  scene.write("/log/a", "one\n 1\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  store_only(scene, 3s);
  REQUIRE(scene.records() == Lines{"one\n 1"});
  scene.restart();
  scene.write("/log/a", " 2\n 3\ntwo\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(5s);
  Lines records = scene.records();
  std::sort(records.begin(), records.end());
  CHECK(records == Lines{" 2\n 3", "one\n 1", "two"});
}

// What follows a record that only time ended is of another origin, whoever delivers it: records of
// one origin are the same when its bytes are read again.
TEST_CASE("record end: truncated behind a stored group that grew", "[sources][record_end]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    Scene scene(groups(), 1, seed);
    const std::string stored = "one\n 1\n";
    scene.write("/log/a", stored);
    scene.rig->add("/log/a", 1);
    scene.run();
    store_only(scene, 3s);
    REQUIRE(scene.durable.shards[0].marks.size() == 1);
    scene.restart();
    scene.write("/log/a", " 2\n 3\ntwo\nthree\n");
    scene.world.faults().set("", {.delay = 1});
    scene.rig->add("/log/a", 1);
    for (std::uint64_t i = 0; i < seed; ++i) {
      scene.rig->tick();
      scene.rig->answer();
      scene.world.clock().advance(1ms);
    }
    scene.truncate("/log/a");
    scene.world.faults().switch_on(false);
    for (int i = 0; i < 100; ++i) {  // until the read under way is back
      scene.rig->tick();
      scene.world.clock().advance(1ms);
    }
    const auto [origin, mark] = *scene.durable.shards[0].marks.begin();
    scene.look();
    scene.pass(5s);
    CHECK(mark == stored.size());
    CHECK(scene.durable.shards[0].marks.at(origin) == mark);
  }
}

TEST_CASE("record end: what a truncation takes from an open group was seen and is kept (F03)",
          "[sources][record_end]") {
  Scene scene(groups());
  scene.write("/log/a", "one\n 1\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.truncate("/log/a");
  scene.look();
  scene.write("/log/a", " new\nlines\n");
  scene.look();
  scene.pass(5s);
  CHECK(scene.records() == Lines{"one\n 1", " new", "lines"});
  CHECK(scene.counters().bytes_lost_unread.value() == 0);
}

TEST_CASE("record end: a group longer than a read's buffer is one record",
          "[sources][record_end]") {
  rig::Options options = groups(600);
  options.framer.line_bytes_max = 1000;
  options.groups.bytes_max = 5000;
  Scene scene(options);
  std::string group = "first\n";
  for (int i = 0; i < 90; ++i) group += " line " + std::to_string(i) + " of a long group\n";
  scene.write("/log/a", "before\n" + group + "after\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(3s);
  CHECK(scene.records() == Lines{"before", group.substr(0, group.size() - 1), "after"});
}

TEST_CASE("record end: an endless line after an open group stops nothing",
          "[sources][record_end]") {
  const auto policy = GENERATE(pipeline::LongLines::truncate, pipeline::LongLines::reject,
                               pipeline::LongLines::split);
  rig::Options options = groups(600);
  options.framer = {.line_bytes_max = 1000, .long_lines = policy};
  options.groups.bytes_max = 3000;
  Scene scene(options);
  scene.write("/log/a", "one\n 1\n " + std::string(50'000, 'x'));
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(3s);
  REQUIRE(!scene.records().empty());
  CHECK(scene.records().front() == "one\n 1");
  scene.write("/log/a", "\ntwo\n");
  scene.look();
  scene.pass(3s);
  CHECK(scene.records().back() == "two");
}

TEST_CASE("record end: a group of a rotated file ends before its successor begins (F64)",
          "[sources][record_end]") {
  Scene scene(groups());
  scene.write("/log/a.1", "old\n 1\n");
  scene.write("/log/a", "new\nnewer\n");
  sources::FoundFile old = scene.rig->find("/log/a.1", 1);
  old.rotated = true;
  scene.rig->tails().add(std::move(old));
  sources::FoundFile next = scene.rig->find("/log/a", 2);
  next.after = {1};
  scene.rig->tails().add(std::move(next));
  scene.run();
  CHECK(scene.records().empty());
  scene.pass(6s);
  CHECK(scene.records() == Lines{"old\n 1", "new", "newer"});
}

TEST_CASE("record end: a line without newline is taken after its time, or never (F37)",
          "[sources][record_end]") {
  const bool ever = GENERATE(true, false);
  Scene scene(partial(ever ? 1s : 0s));
  scene.write("/log/a", "one\nab");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(900ms);
  CHECK(scene.records() == Lines{"one"});
  scene.pass(1s);
  scene.write("/log/a", "cd\n");
  scene.look();
  scene.pass(100ms);
  CHECK(scene.records() == (ever ? Lines{"one", "ab", "cd"} : Lines{"one", "abcd"}));
}

TEST_CASE("record end: the time of a half line begins anew when its file was emptied",
          "[sources][record_end]") {
  Scene scene(partial(5s));
  scene.write("/log/a", "aaaaaaaa");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(4900ms);
  scene.truncate("/log/a");
  scene.write("/log/a", "b");
  scene.pass(1s);  // the time of the former line is up
  scene.look();
  CHECK(scene.records().empty());
  scene.write("/log/a", "c\n");
  scene.look();
  CHECK(scene.records() == Lines{"bc"});
}

TEST_CASE("record end: only the newline of a line taken already is no record",
          "[sources][record_end]") {
  const std::string newline = GENERATE("\n", "\r\n");
  const bool crash = GENERATE(true, false);
  Scene scene(partial(1s));
  scene.write("/log/a", "ab");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(2s);
  REQUIRE(scene.records() == Lines{"ab"});
  if (crash) {
    scene.restart();
    scene.rig->add("/log/a", 1);
    scene.run();
  }
  scene.write("/log/a", newline + "\ncd\n");
  scene.look();
  scene.pass(100ms);
  CHECK(scene.records() == Lines{"ab", "", "cd"});
}

TEST_CASE("record end: a stored piece of a line that grew before its checkpoint hides nothing",
          "[sources][record_end]") {
  Scene scene(partial(1s));
  scene.write("/log/a", "ab");
  scene.rig->add("/log/a", 1);
  scene.run();
  store_only(scene, 2s);
  REQUIRE(scene.records() == Lines{"ab"});
  scene.restart();
  scene.write("/log/a", "cd\nef\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(3s);
  CHECK(scene.records() == Lines{"ab", "cd", "ef"});
}

TEST_CASE("record end: lines of an open group are kept from a truncation only while undelivered",
          "[sources][record_end]") {
  Scene scene(groups(600));
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  std::string more;
  for (int i = 0; i < 200; ++i) more += "line " + std::to_string(i) + "\n";
  scene.write("/log/a", more);
  scene.rig->tails().look(1);
  for (int i = 0; i < 1000 && scene.counters().bytes_read.value() == 0; ++i) {
    scene.world.clock().advance(1ms);
    scene.rig->tick();  // to one read, which is not the last
    scene.rig->answer();
  }
  REQUIRE(scene.counters().bytes_read.value() > 0);
  scene.truncate("/log/a");
  scene.write("/log/a", "two\n");
  scene.run();
  scene.pass(5s);
  const Lines records = scene.records();
  CHECK(std::count(records.begin(), records.end(), "one") == 1);
  CHECK(records.back() == "two");
}

TEST_CASE("record end: with --once, what follows a mark is read before the end",
          "[sources][record_end]") {
  rig::Options options;
  options.tail.once = true;
  Scene scene(options);
  scene.write("/log/a", "ab");
  scene.rig->add("/log/a", 1);
  store_only(scene, 500ms);
  REQUIRE(scene.records() == Lines{"ab"});
  scene.restart();
  scene.write("/log/a", "cd\nef\n");
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 10'000 && !scene.rig->tails().at_end(); ++i) scene.rig->run();
  scene.rig->run();
  CHECK(scene.records() == Lines{"ab", "cd", "ef"});
}

TEST_CASE("record end: a file emptied into a hole is not read again and again",
          "[sources][record_end]") {
  Scene scene(partial(1s));
  scene.write("/log/a", "par");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.truncate("/log/a");
  scene.truncate("/log/a", 3000);
  scene.look();
  const std::uint64_t before = scene.counters().reads.value();
  scene.pass(10s);
  CHECK(scene.counters().reads.value() < before + 20);
}

// Groups and pieces of lines, time and kills at random: whatever the records are, put together they
// are what was written, once.
TEST_CASE("record end: whatever ends them, records are the file, once", "[sources][record_end]") {
  const auto seed = static_cast<unsigned>(GENERATE(range(0, 60)));
  CAPTURE(seed);
  std::mt19937 random(seed);
  rig::Options options = groups(700);
  options.framer.line_bytes_max = 200;
  options.groups.timeout = 300ms;
  options.groups.bytes_max = 900;
  Scene scene(options, 1, seed);
  std::string all;
  scene.write("/log/a", "");
  scene.rig->add("/log/a", 1);
  for (int step = 0; step < 400; ++step) {
    if (random() % 4 == 0) {
      std::string more;
      for (auto lines = random() % 6; lines > 0; --lines) {
        more += std::string(random() % 3 == 0 ? 0 : 1, ' ') + std::to_string(step) + "-" +
                std::to_string(lines) + std::string(random() % 150, 'x') + "\n";
      }
      all += more;
      scene.write("/log/a", more);
      scene.rig->tails().look(1);
    }
    scene.world.clock().advance(std::chrono::milliseconds(random() % 60));
    scene.rig->tick();
    scene.rig->answer();
    if (random() % 2 == 0) scene.rig->deliver(0);
    if (scene.rig->unsettled() > 0 && random() % 3 == 0) scene.rig->settle(0);
    if (random() % 40 == 0) {
      scene.restart();
      scene.rig->add("/log/a", 1);
    }
  }
  scene.run();
  scene.pass(5s);
  const std::string found = joined(scene.records());
  const auto at = std::ranges::mismatch(found, all).in1 - found.begin();
  INFO("differs at " << at << ": " << found.substr(std::max<long>(at - 100, 0), 200));
  CHECK(found.size() == all.size());
  CHECK((found == all));
}
