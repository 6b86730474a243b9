// FileTail on a simulated machine.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::numbered;
using scene::Scene;
using scene::split;
using scene::with;

}  // namespace

TEST_CASE("file tail: reads what is there, then what comes", "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\ntwo\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.rig->tails().at_end());
  scene.write("/log/a", "three\n");
  scene.look();
  CHECK(scene.records() == Lines{"one", "two", "three"});
  CHECK(scene.counters().bytes_read.value() == 14);
}

TEST_CASE("file tail: a hint without growth costs one read", "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", numbered(0, 100));
  scene.rig->add("/log/a", 1);
  scene.run();
  const std::uint64_t before = scene.counters().reads.value();
  scene.look();
  CHECK(scene.counters().reads.value() == before + 1);
}

TEST_CASE("file tail: a hint during a read brings another look", "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  for (int i = 0; i < 50; ++i) {
    scene.rig->tails().look(1);
    scene.rig->tick();  // the read is on its way and may have seen the file already
    scene.write("/log/a", "line " + std::to_string(i) + "\n");
    scene.look();
    REQUIRE(scene.records().size() == static_cast<std::size_t>(i) + 2);
  }
}

TEST_CASE("file tail: an unfinished line waits for its end, wherever it is cut",
          "[sources][file_tail]") {
  Scene scene;
  scene.rig.reset();
  scene.rig.emplace(*scene.environment, scene.durable, scene.options);
  scene.write("/log/a", "");
  scene.rig->add("/log/a", 1);
  for (const char c : std::string("a\r\n\nbc\r\r\nd\n")) {
    scene.write("/log/a", std::string(1, c));
    scene.look();
  }
  CHECK(scene.records() == Lines{"a", "", "bc\r", "d"});
}

TEST_CASE("file tail: after a crash it goes on at the checkpoint and skips what is stored",
          "[sources][file_tail]") {
  Scene scene({}, 3);
  scene.write("/log/a", numbered(0, 500));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 200; ++i) {  // deliver some, settle nothing
    scene.rig->tick();
    scene.rig->answer();
    scene.world.clock().advance(1ms);
    if (i > 20) scene.rig->deliver(static_cast<std::uint32_t>(i % 2));
  }
  const std::size_t stored = scene.records().size();
  CHECK(stored > 0);
  CHECK(stored < 500);
  scene.restart();
  scene.rig->add("/log/a", 1);
  scene.run();
  Lines all = scene.records();
  std::sort(all.begin(), all.end());
  Lines expected = split(numbered(0, 500));
  std::sort(expected.begin(), expected.end());
  CHECK(all == expected);
}

