// Files that are deleted when they were read (F67), and all that must not be.
#include <algorithm>
#include <chrono>
#include <string>

#include "tests/sources/compressed_bytes.h"
#include "tests/sources/delete_scene.h"
#include "tests/sources/discovery_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Checkpoint;
using scene::Lines;
using Place = scene::DeleteScene;

}  // namespace

TEST_CASE("delete after: a file goes when it was read and did not change for so long (F67)",
          "[sources][delete]") {
  Place place;
  place.start();
  place.append("/log/a.log", "one\n");
  place.append("/log/a.half", "half");  // has no end
  place.append("/log/a.empty", "");
  place.append("/log/a.binary", std::string(2000, '\1') + "\n");
  place.run(1s);
  place.pass(50min);
  REQUIRE(place.there());
  place.append("/log/a.log", "two\n");
  place.run(1s);
  place.pass(50min);
  REQUIRE(place.there());
  place.pass(10min);
  CHECK_FALSE(place.there());
  CHECK(place.world.disk().list("/log") == Lines{"a.binary", "a.empty", "a.half"});
  CHECK(place.removed() == 1);
  CHECK(place.discovery->counters().bytes_removed.value() == 8);
  place.run(10s);
  CHECK(place.open() == 1);  // the half line's
  CHECK(place.discovery->counters().files_lost_unread.value() == 0);
  CHECK(place.discovery->counters().files_vanished.value() == 0);
  CHECK(place.records() == Lines{"one", "two"});
  // The next of its name is another.
  place.read("three\n");
  CHECK(place.records() == Lines{"one", "two", "three"});
  place.pass(59min);
  CHECK(place.there());
  place.pass(2min);
  CHECK_FALSE(place.there());
  CHECK(place.removed() == 2);
}

TEST_CASE("delete after: a restart counts anew and knows what was read", "[sources][delete]") {
  Place place;
  place.start();
  place.read("one\n");
  place.pass(50min);
  place.stop();
  place.world.clock().advance(24h);
  place.start();
  place.run(11s);
  place.pass(50min);
  CHECK(place.there());
  place.pass(11min);
  CHECK_FALSE(place.there());
  CHECK(place.records() == Lines{"one"});
}

TEST_CASE("delete after: off, and while everything is to be kept, nothing goes",
          "[sources][delete]") {
  const bool off = GENERATE(true, false);
  Place place(off ? 0s : 1h);
  place.start();
  if (!off) place.discovery->keep_all(true);
  place.read("one\n");
  place.pass(24h * 365);
  CHECK(place.there());
  place.discovery->keep_all(false);
  place.pass(1s);
  CHECK(place.there() == off);
}

TEST_CASE("delete after: a file whose time is in the future stays until that is over",
          "[sources][delete]") {
  Place place;
  place.start();
  place.read("one\n");
  place.world.clock().jump_wall(-5h);
  place.pass(3h);
  CHECK(place.there());
  place.pass(4h);
  CHECK_FALSE(place.there());
}

TEST_CASE("delete after: while its records are not settled a file stays", "[sources][delete]") {
  Place place;
  place.start();
  place.append("/log/a.log", "one\n");
  for (int i = 0; i < 40; ++i) place.turn();
  place.world.clock().advance(24h);
  for (int i = 0; i < 3000; ++i) place.turn();
  REQUIRE(place.there());
  place.run(1s);
  place.pass(2h);
  CHECK_FALSE(place.there());
}

TEST_CASE("delete after: what has another name, or is one, stays", "[sources][delete]") {
  Place place;
  place.start();
  place.append("/log/a.log", "one\n");
  REQUIRE(place.world.disk().make_hard_link("/elsewhere/a", "/log/a.log") == 0);
  place.append("/elsewhere/target", "two\n");
  REQUIRE(place.world.disk().make_symlink("/log/a.link", "/elsewhere/target") == 0);
  place.append("/log/a.both", "three\n");
  REQUIRE(place.world.disk().make_hard_link("/log/a.same", "/log/a.both") == 0);
  place.run(11s);
  REQUIRE(place.records().size() == 3);
  place.pass(24h);
  place.pass(24h);
  CHECK(place.there("/log/a.both"));
  CHECK(place.there("/log/a.link"));
  CHECK(place.there("/elsewhere/target"));
  CHECK(place.there());
  CHECK(place.removed() == 0);
  place.world.disk().remove("/log/a.same");
  place.pass(2h);
  CHECK_FALSE(place.there("/log/a.both"));
  CHECK(place.records().size() == 3);
}

