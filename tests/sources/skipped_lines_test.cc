// Lines that are read and not delivered.
#include <algorithm>
#include <string>

#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::Scene;
using scene::split;

rig::Options skipping_empty(std::size_t chunk_bytes = 768) {
  rig::Options options;
  options.chunk_bytes = chunk_bytes;
  options.empty_lines = pipeline::EmptyLines::skip;
  return options;
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
