// What keeps a file that was read from being deleted (F67): it was written anew in place, something
// of it was passed over, others could not be looked at, or cannot be deleted either.
#include <algorithm>
#include <chrono>
#include <string>

#include "tests/sources/compressed_bytes.h"
#include "tests/sources/delete_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using Place = scene::DeleteScene;

// Another beginning, the same size and the same end.
std::string lines(char first) {
  return std::string(500, first) + "\n" + std::string(400, 'x') + "\n";
}

void write_in_place(Place& place, const std::string& bytes,
                    const std::string& path = "/log/a.log") {
  place.world.clock().advance(1s);  // file systems tell times apart
  const auto node = place.world.disk().find(path);
  place.world.disk().truncate(*node, 0);
  place.world.disk().append(*node, bytes);
  place.world.disk().write_back();
}

void read_undelivered(Place& place) {
  for (int turn = 0; turn < 10'000 && place.rig->undelivered() == 0; ++turn) {
    place.turn();
    while (place.rig->writes() > 0) place.rig->answer();  // registered
  }
  REQUIRE(place.rig->undelivered() > 0);
}

}  // namespace

TEST_CASE("delete after: a file that was written anew in place stays, though its end is the same",
          "[sources][delete]") {
  enum class When { open, resting, stopped };
  const auto when = GENERATE(When::open, When::resting, When::stopped);
  const bool again = GENERATE(false, true);  // it is known after a restart
  CAPTURE(static_cast<int>(when), again);
  Place place;
  if (when == When::open) place.options.tail.close_inactive = 1min;
  place.start();
  place.append("/log/a.other", "other\n");
  place.read(lines('1'));
  if (when == When::stopped) place.stop();
  write_in_place(place, lines('2'));
  if (when == When::stopped) place.start();
  place.run(2min);
  if (again) {
    place.stop();
    place.start();
  }
  for (int i = 0; i < 4; ++i) place.pass(2h);
  CHECK(place.there());
  CHECK_FALSE(place.there("/log/a.other"));
  // What comes behind it does not help, another generation does.
  place.read("more\n");
  for (int i = 0; i < 2; ++i) place.pass(2h);
  CHECK(place.there());
  place.truncate("/log/a.log");
  place.run(1s);
  place.read("new\n");
  for (int i = 0; i < 2; ++i) place.pass(2h);
  CHECK_FALSE(place.there());
}

TEST_CASE("delete after: a compressed file that was written anew in place stays",
          "[sources][delete]") {
  const bool stopped = GENERATE(true, false);
  Place place;
  place.files.compressed = sources::CompressedFiles::read;
  place.options.tail.inflate = true;
  const std::string one = compressed::gzip("one\n");
  const std::string two = compressed::gzip("two\n");
  REQUIRE(one.size() == two.size());
  place.start();
  place.read(one, "/log/a.gz");
  if (stopped) place.stop();
  write_in_place(place, two, "/log/a.gz");
  if (stopped) place.start();
  for (int i = 0; i < 4; ++i) place.pass(2h);
  CHECK((place.there("/log/a.gz") || std::ranges::count(place.records(), "two") == 1));
}

TEST_CASE("delete after: what is behind a footer was passed over", "[sources][delete]") {
  const bool at_once = GENERATE(true, false);
  const std::string behind = GENERATE("", "behind\n", "\n");
  CAPTURE(at_once, behind);
  Place place;
  place.options.tail.footer_pattern = "^#end";
  place.options.tail.header_pattern = "^#begin";
  place.start();
  place.read("#begin\none\n#end\n" + (at_once ? behind : ""));
  if (!at_once) place.read(behind);
  for (int i = 0; i < 2; ++i) place.pass(2h);
  CHECK(place.records() == Lines{"one"});
  CHECK(place.there() == !behind.empty());
  place.stop();
  place.start();
  for (int i = 0; i < 2; ++i) place.pass(2h);
  CHECK(place.there() == !behind.empty());
}

TEST_CASE("delete after: many that cannot be deleted do not keep others from it",
          "[sources][delete]") {
  Place place;
  place.files.reconcile_interval = 60s;
  constexpr int kFiles = 300;
  for (int i = 0; i < kFiles; ++i) {
    const std::string name = "a" + std::to_string(i);
    place.append("/log/" + name, "one\n");
    REQUIRE(place.world.disk().make_hard_link("/elsewhere/" + name, "/log/" + name) == 0);
  }
  place.append("/log/a.log", "two\n");
  place.start();
  place.run(61s);
  place.world.clock().advance(2h);
  const std::uint64_t scans = place.discovery->counters().scans.value();
  place.run(130s);
  CHECK_FALSE(place.there());
  CHECK(place.removed() == 1);
  CHECK(place.discovery->counters().scans.value() - scans < 6);
}