TEST_CASE("delete after: what was begun behind its beginning stays, whoever wished it",
          "[sources][delete]") {
  enum class Why { end, lost_state, old, imported, other_program };
  const auto why = GENERATE(Why::end, Why::lost_state, Why::old, Why::imported, Why::other_program);
  CAPTURE(static_cast<int>(why));
  Place place;
  place.append("/log/a.log", "one\n");
  if (why == Why::end) place.files.start = sources::Start::end;
  if (why == Why::old) {
    place.files.ignore_older = 1h;
    place.world.clock().advance(2h);
  }
  if (why == Why::imported || why == Why::lost_state) {
    sources::Checkpoint known;
    known.flow = "flow";
    known.identity =
        sources::identity_of(place.world.disk().status(*place.world.disk().find("/log/a.log")));
    known.path = "/log/a.log";
    known.offset = 4;
    known.seen_us = 1;
    place.durable.checkpoints[sources::checkpoint_key("flow", known.identity)] =
        sources::encode(known);
  }
  place.start();
  place.run(1s);
  const bool read = why == Why::other_program;
  CHECK(place.records().size() == (read ? 1 : 0));
  if (read) {
    place.stop();
    place.fingerprint = 2;
    place.start();
  }
  place.pass(24h);
  CHECK(place.there());
  // Nor when it grew since, and nobody asks for that any more.
  place.read("two\n");
  REQUIRE(place.records().back() == "two");
  place.stop();
  place.files.ignore_older = 0s;
  place.files.start = sources::Start::beginning;
  place.start();
  place.pass(24h);
  place.pass(24h);
  CHECK(place.there());
  // Only its next content is all read.
  place.truncate("/log/a.log");
  place.read("a new beginning\n");
  place.pass(2h);
  CHECK_FALSE(place.there());
  CHECK(place.records().back() == "a new beginning");
}

TEST_CASE("delete after: with start: end, what comes later is deleted, and what was there is not",
          "[sources][delete]") {
  Place place;
  place.files.start = sources::Start::end;
  place.append("/log/a.log", "one\n");
  place.start();
  place.read("two\n", "/log/a.later");
  place.pass(2h);
  CHECK(place.there());
  CHECK_FALSE(place.there("/log/a.later"));
  CHECK(place.records() == Lines{"two"});
}

