// Lines that are read and not delivered.
#include <algorithm>
#include <span>
#include <string>

#include "tests/sources/compressed_bytes.h"
#include "tests/sources/tail_scene.h"
#include "tests/sources/utf16_bytes.h"
#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using scene::Lines;
using scene::Scene;
using scene::split;

rig::Options skipping_empty(std::size_t chunk_bytes = 768) {
  rig::Options options;
  options.chunk_bytes = chunk_bytes;
  options.empty_lines = pipeline::EmptyLines::skip;
  return options;
}

rig::Options with_header(std::uint32_t lines, std::size_t chunk_bytes = 768) {
  rig::Options options;
  options.chunk_bytes = chunk_bytes;
  options.tail.header_lines = lines;
  return options;
}

std::string header(int lines, std::size_t bytes = 10) {
  std::string text;
  for (int i = 0; i < lines; ++i) text += "# " + std::string(bytes, 'h') + "\n";
  return text;
}

}  // namespace

TEST_CASE(
    "skipped lines: behind empty ones the offset goes on, and a restart does not read them again",
    "[sources][skipped]") {
  Scene scene(skipping_empty());
  const std::string text = "one\n\n\r\n" + std::string(5000, '\n') + "two\n\n";
  scene.write("/log/a", text);
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.counters().bytes_read.value() == text.size());
  scene.pass(1s);
  REQUIRE(scene.durable.known().size() == 1);
  CHECK(scene.durable.known()[0].offset == text.size());
  scene.restart();
  scene.write("/log/a", "\nthree\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "two", "three"});
  CHECK(scene.counters().bytes_read.value() == 7);
}

TEST_CASE("skipped lines: a file of nothing but empty lines is read to its end",
          "[sources][skipped]") {
  Scene scene(skipping_empty());
  scene.write("/log/a", std::string(3000, '\n'));
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records().empty());
  CHECK(scene.rig->tails().at_end());
  CHECK(scene.rig->budget().available_bytes() == static_cast<std::int64_t>(1 << 20));
  CHECK(scene.rig->quiet());
}

TEST_CASE("skipped lines: killed at any moment, each other line is stored once",
          "[sources][skipped]") {
  std::string text;
  Lines lines;
  for (int i = 0; i < 300; ++i) {
    lines.push_back("line " + std::to_string(i));
    text += lines.back() + std::string(1 + i % 3, '\n') + (i % 7 == 0 ? "\r\n" : "");
  }
  std::ranges::sort(lines);
  for (int moment = 0; moment < 60; ++moment) {
    CAPTURE(moment);
    Scene scene(skipping_empty(), 2, static_cast<std::uint64_t>(moment));
    scene.world.faults().set("", {.short_read = 0.2});
    scene.write("/log/a", text);
    for (int life = 0; life < 3; ++life) {
      scene.rig->add("/log/a", 1);
      for (int step = 0; step < moment; ++step) {
        scene.rig->tick();
        if (step % 3 == 0) scene.rig->deliver(static_cast<std::uint32_t>(step % 2));
        if (step % 5 == 0 && scene.rig->unsettled() > 0) scene.rig->settle(0);
        if (step % 2 == 0) scene.rig->answer();
        scene.world.clock().advance(1ms);
      }
      scene.restart();
    }
    scene.world.faults().switch_on(false);
    scene.rig->add("/log/a", 1);
    scene.run();
    Lines records = scene.records();
    std::ranges::sort(records);
    CHECK(records == lines);
  }
}

TEST_CASE("skipped lines: a header is left out, however long it is and wherever reads end",
          "[sources][skipped]") {
  for (const int lines : {1, 3, 100}) {
    for (const std::size_t bytes : {0, 10, 100, 900}) {
      for (const std::size_t chunk : {512, 768, 65536, 262144}) {
        CAPTURE(lines, bytes, chunk);
        Scene scene(with_header(static_cast<std::uint32_t>(lines), chunk));
        scene.world.faults().set("", {.short_read = 0.3});
        scene.write("/log/a", header(lines, bytes) + scene::numbered(0, 100));
        scene.rig->add("/log/a", 1);
        scene.pass(1s);
        scene.world.faults().switch_on(false);
        scene.pass(12s);  // longer than any back-off
        CHECK(scene.records() == split(scene::numbered(0, 100)));
        CHECK(scene.counters().header_lines_skipped.value() == static_cast<std::uint64_t>(lines));
      }
    }
  }
}

