// Lines that end otherwise than with a newline, as FileTail reads them.
#include "pipeline/delimiter.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/pipeline/chunks.h"
#include "tests/sources/compressed_bytes.h"
#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using pipeline::Delimiter;
using pipeline::LongLines;
using scene::Lines;
using scene::Scene;

rig::Options delimited(std::string_view delimiter, LongLines policy = LongLines::split,
                       std::size_t line_bytes_max = 100, std::size_t chunk_bytes = 768) {
  rig::Options options = scene::with(policy, line_bytes_max, chunk_bytes);
  options.framer.delimiter = Delimiter(delimiter);
  return options;
}

struct Expected {
  Lines records, rejected;
};

// As the naive splitter says.
Expected expected(std::string_view text, const pipeline::FramerOptions& options) {
  Expected lines;
  for (const pipeline_test::Line& line : pipeline_test::expected_lines(text, options)) {
    (line.rejected ? lines.rejected : lines.records).push_back(line.data);
  }
  std::ranges::sort(lines.records);
  std::ranges::sort(lines.rejected);
  return lines;
}

Lines sorted(Lines lines) {
  std::ranges::sort(lines);
  return lines;
}

void check(const Scene& scene, const Expected& wanted) {
  CHECK(sorted(scene.records()) == wanted.records);
  CHECK(sorted(scene.durable.dead_letters()) == wanted.rejected);
}

// Lines of all lengths around the limits, with beginnings of delimiters in them, whole to the end.
std::string text_with(const std::string& delimiter, sim::SimRandom& random, int lines,
                      std::size_t longest) {
  std::string text;
  for (int i = 0; i < lines; ++i) {
    text += std::to_string(i);
    for (std::size_t bytes = random.below(random.chance(0.2) ? longest : 130); bytes > 0; --bytes) {
      text += "xAB\n\r"[random.below(5)];
      if (random.chance(0.05)) text += delimiter.substr(0, random.below(delimiter.size()));
    }
    text += ';' + delimiter;
  }
  return text;
}

}  // namespace

TEST_CASE("delimiter: lines are those of a naive splitter, whatever is read at once",
          "[sources][delimiter]") {
  for (const std::string& delimiter : {"\0"s, "|"s, "ABAB"s, "AA"s, "0123456789abcdef"s}) {
    for (const LongLines policy : {LongLines::split, LongLines::truncate, LongLines::reject}) {
      for (const std::size_t chunk : {512, 768, 5000}) {
        CAPTURE(delimiter, static_cast<int>(policy), chunk);
        sim::SimRandom random(chunk + delimiter.size());
        const std::string text = text_with(delimiter, random, 300, 3000);
        Scene scene(delimited(delimiter, policy, 100, chunk));
        scene.world.faults().set("", {.short_read = 0.3});
        for (std::size_t at = 0; at < text.size();) {
          const std::size_t bytes = 1 + random.below(3000);
          scene.write("/log/a", std::string_view(text).substr(at, bytes));
          if (at == 0) scene.rig->add("/log/a", 1);
          at += bytes;
          scene.look();
        }
        scene.world.faults().switch_on(false);
        scene.pass(12s);  // longer than any back-off
        check(scene, expected(text, scene.options.framer));
        CHECK(scene.counters().bytes_read.value() == text.size());
      }
    }
  }
}