TEST_CASE("file tail: half a line at the end of a life is a whole line in the next (F39)",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\nhal");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(1s);
  scene.restart();
  scene.write("/log/a", "f\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "half"});
}

TEST_CASE("file tail: truncation is a new generation, seen live or after a restart (F03, F05)",
          "[sources][file_tail]") {
  const bool live = GENERATE(true, false);
  const int after = GENERATE(0, 1, 5, 40, 400);  // lines written after it: fewer, as many, more
  CAPTURE(live, after);
  Scene scene;
  scene.write("/log/a", numbered(0, 40));
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(1s);
  if (!live) scene.stop();
  scene.truncate("/log/a");
  scene.write("/log/a", numbered(1000, 1000 + after));
  if (live) {
    scene.look();
    CHECK(scene.counters().files_truncated.value() == 1);
  } else {
    scene.start();
    scene.rig->add("/log/a", 1);
  }
  scene.run();
  CHECK(scene.records() == split(numbered(0, 40) + numbered(1000, 1000 + after)));
  if (after == 0) return;
  scene.pass(1s);
  const auto known = scene.durable.known();
  REQUIRE(known.size() == 1);
  CHECK(known.front().generation == 1);
}

TEST_CASE("file tail: NULs before a generation's first byte are passed over and counted (F07)",
          "[sources][file_tail]") {
  const std::size_t nuls = GENERATE(1, 255, 256, 257, 4096, 100'000, 600'000);
  const bool live = GENERATE(true, false);
  CAPTURE(nuls, live);
  Scene scene;
  scene.write("/log/a", "before\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.truncate("/log/a");
  scene.write("/log/a", std::string(nuls, '\0'));
  scene.look();  // nothing but NULs yet: what is written now may as well be their start
  CHECK(scene.records() == Lines{"before"});
  if (!live) {
    scene.restart();
    scene.rig->add("/log/a", 1);
  }
  scene.write("/log/a", std::string("one\n\0two\n", 9));
  live ? scene.look() : scene.run();
  CHECK(scene.counters().nul_bytes_skipped.value() == nuls);
  scene.pass(1s);
  scene.restart();  // and what is stored is not stored again
  scene.rig->add("/log/a", 1);
  scene.write("/log/a", "three\n");
  scene.run();
  CHECK(scene.records() == Lines{"before", "one", std::string("\0two", 4), "three"});
}

TEST_CASE("file tail: a file made of NULs in advance is read from its start",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", std::string(10'000, '\0'));
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.rig->tails().at_end());
  scene.world.disk().write(*scene.world.disk().find("/log/a"), "one\ntwo\n", 0);
  scene.look();
  CHECK(scene.records() == Lines{"one", "two"});
}

TEST_CASE("file tail: refilled before the first watermark was written, it is read from its start",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", numbered(0, 40));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 50; ++i) {  // stored, but no watermark gets into the log
    scene.rig->tick();
    scene.rig->answer();
    scene.rig->deliver(0);
    scene.world.clock().advance(1ms);
  }
  REQUIRE(scene.records().size() == 40);
  REQUIRE(scene.durable.known().front().offset == 0);
  scene.stop();
  scene.truncate("/log/a");
  scene.write("/log/a", numbered(100, 200));
  scene.start();
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == split(numbered(0, 40) + numbered(100, 200)));
}

TEST_CASE("file tail: refilled with lines as long that end alike, it is read from its start (F04)",
          "[sources][file_tail]") {
  const auto lines = [](int from, int to) {
    std::string text;
    for (int i = from; i < to; ++i) text += std::to_string(i) + std::string(100, 'x') + "\n";
    return text;
  };
  Scene scene;
  scene.write("/log/a", lines(1000, 1040));
  scene.rig->add("/log/a", 1);
  scene.run();
  REQUIRE(scene.records().size() == 40);
  const bool restarted = GENERATE(true, false);
  CAPTURE(restarted);
  if (restarted) scene.stop();
  scene.truncate("/log/a");
  scene.write("/log/a", lines(2000, 2050));
  if (restarted) {
    scene.start();
    scene.rig->add("/log/a", 1);
  } else {
    scene.look();
  }
  scene.run();
  CHECK(scene.records() == split(lines(1000, 1040) + lines(2000, 2050)));
}

TEST_CASE("file tail: registered by a few bytes, it is known by more before anything is stored",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "l");  // of a first line: many begin so
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.write("/log/a", "ine one\nline two\n");
  scene.rig->tails().look(1);
  for (int i = 0; i < 50; ++i) {  // stored, but the checkpoint says nothing of it yet
    scene.rig->tick();
    scene.rig->answer();
    scene.rig->deliver(0);
    scene.world.clock().advance(1ms);
  }
  REQUIRE(scene.records() == Lines{"line one", "line two"});
  scene.stop();
  scene.truncate("/log/a");
  scene.write("/log/a", "lines of another kind, and longer ones\nlast\n");
  scene.start();
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() ==
        Lines{"line one", "line two", "lines of another kind, and longer ones", "last"});
}

TEST_CASE("file tail: nothing of a new generation is delivered before the old one is settled",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", numbered(0, 40));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 50; ++i) {
    scene.rig->tick();
    scene.rig->answer();
    scene.world.clock().advance(1ms);
  }
  REQUIRE(scene.rig->undelivered() == 1);
  scene.truncate("/log/a");
  scene.write("/log/a", "new\n");
  scene.rig->tails().look(1);
  for (int i = 0; i < 50; ++i) {
    scene.rig->tick();
    scene.rig->answer();
    scene.world.clock().advance(1ms);
  }
  CHECK(scene.rig->undelivered() == 1);
  CHECK_FALSE(scene.rig->tails().idle());
  scene.run();
  CHECK(scene.records() == split(numbered(0, 40) + "new\n"));
}

