// Lines that begin and end a file's records by what is in them (F50).
#include <algorithm>
#include <chrono>
#include <string>

#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::numbered;
using scene::Scene;
using scene::split;

rig::Options with(const std::string& header, const std::string& footer,
                  std::size_t chunk_bytes = 768) {
  rig::Options options;
  options.chunk_bytes = chunk_bytes;
  options.tail.header_pattern = header;
  options.tail.footer_pattern = footer;
  return options;
}

std::string comments(int lines, std::size_t bytes = 10) {
  std::string text;
  for (int i = 0; i < lines; ++i) text += "# " + std::string(bytes, 'h') + "\r\n";
  return text;
}

// Everything of /log/a that was read is noted.
bool whole(Scene& scene) {
  scene.pass(1s);
  const auto known = scene.durable.known();
  return known.size() == 1 && known[0].offset == scene.world.disk().content("/log/a").size();
}

}  // namespace

TEST_CASE(
    "edge lines: the first lines that match are left out, however many and wherever reads end",
    "[sources][edges]") {
  const int lines = GENERATE(0, 1, 3, 60, 400);  // 400: more than a read
  const std::size_t chunk = GENERATE(512U, 768U, 4096U);
  const bool mark = GENERATE(false, true);
  CAPTURE(lines, chunk, mark);
  Scene scene(with("^#", "", chunk));
  const std::string text = (mark ? "\xef\xbb\xbf" : "") + comments(lines) +
                           "one\n# no header any more\n" + numbered(0, 100);
  scene.write("/log/a", text);
  scene.rig->add("/log/a", 1);
  scene.run();
  const Lines expected = split("one\n# no header any more\n" + numbered(0, 100));
  CHECK(scene.records() == expected);
  CHECK(scene.counters().header_lines_skipped.value() == static_cast<std::uint64_t>(lines));
  CHECK(whole(scene));
  scene.restart();
  scene.write("/log/a", "# behind\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records().back() == "# behind");
  CHECK(scene.records().size() == expected.size() + 1);
}

TEST_CASE("edge lines: a header that comes byte by byte is judged when its lines are whole",
          "[sources][edges]") {
  Scene scene(with("^#", ""));
  const std::string text = "# one\n# two\n#\nrecord\n# three\n";
  scene.world.disk().put("/log/a", "");
  scene.rig->add("/log/a", 1);
  for (const char byte : text) {
    scene.write("/log/a", std::string(1, byte));
    scene.look();
  }
  CHECK(scene.records() == Lines{"record", "# three"});
  CHECK(scene.counters().header_lines_skipped.value() == 3);
}

TEST_CASE("edge lines: an unfinished line is a header's, or a record when nothing more comes",
          "[sources][edges]") {
  const bool once = GENERATE(false, true);
  const bool header = GENERATE(false, true);
  CAPTURE(once, header);
  rig::Options options = with("^#", "");
  options.tail.once = once;
  if (!once) options.tail.partial_line_timeout = 1s;
  Scene scene(options);
  scene.write("/log/a", comments(2) + (header ? "# unfinished" : "unfinished"));
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records().empty() == (!once || header));
  scene.pass(2s);
  CHECK(scene.records() == (header ? Lines{} : Lines{"unfinished"}));
  const std::uint64_t reads = scene.counters().reads.value();
  scene.pass(2s);
  CHECK(scene.counters().reads.value() == reads);
}

TEST_CASE("edge lines: a line no read shows whole is no header", "[sources][edges]") {
  const std::size_t before = GENERATE(0U, 1U, 5U);
  Scene scene(with("x", "", 512));
  const std::string endless(600, 'x');
  scene.write("/log/a", comments(static_cast<int>(before), 10) + endless + "\nxxx\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  Lines expected;
  if (before > 0)
    expected = Lines(before, "# hhhhhhhhhh");  // they do not match, nor does what follows
  expected.push_back(endless);
  expected.emplace_back("xxx");
  CHECK(scene.records() == expected);
}

TEST_CASE("edge lines: what matches ends the records, and all behind it is passed over and counted",
          "[sources][edges]") {
  const std::size_t chunk = GENERATE(512U, 768U, 4096U);
  const int records = GENERATE(0, 1, 200);
  const int behind = GENERATE(0, 1, 300);
  CAPTURE(chunk, records, behind);
  Scene scene(with("^#", "^END$", chunk));
  const std::string text =
      comments(2) + numbered(0, records) + "END\r\n" + numbered(500, 500 + behind);
  scene.write("/log/a", text);
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == split(numbered(0, records)));
  CHECK(scene.counters().footers.value() == 1);
  const auto skipped = [&] { return scene.counters().footer_bytes_skipped.value(); };
  CHECK(skipped() == 5 + numbered(500, 500 + behind).size());
  CHECK(scene.counters().header_lines_skipped.value() == 2);
  CHECK(scene.rig->tails().lag_bytes() == 0);
  REQUIRE(whole(scene));
  CHECK(scene.durable.known()[0].past_footer);
  // Also what comes later, also after a restart.
  for (const bool restart : {false, true}) {
    if (restart) scene.restart();
    if (restart) scene.rig->add("/log/a", 1);
    scene.write("/log/a", "more\n");
    scene.look();
    CHECK(scene.records() == split(numbered(0, records)));
    CHECK(whole(scene));
  }
  CHECK(skipped() == 5);
  // Until it is another's.
  scene.truncate("/log/a");
  scene.write("/log/a", comments(1) + "anew\nEND\nno\n");
  scene.look();
  Lines expected = split(numbered(0, records));
  expected.emplace_back("anew");
  CHECK(scene.records() == expected);
}

