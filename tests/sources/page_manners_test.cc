// What the kernel is told about a file's pages in memory while the file is caught up with.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using io::PageAdvice;
using scene::numbered;
using scene::Scene;
using scene::split;

constexpr std::uint64_t kStep = 64 << 10;
constexpr std::uint64_t kLarge = 512 << 10;

rig::Options options() {
  rig::Options options;
  options.tail.pages = {.step_bytes = kStep, .file_bytes_max = kLarge};
  return options;
}

std::string lines(std::uint64_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; i += 1000) text += numbered(i, i + 1000);
  return text;
}

std::vector<sim::Node::Advice>& advice(Scene& scene) {
  return scene.world.disk().find("/log/a")->advice;
}

}  // namespace

TEST_CASE("pages: of a large file that is caught up with, those behind us are let go (F68)",
          "[sources][pages]") {
  Scene scene(options());
  const std::string text = lines(2 * kLarge);
  scene.write("/log/a", text);
  scene.rig->add("/log/a", 1);
  std::uint64_t end = 0;
  std::size_t told = 0;
  while (!scene.rig->quiet()) {
    scene.rig->tick();
    scene.rig->deliver(0);
    while (scene.rig->unsettled() > 0) scene.rig->settle(0);
    scene.rig->answer();
    for (; told < advice(scene).size(); ++told) {
      const sim::Node::Advice& each = advice(scene)[told];
      CHECK((each.how == PageAdvice::sequential) == (told == 0));
      if (told == 0) continue;
      // One after the other, none twice, and never what was not read.
      CHECK(each.range.bytes >= kStep);
      if (end > 0) CHECK(each.range.offset == end);
      if (end == 0) CHECK(each.range.offset < 2 * kStep);  // the first is left where it is
      end = each.range.offset + each.range.bytes;
      CHECK(end <= scene.counters().bytes_read.value());
    }
  }
  CHECK(end <= text.size() - kStep);
  CHECK(end > text.size() - 3 * kStep);
  CHECK(told <= text.size() / kStep + 1);
  CHECK(scene.records() == split(text));

  // Who follows its growth says nothing.
  for (int i = 0; i < 100; ++i) {
    scene.write("/log/a", numbered(0, 100));
    scene.look();
  }
  CHECK(advice(scene).size() == told);
  // Behind it, nothing is told of what was read as it grew.
  scene.write("/log/a", lines(5 * kStep));
  scene.look();
  REQUIRE(advice(scene).size() > told);
  CHECK(advice(scene)[told].how == PageAdvice::done_with);
  CHECK(advice(scene)[told].range.offset > text.size());
}

TEST_CASE("pages: what was in memory before it was read stays there (F68)", "[sources][pages]") {
  Scene scene(options());
  scene.write("/log/a", lines(2 * kLarge));
  scene.world.disk().find("/log/a")->in_memory = true;
  scene.rig->add("/log/a", 1);
  scene.run();
  REQUIRE(advice(scene).size() == 1);
  CHECK(advice(scene)[0].how == PageAdvice::sequential);
}

TEST_CASE("pages: of a file that is not large none are let go, of a small one nothing is said",
          "[sources][pages]") {
  Scene scene(options());
  SECTION("not large") {
    scene.write("/log/a", lines(kLarge / 2));
    scene.rig->add("/log/a", 1);
    scene.run();
    REQUIRE(advice(scene).size() == 1);
    CHECK(advice(scene)[0].how == PageAdvice::sequential);
  }
  SECTION("small") {
    scene.write("/log/a", lines(kStep));
    scene.rig->add("/log/a", 1);
    scene.run();
    CHECK(advice(scene).empty());
  }
}