TEST_CASE("delete after: what was passed over is not read: a page, a hole", "[sources][delete]") {
  const bool page = GENERATE(true, false);
  Place place;
  place.options.tail.on_read_error = sources::OnReadError::skip;
  const std::string filler(4 * sim::kPageBytes, 'x');
  if (page) {
    place.append("/log/a.log", "one\n" + filler + "\ntwo\n");
    place.world.disk().find("/log/a.log")->bad_pages = {1};
  } else {
    place.append("/log/a.log", "one\n" + std::string(200'000, '\0') + "two\n");
  }
  place.append("/log/a.other", "three\n");
  place.start();
  place.run(20s);
  REQUIRE(std::ranges::count(place.records(), "two") == 1);
  place.pass(24h);
  place.stop();
  place.world.faults().switch_on(false);  // it can be read again
  place.start();
  place.pass(24h);
  place.pass(24h);
  CHECK(place.there());
  CHECK_FALSE(place.there("/log/a.other"));
  CHECK(std::ranges::count(place.records(), "two") == 1);
}

TEST_CASE("delete after: a compressed file goes when all of it could be read",
          "[sources][delete]") {
  Place place;
  place.files.compressed = sources::CompressedFiles::read;
  place.options.tail.inflate = true;
  const std::string whole = compressed::gzip("one\ntwo\n");
  std::string damaged = compressed::gzip("three\nfour\n");
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);
  place.append("/log/a.whole.gz", whole);
  place.append("/log/a.damaged.gz", damaged);
  place.append("/log/a.more.gz", whole + "and something else");
  place.append("/log/a.cut.gz", whole.substr(0, whole.size() - 3));
  place.append("/log/a.later.gz", compressed::gzip("five\n") + whole.substr(0, 12));
  place.start();
  place.run(11s);
  place.append("/log/a.later.gz", whole.substr(12));
  place.run(11s);
  place.pass(24h);
  place.stop();
  place.start();
  place.pass(24h);
  place.pass(24h);
  CHECK(place.world.disk().list("/log") == Lines{"a.cut.gz", "a.damaged.gz", "a.more.gz"});
  CHECK(std::ranges::count(place.records(), "one") == 4);
}

TEST_CASE("delete after: copies and other forms of what was read are not read themselves",
          "[sources][delete]") {
  Place place;
  place.options.tail.copies = true;
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "line " + std::to_string(i) + "\n";
  const bool truncated = GENERATE(true, false);
  CAPTURE(truncated);
  place.start();
  place.read(lines);
  place.append("/log/a.log.1", lines);
  if (truncated) place.truncate("/log/a.log");
  place.run(10s);
  if (truncated) place.read("new\n");
  REQUIRE(place.records().size() == (truncated ? 1001 : 1000));
  place.pass(24h);
  place.pass(24h);
  CHECK(place.there("/log/a.log.1"));
  CHECK_FALSE(place.there());
  CHECK(place.records().size() == (truncated ? 1001 : 1000));
}

TEST_CASE("delete after: one that cannot be deleted is tried again, later", "[sources][delete]") {
  Place place;
  place.start();
  place.read("one\n");
  place.world.faults().set("/log/a", {.change_error = 1});
  place.pass(2h);
  CHECK(place.there());
  CHECK(place.discovery->counters().remove_errors.value() == 1);
  place.run(30s);
  CHECK(place.discovery->counters().remove_errors.value() == 1);
  place.world.faults().set("/log/a", {.change_error = 0});
  place.pass(50min);
  CHECK(place.there());
  place.pass(15min);
  CHECK_FALSE(place.there());
  // Renamed, but then not removed: it has its name back.
  place.read("two\n");
  place.world.faults().set("/log/.tailrace", {.change_error = 1});
  place.pass(2h);
  CHECK_FALSE(place.there());
  place.world.faults().set("/log/.tailrace", {.change_error = 0});
  place.run(15s);
  CHECK(place.there());
  CHECK(place.discovery->counters().files_given_back.value() == 1);
  place.pass(2h);
  CHECK_FALSE(place.there());
  CHECK(place.records() == Lines{"one", "two"});
  CHECK(place.world.disk().list("/log").empty());
}

TEST_CASE("delete after: descriptors are left to others", "[sources][delete]") {
  Place place;
  place.open_files_max = 4;
  place.options.tail.rotate_wait = 1min;
  for (int i = 0; i < 10; ++i) place.append("/log/a" + std::to_string(i), "one\n");
  place.start();
  place.run(11s);
  place.world.clock().advance(2h);
  place.run(15s);
  CHECK(place.removed() == 3);  // half of them, and one more
  place.append("/log/a.new", "two\n");
  place.run(1s);
  CHECK(place.records().back() == "two");
  for (int i = 0; i < 5; ++i) place.run(70s);
  CHECK(place.removed() == 10);
  CHECK(place.records().size() == 11);
}

namespace {

sources::Discovery::Flow named(const std::string& name, const std::string& pattern,
                               base::Duration after) {
  sources::Discovery::Flow made = scene::flow({pattern});
  made.name = name;
  made.files.start = sources::Start::beginning;
  made.files.delete_after = after;
  made.vouches = true;
  return made;
}

// What the reactor of the `which`th found file says when all of it was read.
void rests(scene::DiscoveryScene& scene, std::size_t which, bool whole = true) {
  const sources::FoundFile& found = scene.found[which];
  sources::Rest rest{
      .checkpoint = found.checkpoint, .size = found.size, .modified_ns = found.modified_ns};
  rest.checkpoint.origin = base::Origin{7};
  rest.checkpoint.offset = rest.size;
  rest.checkpoint.whole = whole;
  const std::size_t flow = scene.open.at(found.number);
  scene.discovery->released(flow, found.number);
  scene.discovery->rested(flow, found.number, rest);
}

}  // namespace

TEST_CASE("delete after: a file another flow has not read as a whole stays", "[sources][delete]") {
  scene::DiscoveryScene scene({named("one", "/log/*", 1h), named("two", "/log/a*", 0s)});
  scene.put("/log/a");
  scene.start();
  REQUIRE(scene.found.size() == 2);
  const auto due = [&] {
    scene.world.clock().advance(2h);
    scene.run();
    return !scene.world.disk().exists("/log/a");
  };
  const std::size_t deleting = scene.open.at(scene.found[0].number) == 0 ? 0 : 1;
  rests(scene, deleting);
  REQUIRE_FALSE(due());
  const bool whole = GENERATE(true, false);
  rests(scene, 1 - deleting, whole);
  CHECK(due() == whole);
  CHECK(scene.detached.size() == (whole ? 2 : 0));  // both have it, opened once more
  CHECK(scene.found.size() == (whole ? 4 : 2));
}

TEST_CASE("delete after: what a flow reads that does not keep it for good stays",
          "[sources][delete]") {
  sources::Discovery::Flow other = named("two", "/log/a*", 0s);
  const bool vouches = GENERATE(true, false);
  const bool only_knows_it = GENERATE(true, false);
  CAPTURE(vouches, only_knows_it);
  other.vouches = vouches;
  if (only_knows_it) other.files.patterns = {"/log/b*"};
  scene::DiscoveryScene scene({named("one", "/log/*", 1h), other});
  scene.put("/log/a");
  if (only_knows_it) {
    Checkpoint note = scene.checkpoint("/log/a", 2);
    note.flow = "two";
    note.whole = true;
    scene.known.push_back(note);
  }
  scene.start();
  for (std::size_t which = 0; which < (only_knows_it ? 1 : 2); ++which) rests(scene, which);
  scene.world.clock().advance(2h);
  scene.run();
  CHECK(scene.world.disk().exists("/log/a") != vouches);
}

TEST_CASE("delete after: while a flow comes, goes or changes, no file goes", "[sources][delete]") {
  scene::DiscoveryScene scene({named("one", "/log/*", 1h), named("two", "/log/b*", 0s)});
  scene.put("/log/a");
  scene.start();
  REQUIRE(scene.found.size() == 1);
  rests(scene, 0);
  const auto due = [&] {
    scene.world.clock().advance(2h);
    scene.run();
    return !scene.world.disk().exists("/log/a");
  };
  scene.discovery->keep_all(true);
  CHECK_FALSE(due());
  scene.discovery->mute(1);
  CHECK_FALSE(due());
  scene.discovery->remove(1);
  CHECK_FALSE(due());
  scene.discovery->add(1, named("two", "/log/a*", 0s), {});
  scene.discovery->search_added();
  CHECK_FALSE(due());
  scene.discovery->keep_all(false);
  CHECK_FALSE(due());  // the other one reads it now
  REQUIRE(scene.found.size() == 2);
  rests(scene, 1);
  CHECK(due());
}

TEST_CASE("delete after: without keep_all a muted flow alone keeps everything",
          "[sources][delete]") {
  scene::DiscoveryScene scene({named("one", "/log/*", 1h), named("two", "/log/a*", 0s)});
  scene.put("/log/a");
  scene.start();
  rests(scene, 0);
  rests(scene, 1);
  scene.discovery->mute(1);
  scene.world.clock().advance(2h);
  scene.run();
  CHECK(scene.world.disk().exists("/log/a"));
  scene.discovery->remove(1);
  scene.world.clock().advance(2h);
  scene.run();
  CHECK_FALSE(scene.world.disk().exists("/log/a"));
}