TEST_CASE("skipped lines: a header that grows by single bytes is a header", "[sources][skipped]") {
  Scene scene(with_header(2));
  scene.write("/log/a", "");
  scene.rig->add("/log/a", 1);
  scene.run();
  for (const char byte :
       "\xef\xbb\xbf"
       "#1\r\n\r\none\ntwo\n"s) {
    scene.write("/log/a", std::string(1, byte));
    scene.look();
  }
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.counters().header_lines_skipped.value() == 2);
  CHECK(scene.counters().bom_bytes_skipped.value() == 0);
}

TEST_CASE("skipped lines: a file of nothing but a header is at its end, and nothing runs for it",
          "[sources][skipped]") {
  for (const int lines : {1, 2}) {
    rig::Options options = with_header(2);
    options.tail.partial_line_timeout = 1s;
    options.groups.by = pipeline::GroupLines::indented;
    Scene scene(options);
    scene.write("/log/a", header(lines));
    scene.rig->add("/log/a", 1);
    scene.pass(10s);
    CHECK(scene.rig->tails().at_end());
    CHECK(scene.counters().reads.value() < 10);
    scene.write("/log/a", header(2 - lines) + "one\n two\n");
    scene.look();
    scene.pass(5s);
    CHECK(scene.records() == Lines{"one\n two"});
  }
}

TEST_CASE("skipped lines: each generation has its header", "[sources][skipped]") {
  Scene scene(with_header(2));
  scene.write("/log/a", header(2) + "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.truncate("/log/a");
  scene.write("/log/a", header(2) + "a\n");
  scene.look();
  CHECK(scene.records() == Lines{"one", "a"});
  scene.restart();
  scene.write("/log/a", "b\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "a", "b"});
  scene.stop();
  scene.truncate("/log/a");
  scene.write("/log/a", header(2) + "c\n");
  scene.start();
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "a", "b", "c"});
}

TEST_CASE("skipped lines: emptied under an open group, the header is still no record",
          "[sources][skipped]") {
  rig::Options options = with_header(1);
  options.groups.by = pipeline::GroupLines::indented;
  Scene scene(options);
  scene.write("/log/a", header(1) + "one\n two\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.truncate("/log/a");
  scene.write("/log/a", header(1) + "a\n");
  scene.look();
  scene.pass(5s);
  CHECK(scene.records() == Lines{"one\n two", "a"});
}

TEST_CASE("skipped lines: killed at any moment, the header stays out and each line comes once",
          "[sources][skipped]") {
  const std::string text = header(30, 50) + scene::numbered(0, 200);
  enum class Kind : std::uint8_t { plain, compressed, utf16 };
  for (const Kind kind : {Kind::plain, Kind::compressed, Kind::utf16}) {
    for (int moment = 0; moment < 60; ++moment) {
      CAPTURE(static_cast<int>(kind), moment);
      rig::Options options = with_header(30);
      options.tail.inflate = kind == Kind::compressed;
      if (kind == Kind::utf16) options.tail.encoding = sources::Encoding::utf16;
      const std::string bytes = kind == Kind::plain        ? text
                                : kind == Kind::compressed ? compressed::gzip(text)
                                                           : utf16::encode(text);
      Scene scene(options, 2, static_cast<std::uint64_t>(moment));
      scene.world.faults().set("", {.short_read = 0.2});
      std::size_t written = 0;
      for (int life = 0; life < 4; ++life) {
        scene.write("/log/a", std::string_view(bytes).substr(written, bytes.size() / 5));
        written += bytes.size() / 5;
        scene.rig->add("/log/a", 1);
        for (int step = 0; step < moment; ++step) {
          scene.rig->tick();
          scene.rig->deliver(static_cast<std::uint32_t>(step % 2));
          if (step % 5 == 0 && scene.rig->unsettled() > 0) scene.rig->settle(0);
          if (step % 2 == 0) scene.rig->answer();
          scene.world.clock().advance(1ms);
        }
        scene.restart();
      }
      scene.world.faults().switch_on(false);
      scene.write("/log/a", std::string_view(bytes).substr(written));
      scene.rig->add("/log/a", 1);
      scene.run();
      Lines records = scene.records();
      Lines lines = split(scene::numbered(0, 200));
      std::ranges::sort(records);
      std::ranges::sort(lines);
      CHECK(records == lines);
    }
  }
}

// Two contents of one file with the same header: marks of the first must not hide the second.
TEST_CASE("skipped lines: a common header does not make two files one", "[sources][skipped]") {
  Scene scene(with_header(1));
  scene.write("/log/a", header(1));
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.write("/log/a", "one\ntwo\n");
  scene.rig->tails().look(1);
  for (int i = 0; i < 20; ++i) {  // stored, but the watermark is not written
    scene.rig->tick();
    scene.rig->deliver(0);
    if (i < 10) scene.rig->answer();
    scene.world.clock().advance(1ms);
  }
  REQUIRE(scene.records() == Lines{"one", "two"});
  scene.stop();
  scene.truncate("/log/a");
  scene.write("/log/a", header(1) + "six\nten\n");
  scene.start();
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "two", "six", "ten"});
}

