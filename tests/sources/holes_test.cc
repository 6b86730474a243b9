// Holes in files: passed over where a line may begin, kept up to max_line inside of one. The
// simulated disk takes every block of 4,096 NULs for a hole.
#include <chrono>
#include <cstddef>
#include <string>

#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using pipeline::LongLines;
using scene::Lines;
using scene::numbered;
using scene::Scene;
using scene::split;
using scene::with;

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kChunk = 2 * kBlock;  // a read that sees a whole block
constexpr std::size_t kLine = 1000;         // max_line

std::string nuls(std::size_t bytes) { return std::string(bytes, '\0'); }

// `text` and NULs behind it up to `end`.
std::string filled(const std::string& text, std::size_t end) {
  return text + nuls(end - text.size());
}

}  // namespace

TEST_CASE("holes: one between two lines is passed over and counted (F49)", "[sources][holes]") {
  const std::string first =
      GENERATE(std::string("one\n"), numbered(0, 900), std::string(kBlock - 1, 'x') + "\n");
  const std::size_t hole = GENERATE(std::size_t{64} << 10, (std::size_t{200} << 10) + 5);
  const LongLines policy = GENERATE(LongLines::split, LongLines::truncate, LongLines::reject);
  CAPTURE(first.size(), hole, policy);
  const std::size_t end = (first.size() + kBlock - 1) / kBlock * kBlock + hole;
  Scene scene(with(policy, 8000, kChunk));
  scene.write("/log/a", filled(first, end) + "two\nthree\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == split(first + "two\nthree\n"));
  CHECK(scene.counters().nul_bytes_skipped.value() == end - first.size());
  scene.pass(1s);
  scene.restart();  // and what is stored is not stored again
  scene.rig->add("/log/a", 1);
  scene.write("/log/a", "four\n");
  scene.run();
  CHECK(scene.records() == split(first + "two\nthree\nfour\n"));
}

TEST_CASE("holes: killed at any moment, every line around one is stored once", "[sources][holes]") {
  std::string text;
  Lines expected;
  for (int piece = 0; piece < 4; ++piece) {
    const std::string lines = numbered(piece * 100, piece * 100 + 30);
    text += lines;
    for (const std::string& line : split(lines)) expected.push_back(line);
    text = filled(text, (text.size() / kBlock + 20) * kBlock);
  }
  text += "the end\n";
  expected.emplace_back("the end");
  for (int life = 0; life < 120; life += 3) {
    CAPTURE(life);
    Scene scene(with(LongLines::split, kLine, kChunk));
    scene.write("/log/a", text);
    scene.rig->add("/log/a", 1);
    for (int i = 0; i < life; ++i) {
      scene.rig->tick();
      scene.rig->answer();
      if (i % 2 == 0) scene.rig->deliver(0);
      if (i % 5 == 0 && scene.rig->unsettled() > 0) scene.rig->settle(0);
      scene.world.clock().advance(1ms);
    }
    scene.restart();
    scene.rig->add("/log/a", 1);
    scene.run();
    CHECK(scene.records() == expected);
  }
}

TEST_CASE("holes: a line with one keeps its NULs up to max_line (F49)", "[sources][holes]") {
  Scene scene(with(LongLines::split, kLine, kChunk));
  const std::size_t end = 30 * kBlock;
  scene.write("/log/a", filled("before\nabc", end) + "def\nafter\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"before", filled("abc", kLine), "def", "after"});
  CHECK(scene.counters().nul_bytes_skipped.value() == end - 7 - kLine);
}

TEST_CASE("holes: in a line that is cut they are not read", "[sources][holes]") {
  const LongLines policy = GENERATE(LongLines::truncate, LongLines::reject);
  CAPTURE(policy);
  Scene scene(with(policy, kLine, kChunk));
  const std::size_t end = 500 * kBlock;
  scene.write("/log/a", filled("before\nabc", end) + "def\nafter\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  if (policy == LongLines::truncate) {
    CHECK(scene.records() == Lines{"before", filled("abc", kLine), "after"});
  } else {
    CHECK(scene.records() == Lines{"before", "after"});
  }
  CHECK(scene.counters().reads.value() < 60);              // 2 MB in pieces of 8 KB would be 250
  CHECK(scene.counters().nul_bytes_skipped.value() == 0);  // they went with the line
}

TEST_CASE("holes: shorter than 64 KiB they are bytes like others", "[sources][holes]") {
  Scene scene(with(LongLines::split, 100'000, kChunk));
  scene.write("/log/a", filled("one\n", 16 * kBlock) + "two\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", nuls(16 * kBlock - 4) + "two"});
  CHECK(scene.counters().nul_bytes_skipped.value() == 0);
}

TEST_CASE("holes: one at the end waits for what is written into it", "[sources][holes]") {
  Scene scene(with(LongLines::split, kLine, kChunk));
  scene.write("/log/a", filled("one\n", 100 * kBlock));
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one"});
  CHECK(scene.rig->tails().at_end());
  scene.world.disk().write(*scene.world.disk().find("/log/a"), "two\nthree\n", 4);
  scene.look();
  CHECK(scene.records() == Lines{"one", "two", "three"});
  CHECK(scene.counters().nul_bytes_skipped.value() == 0);
}

TEST_CASE("holes: one ends an open group of lines, killed at any moment (F47)",
          "[sources][holes]") {
  rig::Options options = with(LongLines::split, kLine, kChunk);
  options.groups.by = pipeline::GroupLines::indented;
  options.groups.timeout = 2s;
  std::string text;
  for (const char* group : {"one\n 1\n", "two\n 2\n", "three\nfour\n 4\n"}) {
    text = filled(text + group, (text.size() / kBlock + 20) * kBlock);
  }
  text += "five\n 5\n";
  for (int life = 0; life < 150; life += 3) {
    CAPTURE(life);
    Scene scene(options);
    scene.write("/log/a", text);
    scene.rig->add("/log/a", 1);
    for (int i = 0; i < life; ++i) {
      scene.rig->tick();
      scene.rig->answer();
      if (i % 2 == 0) scene.rig->deliver(0);
      if (i % 3 == 0 && scene.rig->unsettled() > 0) scene.rig->settle(0);
      scene.world.clock().advance(1ms);
    }
    scene.restart();
    scene.rig->add("/log/a", 1);
    scene.pass(5s);
    CHECK(scene.records() == Lines{"one\n 1", "two\n 2", "three", "four\n 4", "five\n 5"});
  }
}

TEST_CASE("holes: one that came after its group was stored changes no records",
          "[sources][holes]") {
  rig::Options options = with(LongLines::split, kLine, kChunk);
  options.groups.by = pipeline::GroupLines::end;
  options.groups.pattern = "end$";
  const std::string first = "1 end\n2\n2 end\n";
  Scene scene(options);
  scene.write("/log/a", first);
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.write("/log/a", nuls(21 * kBlock - first.size()) + "3\n3 end\n4 end\n");
  scene.look();
  const Lines expected = {"1 end", "2\n2 end", "3\n3 end", "4 end"};
  CHECK(scene.records() == expected);
  scene.restart();  // killed before any of it was noted
  scene.rig->add("/log/a", 1);
  scene.pass(5s);
  CHECK(scene.records() == expected);
}

TEST_CASE("holes: room made in advance waits also in the middle of a line", "[sources][holes]") {
  const LongLines policy = GENERATE(LongLines::split, LongLines::truncate, LongLines::reject);
  const std::size_t lines = GENERATE(0, 1, 20, 900);
  CAPTURE(policy, lines);
  Scene scene(with(policy, kLine, kChunk));
  const std::string text = numbered(0, static_cast<int>(lines)) + "half";
  scene.write("/log/a", filled(text, text.size() / kBlock * kBlock + kBlock + (200 << 10)));
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == split(numbered(0, static_cast<int>(lines))));
  const sim::NodeRef node = scene.world.disk().find("/log/a");
  const std::uint64_t reads = scene.counters().reads.value();
  scene.pass(60s);
  CHECK(scene.counters().reads.value() <= reads + 1);  // it waits, it does not try
  scene.world.disk().write(*node, " a line\nnext\n", text.size());
  scene.look();
  CHECK(scene.records() == split(text + " a line\nnext\n"));
  scene.restart();
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.world.disk().write(*node, "last\n", text.size() + 13);
  scene.look();
  CHECK(scene.records() == split(text + " a line\nnext\nlast\n"));
}

TEST_CASE("holes: one behind a header", "[sources][holes]") {
  const LongLines policy = GENERATE(LongLines::split, LongLines::truncate, LongLines::reject);
  const std::size_t line = GENERATE(std::size_t{1} << 20, kLine);
  CAPTURE(policy, line);
  auto options = with(policy, line, std::size_t{240} << 10);
  options.tail.header_lines = 1;
  Scene scene(options);
  scene.write("/log/a", filled("h,i\n", std::size_t{128} << 10) + numbered(0, 200));
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == split(numbered(0, 200)));
  scene.write("/log/a", "more\n");
  scene.rig->tails().look_at_all();
  scene.run();
  CHECK(scene.records() == split(numbered(0, 200) + "more\n"));
}