TEST_CASE("file tail: read errors and short reads lose nothing", "[sources][file_tail]") {
  const auto seed = GENERATE(range(1U, 21U));
  CAPTURE(seed);
  rig::Options options;
  options.chunk_bytes = 512;
  Scene scene(options, 2, seed);
  scene.world.faults().set("/log", {.short_read = 0.4, .read_error = 0.1});
  scene.write("/log/a", numbered(0, 300));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 300; ++i) {
    scene.pass(50ms);
    if (i % 30 == 0) {
      scene.write("/log/a", numbered(300 + i, 301 + i));
      scene.rig->tails().look(1);
    }
  }
  scene.world.faults().switch_on(false);
  scene.pass(11s);
  Lines all = scene.records();
  CHECK(all.size() == 310);
  std::sort(all.begin(), all.end());
  CHECK(std::unique(all.begin(), all.end()) == all.end());
  CHECK(scene.counters().files_truncated.value() == 0);
}

TEST_CASE("file tail: long lines by policy, with neighbours intact (F45)", "[sources][file_tail]") {
  using pipeline::LongLines;
  const std::size_t bytes = GENERATE(180, 191, 192, 193, 255, 256, 257, 511, 512, 513, 767, 768,
                                     769, 999, 1000, 1001, 1002, 2000, 2001, 5000);
  const LongLines policy = GENERATE(LongLines::split, LongLines::truncate, LongLines::reject);
  CAPTURE(bytes, static_cast<int>(policy));
  Scene scene(with(policy, 1000));
  const std::string line = std::string(bytes, 'x');
  scene.write("/log/a", "before\n" + line.substr(0, bytes / 2));
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.write("/log/a", line.substr(bytes / 2) + "\nafter\n");
  scene.look();
  const Lines records = scene.records();
  REQUIRE(records.size() >= 2);
  CHECK(records.front() == "before");
  CHECK(records.back() == "after");
  std::string between;
  for (std::size_t i = 1; i + 1 < records.size(); ++i) {
    CHECK(records[i].size() <= 1000);
    between += records[i];
  }
  const bool fits = bytes <= 1000;
  if (policy == LongLines::split || fits) CHECK(between == line);
  if (policy == LongLines::truncate && !fits) CHECK(between == line.substr(0, 1000));
  if (policy == LongLines::reject && !fits) {
    CHECK(between.empty());
    CHECK(scene.durable.dead_letters() == Lines{line.substr(0, 1000)});
  }
  CHECK(scene.rig->budget().available_bytes() == 1 << 20);
}