// A group may need all the room of a read, so its header is passed before a record is in view.
TEST_CASE("skipped lines: emptied behind its header, what comes is another generation",
          "[sources][skipped]") {
  int before_the_read = 0;
  for (const std::size_t bytes :
       {10, 300}) {                     // of the header: more than is kept of what was passed
    for (const int lines : {2, 100}) {  // that come: the file is shorter than it was, or not
      for (std::uint64_t seed = 0; seed < 10; ++seed) {
        CAPTURE(bytes, lines, seed);
        rig::Options options = with_header(1);
        options.groups.by = pipeline::GroupLines::indented;
        Scene scene(options, 1, seed);
        scene.world.faults().set("", {.delay = 1});
        scene.write("/log/a", header(1, bytes) + scene::numbered(0, 100));
        scene.rig->add("/log/a", 1);
        for (int i = 0; i < 500 && scene.counters().header_lines_skipped.value() == 0; ++i) {
          scene.rig->tick();
          scene.rig->answer();
          scene.world.clock().advance(1ms);
        }
        REQUIRE(scene.counters().header_lines_skipped.value() == 1);
        scene.truncate("/log/a");
        scene.write("/log/a", header(1, bytes) + scene::numbered(100, 100 + lines));
        scene.world.faults().switch_on(false);
        for (int i = 0; i < 100; ++i) {  // until the read under way is back
          scene.rig->tick();
          scene.world.clock().advance(1ms);
        }
        scene.look();
        scene.pass(5s);
        const Lines records = scene.records();
        const Lines wanted = split(scene::numbered(100, 100 + lines));
        REQUIRE(records.size() >= wanted.size());
        CHECK(std::ranges::equal(wanted, std::span(records).last(wanted.size())));
        CHECK(scene.counters().files_truncated.value() == 1);
        if (records.size() == wanted.size()) ++before_the_read;
      }
    }
  }
  CHECK(before_the_read > 0);
}

TEST_CASE("skipped lines: with start: end the header is behind", "[sources][skipped]") {
  scene::WholeScene scene({"/log/*"});
  scene.options.tail.header_lines = 2;
  scene.files.start = sources::Start::end;
  scene.append("/log/a", header(2) + "old\n");
  scene.start();
  scene.run();
  scene.append("/log/a", "new\n");
  scene.append("/log/b", header(2) + "other\n");
  scene.run(1s);
  CHECK(scene.records() == Lines{"new", "other"});
}
