// Copies whose originals never answer, or wait themselves: nobody waits for ever.
#include <algorithm>
#include <chrono>
#include <string>

#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

using namespace std::chrono_literals;
using scene::CopyScene;
using scene::text_of;

TEST_CASE("copy waits: not for ever for an original whose reads fail", "[sources][copies]") {
  const bool alike = GENERATE(false, true);  // as far as the copy goes
  const bool rests = GENERATE(false, true);  // without a descriptor, as after a stall
  CAPTURE(alike, rests);
  CopyScene scene;
  if (rests) scene.open_files_max = 1;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  const std::uint64_t page = scene.world.disk().content("/log/a.log").size() / sim::kPageBytes + 1;
  scene.append("/log/a.log", text_of(300, 500));
  scene.world.disk().find("/log/a.log")->bad_pages = {page};
  scene.run(1s);
  const std::string text =
      alike ? scene.world.disk().content("/log/a.log") + text_of(500, 501) : text_of(1000, 1010);
  if (alike) scene.append("/log/a.log", text_of(500, 501));
  scene.append("/log/a.log.7", text);
  scene.run(120s);
  const auto records = scene.records();
  const std::string last = scene::split(text).back();
  CHECK(std::ranges::count(records, last) == 1);
  CHECK(std::ranges::count(records, scene::split(text_of(0, 1)).front()) == 1);
}

TEST_CASE("copy waits: two that exchanged their names do not wait for each other",
          "[sources][copies]") {
  CopyScene scene;
  scene.world.faults().set("", {.open_error = 1});
  scene.write(text_of(0, 300));
  scene.copy("/log/a.log.1");
  scene.start();
  scene.run(2s);
  CHECK(scene.records().empty());
  sim::Disk& disk = scene.world.disk();
  REQUIRE(disk.rename("/log/a.log", "/log/x") == 0);
  REQUIRE(disk.rename("/log/a.log.1", "/log/a.log") == 0);
  REQUIRE(disk.rename("/log/x", "/log/a.log.1") == 0);
  scene.run(1s);
  scene.world.faults().switch_on(false);
  scene.run(120s);
  CHECK(scene.discovery->waiting() == 0);
  const auto records = scene.records();  // perhaps twice
  for (const std::string& line : scene::split(scene.written)) {
    CHECK(std::ranges::count(records, line) > 0);
  }
}