TEST_CASE("delete after: one that could not be deleted once is tried again soon",
          "[sources][delete]") {
  Place place;
  place.start();
  place.read("one\n");
  REQUIRE(place.world.disk().make_hard_link("/elsewhere/a", "/log/a.log") == 0);
  place.pass(2h);
  CHECK(place.there());
  REQUIRE(place.world.disk().remove("/elsewhere/a") == 0);
  place.run(25s);
  CHECK_FALSE(place.there());
}

TEST_CASE("delete after: a note from when the clock was ahead says nothing of what came later",
          "[sources][delete]") {
  Place place;
  place.start();
  place.world.clock().jump_wall(1h);
  place.read(lines('1'));
  place.stop();
  place.world.clock().jump_wall(-1h);
  write_in_place(place, lines('2'));
  place.start();
  for (int i = 0; i < 3; ++i) place.pass(2h);
  CHECK(place.there());
}

TEST_CASE("delete after: while some place cannot be looked at, nothing goes", "[sources][delete]") {
  Place place;
  place.files.patterns = {"/log/a*", "/elsewhere/*/a*"};
  place.world.disk().make_directories("/elsewhere/below");
  place.start();
  place.read("one\n");
  place.world.faults().set("/elsewhere/below", {.look_error = 1});
  for (int i = 0; i < 3; ++i) place.pass(2h);
  CHECK(place.there());
  place.world.faults().set("/elsewhere/below", {});
  for (int i = 0; i < 2; ++i) place.pass(2h);
  CHECK_FALSE(place.there());
}

TEST_CASE("delete after: a leftover gets its name back when nothing is deleted any more",
          "[sources][delete]") {
  const bool known = GENERATE(false, true);
  Place place(0s);
  place.append("/log/.tailrace-delete.a.log", "left over\n");
  place.append("/log/.tailrace-delete.b.log", "nobody's\n");
  if (known) {
    sources::Checkpoint note;
    note.flow = "flow";
    note.identity = sources::identity_of(
        place.world.disk().status(*place.world.disk().find("/log/.tailrace-delete.b.log")));
    note.path = "/log/b.log";
    note.flow_fingerprint = place.fingerprint;
    note.offset = 9;
    note.seen_us = 1;
    place.durable.checkpoints[sources::checkpoint_key("flow", note.identity)] =
        sources::encode(note);
  }
  place.start();
  place.run(11s);
  CHECK(place.records() == Lines{"left over"});
  const std::string other = known ? "b.log" : ".tailrace-delete.b.log";
  Lines names = {other, "a.log"};
  std::ranges::sort(names);
  CHECK(place.world.disk().list("/log") == names);
}

TEST_CASE("delete after: while nothing is deleted, no note costs a look at its file",
          "[sources][delete]") {
  const bool deletes = GENERATE(false, true);
  CAPTURE(deletes);
  Place place;
  place.options.notes_whole = deletes;
  place.start();
  for (std::uint64_t i = 0; i < 10; ++i) {
    place.append("/log/a.log", "a line\n");
    read_undelivered(place);
    for (int turn = 0; turn < 10; ++turn) place.turn();  // its end is seen
    const std::uint64_t looks = place.process->files().looks();
    place.deliver();
    CHECK(place.process->files().looks() - looks == (deletes ? 1 : 0));
  }
}

TEST_CASE("delete after: what was noted before any flow deleted files stays, what comes then goes",
          "[sources][delete]") {
  Place place;
  place.options.notes_whole = false;
  place.start();
  place.read("one\n");
  place.append("/log/a.under.way", "two\n");
  read_undelivered(place);
  place.rig->checkpointer().note_whole(true);
  place.read("three\n", "/log/a.later");
  place.pass(2h);
  CHECK(place.world.disk().list("/log") == Lines{"a.log"});
  place.read("more\n");
  for (int i = 0; i < 2; ++i) place.pass(2h);
  CHECK(place.there());
  place.truncate("/log/a.log");
  place.run(1s);
  place.read("new\n");
  for (int i = 0; i < 2; ++i) place.pass(2h);
  CHECK_FALSE(place.there());
}