TEST_CASE("edge lines: killed at any moment, each record comes once and nothing behind the last",
          "[sources][edges]") {
  const std::string text = comments(40) + numbered(0, 120) + "END\n" + numbered(900, 990);
  for (int life = 0; life < 90; life += 2) {
    CAPTURE(life);
    Scene scene(with("^#", "^END$", 768));
    const std::size_t there = std::min(static_cast<std::size_t>(life) * 29, text.size());
    scene.write("/log/a", text.substr(0, there));
    scene.rig->add("/log/a", 1);
    for (int i = 0; i < life; ++i) {
      scene.rig->tick();
      scene.rig->answer();
      if (i % 2 == 0) scene.rig->deliver(0);
      if (i % 5 == 0 && scene.rig->unsettled() > 0) scene.rig->settle(0);
      scene.world.clock().advance(10ms);
    }
    scene.restart();
    scene.write("/log/a", text.substr(there));
    scene.rig->add("/log/a", 1);
    scene.run();
    CHECK(scene.records() == split(numbered(0, 120)));
    CHECK(whole(scene));
  }
}

TEST_CASE("edge lines: only whole lines end records, and only short ones", "[sources][edges]") {
  SECTION("a piece of a long line does not") {
    rig::Options options = with("", "^x*$");
    options.framer.line_bytes_max = 50;
    Scene scene(options);
    const std::string line(120, 'x');
    scene.write("/log/a", "one\n" + line + "\ntwo\nxx\nthree\n");
    scene.rig->add("/log/a", 1);
    scene.run();
    CHECK(scene.records() ==
          Lines{"one", line.substr(0, 50), line.substr(0, 50), line.substr(0, 20), "two"});
  }
  SECTION("the rest of a line that was taken unfinished does not") {
    rig::Options options = with("", "^END$");
    options.tail.partial_line_timeout = 1s;
    Scene scene(options);
    scene.write("/log/a", "one\nat the ");
    scene.rig->add("/log/a", 1);
    scene.run();
    scene.pass(2s);
    scene.write("/log/a", "END\n");
    scene.look();
    CHECK(scene.records() == Lines{"one", "at the ", "END"});
  }
  SECTION("an unfinished one does when nothing more comes") {
    rig::Options options = with("", "^END$");
    options.tail.once = true;
    Scene scene(options);
    scene.write("/log/a", "one\nEND");
    scene.rig->add("/log/a", 1);
    scene.run();
    CHECK(scene.records() == Lines{"one"});
    CHECK(scene.counters().footer_bytes_skipped.value() == 3);
  }
}

TEST_CASE("edge lines: half a line that matches ends nothing while it may go on",
          "[sources][edges]") {
  rig::Options options = with("^#", "^END$");
  options.tail.partial_line_timeout = 1s;
  const bool records = GENERATE(false, true);
  Scene scene(options);
  const Lines before = records ? Lines{"one"} : Lines{};
  scene.write("/log/a", records ? "# head\none\nEND" : "# head\nEND");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(3s);
  CHECK(scene.records() == before);
  CHECK(scene.counters().footers.value() == 0);
  const std::uint64_t reads = scene.counters().reads.value();
  scene.pass(3s);
  CHECK(scene.counters().reads.value() == reads);
  SECTION("it goes on") {
    scene.write("/log/a", "ING\ntwo\n");
    scene.look();
    Lines all = before;
    all.insert(all.end(), {"ENDING", "two"});
    CHECK(scene.records() == all);
    CHECK(scene.counters().footers.value() == 0);
    CHECK(whole(scene));
  }
  SECTION("it ends") {
    scene.write("/log/a", "\ntwo\n");
    scene.look();
    CHECK(scene.records() == before);
    CHECK(scene.counters().footers.value() == 1);
    CHECK(whole(scene));
  }
  SECTION("it is let go, and goes on then") {
    scene.world.disk().rename("/log/a", "/log/b");
    scene.rig->tails().detached(1, "/log/b");
    scene.pass(40s);
    REQUIRE(scene.rig->tails().files() == 0);
    CHECK(scene.records() == before);
    scene.write("/log/b", "ING\n");
    scene.rig->add("/log/b", 2);
    scene.run();
    Lines all = before;
    all.emplace_back("ENDING");
    CHECK(scene.records() == all);
  }
  SECTION("nobody can write the rest") {
    REQUIRE(scene.world.disk().remove("/log/a") == 0);
    scene.rig->tails().detached(1, "");
    scene.pass(40s);
    CHECK(scene.rig->tails().files() == 0);
    CHECK(scene.records() == before);
    CHECK(scene.counters().footers.value() == 1);
    CHECK(scene.counters().footer_bytes_skipped.value() == 3);
  }
}

TEST_CASE("edge lines: an open group ends where the records do", "[sources][edges]") {
  rig::Options options = with("^#", "^END$");
  options.groups.by = pipeline::GroupLines::indented;
  Scene scene(options);
  scene.write("/log/a", comments(3) + "one\n two\n three\nEND\n four\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one\n two\n three"});
  REQUIRE(whole(scene));
  scene.restart();
  scene.write("/log/a", "five\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one\n two\n three"});
}

TEST_CASE("edge lines: taken out of the configuration, what follows is read", "[sources][edges]") {
  Scene scene(with("", "^END$"));
  scene.write("/log/a", "one\nEND\nnot read\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  REQUIRE(whole(scene));
  scene.options = with("", "");
  scene.restart();
  scene.write("/log/a", "read\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "read"});
}