TEST_CASE("file tail: a long line that comes byte by byte is not read again and again",
          "[sources][file_tail]") {
  Scene scene(with(pipeline::LongLines::split, 200'000, 4096));
  scene.write("/log/a", std::string(100'000, 'x'));
  scene.rig->add("/log/a", 1);
  scene.run();
  const std::uint64_t before = scene.counters().reads.value();
  for (int i = 0; i < 100; ++i) {
    scene.write("/log/a", "y");
    scene.look();
  }
  CHECK(scene.counters().reads.value() <= before + 200);  // one for the byte, one for the end
  scene.write("/log/a", "\n");
  scene.look();
  CHECK(scene.records() == Lines{std::string(100'000, 'x') + std::string(100, 'y')});
}

TEST_CASE("file tail: a budget smaller than one long line does not stop it",
          "[sources][file_tail]") {
  rig::Options options = with(pipeline::LongLines::split, 10'000);
  options.budget_bytes = 1024;
  Scene scene(options);
  scene.write("/log/a", "before\n" + std::string(9'000, 'x') + "\nafter\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"before", std::string(9'000, 'x'), "after"});
  CHECK(scene.rig->budget().available_bytes() == 1024);
}

TEST_CASE("file tail: without credit it waits, and goes on when some comes back",
          "[sources][file_tail]") {
  rig::Options options;
  options.chunk_bytes = 1024;
  options.budget_bytes = 4096;
  Scene scene(options);
  scene.write("/log/a", numbered(0, 5000));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 500; ++i) {
    scene.rig->tick();
    scene.rig->answer();
    scene.world.clock().advance(1ms);
  }
  CHECK(scene.rig->undelivered() > 0);
  CHECK(scene.rig->undelivered() < 10);
  scene.run();
  CHECK(scene.records() == split(numbered(0, 5000)));
}

TEST_CASE("file tail: a rotated file is drained, followed for rotate_wait, then let go (F01)",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.world.disk().rename("/log/a", "/log/a.1");
  scene.rig->tails().detached(1, "/log/a.1");
  scene.pass(20s);
  scene.write("/log/a.1", "late\n");  // no hint: found by looking
  scene.pass(29s);
  CHECK(scene.rig->tails().files() == 1);
  CHECK(scene.records() == Lines{"one", "late"});
  scene.pass(3s);
  CHECK(scene.rig->tails().files() == 0);
  CHECK(scene.rig->closed() == std::vector<std::uint64_t>{1});
  REQUIRE(scene.durable.known().size() == 1);  // it still exists: it must not be read again
  CHECK(scene.durable.known().front().path == "/log/a");
  CHECK(scene.process->open_handles() == 0);
}

TEST_CASE("file tail: a deleted file ends with its unfinished line and leaves no checkpoint (F38)",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\nhalf");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.world.disk().remove("/log/a");
  scene.rig->tails().detached(1, "");
  scene.pass(32s);
  CHECK(scene.records() == Lines{"one", "half"});
  CHECK(scene.rig->tails().files() == 0);
  CHECK(scene.durable.checkpoints.empty());
  CHECK(scene.counters().files_deleted.value() == 1);
}

TEST_CASE("file tail: not let go while anything of it is unsettled", "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.rig->tails().detached(1, "");
  for (int i = 0; i < 1000; ++i) {
    scene.rig->tick();
    scene.rig->answer();
    scene.world.clock().advance(100ms);
  }
  CHECK(scene.rig->tails().files() == 1);
  CHECK(scene.rig->tails().oldest_unsettled() < scene.world.clock().monotonic() - 60s);
  scene.run();
  CHECK(scene.rig->tails().files() == 0);
  CHECK(scene.rig->tails().oldest_unsettled() == base::Instant::max());
}

TEST_CASE("file tail: a byte order mark is no part of the first line, in any generation (F44)",
          "[sources][file_tail]") {
  const std::size_t first = GENERATE(1, 2, 3, 4, 7, 9);  // bytes that are there when it is found
  CAPTURE(first);
  Scene scene;
  const std::string bytes = "\xef\xbb\xbfone\n\xef\xbb\xbftwo\n";
  scene.write("/log/a", bytes.substr(0, first));
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.write("/log/a", bytes.substr(first));
  scene.look();
  CHECK(scene.records() == Lines{"one", "\xef\xbb\xbftwo"});
  CHECK(scene.counters().bom_bytes_skipped.value() == 3);
  scene.restart();
  scene.rig->add("/log/a", 1);
  scene.write("/log/a", "three\n");
  scene.run();
  scene.look();
  CHECK(scene.records() == Lines{"one", "\xef\xbb\xbftwo", "three"});
  scene.truncate("/log/a");
  scene.write("/log/a", "\xef\xbb\xbf");
  scene.look();
  scene.write("/log/a", "four\n");
  scene.look();
  CHECK(scene.records() == Lines{"one", "\xef\xbb\xbftwo", "three", "four"});
}

TEST_CASE("file tail: killed at any moment, a byte order mark changes nothing (F44)",
          "[sources][file_tail]") {
  for (int steps = 0; steps < 12; ++steps) {
    CAPTURE(steps);
    Scene scene;
    scene.write("/log/a", "\xef\xbb\xbfone\ntwo\n");
    scene.rig->add("/log/a", 1);
    for (int i = 0; i < steps; ++i) {
      scene.rig->tick();
      if (i % 2 == 1 && scene.rig->writes() > 0) scene.rig->answer();
      if (i % 3 == 2) scene.rig->deliver(0);
      scene.world.clock().advance(1ms);
    }
    scene.restart();
    scene.rig->add("/log/a", 1);
    scene.run();
    CHECK(scene.records() == Lines{"one", "two"});
  }
}
