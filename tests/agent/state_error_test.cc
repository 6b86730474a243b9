// on_state_error: what happens to files when their checkpoints are damaged or missing.
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/agent/state_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::contains;
using process::Ran;
using state_test::StatePlace;

void lose_checkpoints(const StatePlace& place, bool remove) {
  for (const fs::path& segment : place.checkpoint_segments()) {
    if (remove) {
      fs::remove(segment);
    } else {
      std::ofstream(segment, std::ios::binary) << std::string(5000, 'j');
    }
  }
}

// A store that has read "one" of a.log under `start`, and lost its checkpoints.
void read_and_lose(const StatePlace& place, bool remove) {
  place.once_well();
  place.write("logs/a.log", "one\n");
  place.once_well();
  REQUIRE(place.stored() == "one\n");
  lose_checkpoints(place, remove);
  place.append("logs/a.log", "two\n");
}

}  // namespace

TEST_CASE("state error: beginning reads files again, whatever start says", "[agent][state]") {
  const bool remove = GENERATE(true, false);
  const std::string start = GENERATE("beginning", "end");
  CAPTURE(remove, start);
  const StatePlace place(start);
  read_and_lose(place, remove);
  const Ran ran = place.once_well();
  CHECK(contains(ran, "files are read again, records may double"));
  CHECK(place.stored() == "one\none\ntwo\n");
  const Ran again = place.once_well();
  CHECK_FALSE(contains(again, "read again"));
  CHECK(place.stored() == "one\none\ntwo\n");
}

TEST_CASE("state error: end skips to the present end and says how much", "[agent][state]") {
  const bool remove = GENERATE(true, false);
  CAPTURE(remove);
  const StatePlace place("beginning", "on_state_error: end\n");
  read_and_lose(place, remove);
  const Ran ran = place.once_well();
  INFO(ran.out);
  CHECK(contains(ran, "begin at their present end"));
  CHECK(contains(ran, "bytes_skipped=8"));
  CHECK(place.stored() == "one\n");
  place.append("logs/a.log", "three\n");
  place.once_well();
  CHECK(place.stored() == "one\nthree\n");
}

TEST_CASE("state error: stop refuses to start until somebody decides", "[agent][state]") {
  const bool remove = GENERATE(true, false);
  CAPTURE(remove);
  const StatePlace place("beginning", "on_state_error: stop\n");
  read_and_lose(place, remove);
  for (int i = 0; i < 2; ++i) {  // the first refusal must not hide the damage from the second
    const Ran ran = place.once();
    INFO(ran.out);
    CHECK(ran.exit_code == 78);
    CHECK(contains(ran, "on_state_error says stop"));
    CHECK(contains(ran, "state reset --yes"));
    CHECK(place.stored() == "one\n");
  }
  const Ran forget = place.state("forget " + place.path("logs/a.log"));
  CHECK(forget.exit_code == 78);
  CHECK(contains(forget, "the state is damaged or missing"));
  const Ran reset = place.state("reset --yes");
  INFO(reset.out);
  REQUIRE(reset.exit_code == 0);
  place.once_well();
  CHECK(place.stored() == "one\none\ntwo\n");
}

TEST_CASE("state error: import refuses to write over it, and a dry run says so", "[agent][state]") {
  const bool remove = GENERATE(true, false);
  CAPTURE(remove);
  const StatePlace place;
  read_and_lose(place, remove);
  place.write("positions.yaml", "positions:\n  " + place.path("logs/a.log") + ": \"4\"\n");
  for (const char* dry_run : {" --dry-run", ""}) {
    CAPTURE(dry_run);
    const Ran ran = place.state("import --from promtail " + place.path("positions.yaml") + dry_run);
    INFO(ran.out);
    CHECK(ran.exit_code == 78);
    CHECK(contains(ran, "the state is damaged or missing"));
    CHECK_FALSE(contains(ran, " imported"));
  }
}

TEST_CASE("state error: one damaged entry among others is noticed without being hidden",
          "[agent][state]") {
  const StatePlace place("beginning", "on_state_error: stop\n");
  place.write("logs/a.log", "one\n");
  place.once_well();
  place.once_well();  // more blocks in the same segment
  const fs::path segment = place.checkpoint_segments().front();
  std::fstream file(segment, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(fs::file_size(segment) / 2));
  file << "jjjj";
  file.close();
  for (int i = 0; i < 2; ++i) {
    const Ran ran = place.once();
    INFO(ran.out);
    CHECK(ran.exit_code == 78);
    CHECK(contains(ran, "checkpoints are damaged"));
  }
  CHECK(contains(place.state("list"), "entries of the state are damaged"));
  place.configure("beginning");
  place.once_well();
  CHECK_FALSE(contains(place.once_well(), "damaged"));
}

TEST_CASE("state error: stop starts where nothing is lost", "[agent][state]") {
  const StatePlace place("beginning", "on_state_error: stop\n");
  place.write("logs/a.log", "one\n");
  place.once_well();
  place.once_well();
  CHECK(place.stored() == "one\n");
}