TEST_CASE("delimiter: a line over many reads ends with a delimiter cut at any byte",
          "[sources][delimiter]") {
  const std::string text = std::string(100'000, 'x') + "ABAB" + "short" + "ABAB";
  for (const LongLines policy : {LongLines::split, LongLines::truncate, LongLines::reject}) {
    for (std::size_t cut = 99'999; cut <= 100'005; ++cut) {
      CAPTURE(static_cast<int>(policy), cut);
      Scene scene(delimited("ABAB", policy, 1000));
      scene.write("/log/a", text.substr(0, cut));
      scene.rig->add("/log/a", 1);
      scene.pass(1s);
      scene.write("/log/a", text.substr(cut));
      scene.look();
      scene.pass(1s);
      check(scene, expected(text, scene.options.framer));
    }
  }
}

TEST_CASE("delimiter: killed at any moment, each line is stored once", "[sources][delimiter]") {
  for (const std::string& delimiter : {"\0"s, "ABAB"s}) {
    for (int moment = 0; moment < 60; ++moment) {
      CAPTURE(delimiter, moment);
      sim::SimRandom random(static_cast<std::uint64_t>(moment));
      const LongLines policy = moment % 3 == 0   ? LongLines::split
                               : moment % 3 == 1 ? LongLines::truncate
                                                 : LongLines::reject;
      const std::string text = text_with(delimiter, random, 200, 400);
      Scene scene(delimited(delimiter, policy), 2, static_cast<std::uint64_t>(moment));
      scene.world.faults().set("", {.short_read = 0.2});
      std::size_t written = 0;
      for (int life = 0; life < 4; ++life) {
        scene.write("/log/a", std::string_view(text).substr(written, text.size() / 5));
        written += text.size() / 5;
        scene.rig->add("/log/a", 1);
        for (int step = 0; step < moment * (life + 1); ++step) {
          scene.rig->tick();
          scene.rig->deliver(static_cast<std::uint32_t>(step % 3));
          if (step % 5 == 0 && scene.rig->unsettled() > 0) scene.rig->settle(0);
          if (step % 2 == 0) scene.rig->answer();
          scene.world.clock().advance(1ms);
        }
        scene.restart();
      }
      scene.world.faults().switch_on(false);
      scene.write("/log/a", std::string_view(text).substr(written));
      scene.rig->add("/log/a", 1);
      scene.pass(1s);
      check(scene, expected(text, scene.options.framer));
    }
  }
}

TEST_CASE("delimiter: holds for what a compressed file is made of", "[sources][delimiter]") {
  sim::SimRandom random(7);
  const std::string text = text_with("ABAB", random, 300, 3000);
  rig::Options options = delimited("ABAB", LongLines::truncate);
  options.tail.inflate = true;
  Scene scene(options);
  scene.write("/log/a", compressed::gzip(text));
  scene.rig->add("/log/a", 1);
  scene.pass(2s);
  check(scene, expected(text, options.framer));
}

TEST_CASE("delimiter: a line that time ended does not leave an empty one behind",
          "[sources][delimiter]") {
  for (const std::string& delimiter : {"\0"s, "ABAB"s, "\r\n"s}) {
    CAPTURE(delimiter);
    rig::Options options = delimited(delimiter);
    options.tail.partial_line_timeout = 1s;
    Scene scene(options);
    scene.write("/log/a", "one" + delimiter + "two");
    scene.rig->add("/log/a", 1);
    scene.pass(2s);
    CHECK(scene.records() == Lines{"one", "two"});
    scene.write("/log/a", delimiter + delimiter + "three" + delimiter);
    scene.look();
    CHECK(scene.records() == Lines{"one", "two", "", "three"});
  }
}

TEST_CASE("delimiter: groups of lines end where the lines do", "[sources][delimiter]") {
  rig::Options options = delimited("ABAB");
  options.groups.by = pipeline::GroupLines::indented;
  Scene scene(options);
  scene.write("/log/a", "oneABAB 2ABAB 3ABABtwoABAB xABABthreeABABAB");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"oneABAB 2ABAB 3", "twoABAB x"});
  scene.pass(3s);
  CHECK(scene.records() == Lines{"oneABAB 2ABAB 3", "twoABAB x", "three"});
  scene.write("/log/a", "xABAB");
  scene.look();
  scene.pass(3s);
  CHECK(scene.records().back() == "ABx");
}

TEST_CASE("delimiter: a file is emptied under an open group, and it is not lost",
          "[sources][delimiter]") {
  rig::Options options = delimited("|");
  options.groups.by = pipeline::GroupLines::indented;
  Scene scene(options);
  scene.write("/log/a", "one| two|half");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.truncate("/log/a");
  scene.write("/log/a", "new|x|");
  scene.look();
  scene.pass(3s);
  CHECK(scene.records() == Lines{"one| two", "new", "x"});
}

TEST_CASE("delimiter: holes are passed over behind any, but not where NULs are lines' ends",
          "[sources][delimiter]") {
  constexpr std::uint64_t kHole = 1 << 20;
  {
    Scene scene(delimited("ABAB", LongLines::split, 100, 65536));
    scene.write("/log/a", "oneABAB");
    scene.truncate("/log/a", kHole);
    scene.write("/log/a", "twoABAB");
    scene.rig->add("/log/a", 1);
    scene.pass(1s);
    CHECK(scene.records() == Lines{"one", "two"});
    CHECK(scene.counters().nul_bytes_skipped.value() == kHole - 7);
  }
  Scene scene(delimited("\0"s));
  scene.write("/log/a", "one\0"s);
  scene.truncate("/log/a", 70'000);
  scene.write("/log/a", "two\0"s);
  scene.rig->add("/log/a", 1);
  scene.pass(3s);
  CHECK(scene.records().size() == 2 + 70'000 - 4);
  CHECK(scene.counters().nul_bytes_skipped.value() == 0);
}
