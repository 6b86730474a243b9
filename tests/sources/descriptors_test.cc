// Files without a descriptor: when they are closed, when they are opened again, whose turn it is.
#include <algorithm>
#include <string>
#include <vector>

#include "sources/discovery_parts.h"
#include "tests/sources/tail_scene.h"
#include "tests/sources/whole_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::numbered;
using scene::split;
using scene::WholeScene;

Lines sorted(Lines lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

// One file, read to its end and at rest.
struct AtRest : WholeScene {
  explicit AtRest(const std::string& pattern = "/log/a*") : WholeScene({pattern}) {
    options.tail.close_inactive = 1s;
    append("/log/a", "one\ntwo\n");
    start();
    run();
    REQUIRE(open() == 1);
    run(2s);
    REQUIRE(open() == 0);
    REQUIRE(rig->tails().files() == 0);
    REQUIRE(discovery->files() == 1);
  }
  void expect(const Lines& more) {
    run(1s);
    Lines all{"one", "two"};
    all.insert(all.end(), more.begin(), more.end());
    CHECK(records() == all);
    CHECK(discovery->counters().files_lost_unread.value() == 0);
    run(5s);
    CHECK(open() == 0);
    CHECK(records() == all);
  }
};

}  // namespace

TEST_CASE("descriptors: an inactive file is closed and opened again when it grows (F32)",
          "[sources][descriptors]") {
  AtRest scene;
  CHECK(scene.counters().files_closed_idle.value() == 1);
  for (int i = 0; i < 5; ++i) {
    scene.append("/log/a", "more\n");
    scene.run(3s);
    CHECK(scene.open() == 0);
  }
  CHECK(scene.records() == Lines{"one", "two", "more", "more", "more", "more", "more"});
  CHECK(scene.opened.size() == 6);
}

TEST_CASE("descriptors: growth nobody told of is found by the reconcile",
          "[sources][descriptors]") {
  AtRest scene;
  scene.world.faults().set("", {.watch_loss = 1.0});
  scene.append("/log/a", "three\n");
  scene.run(31s);
  scene.expect({"three"});
}

TEST_CASE("descriptors: what is read and not settled, or not a whole line, keeps a file open",
          "[sources][descriptors]") {
  WholeScene scene({"/log/a"});
  scene.options.tail.close_inactive = 1s;
  const bool half = GENERATE(false, true);
  scene.append("/log/a", half ? "one\nhal" : "one\n");
  scene.start();
  if (half) {
    scene.run(5s);
  } else {
    for (int i = 0; i < 1000; ++i) {
      scene.turn();
      scene.rig->answer();
    }
  }
  CHECK(scene.open() == 1);
  if (half) scene.append("/log/a", "f\n");
  scene.run(3s);
  CHECK(scene.open() == 0);
  CHECK(scene.records() == (half ? Lines{"one", "half"} : Lines{"one"}));
}

TEST_CASE("descriptors: close_inactive 0 never closes", "[sources][descriptors]") {
  WholeScene scene({"/log/a"});
  scene.options.tail.close_inactive = 0s;
  scene.append("/log/a", "one\n");
  scene.start();
  scene.run(100s);
  CHECK(scene.open() == 1);
}

TEST_CASE("descriptors: truncated while closed, refilled or not (F03, F04)",
          "[sources][descriptors]") {
  AtRest scene;
  const std::string refill = GENERATE("", "x\n", "ONE\nTWO\n", "three\nfour\nfive\n");
  scene.truncate("/log/a");
  if (GENERATE(false, true)) scene.run(10ms);
  scene.append("/log/a", refill);
  scene.expect(split(refill));
}

TEST_CASE("descriptors: deleted and made anew while closed, with its inode (F15)",
          "[sources][descriptors]") {
  AtRest scene;
  const std::uint64_t inode = scene.world.disk().find("/log/a")->inode;
  scene.world.disk().remove("/log/a");
  if (GENERATE(false, true)) scene.run(100ms);
  const std::string content = GENERATE("one\ntwo\n", "one\ntwo\nthree\n", "x\n");
  scene.append("/log/a", content);
  REQUIRE(scene.world.disk().find("/log/a")->inode == inode);
  scene.expect(split(content));
}

TEST_CASE("descriptors: renamed while closed, in or out of the pattern, with unread bytes (F02)",
          "[sources][descriptors]") {
  const std::string to = GENERATE("/log/a.1", "/log/old.1");
  const bool at_once = GENERATE(false, true);
  const bool successor = GENERATE(false, true);
  CAPTURE(to, at_once, successor);
  AtRest scene;
  scene.append("/log/a", "three\n");
  if (!at_once) {
    scene.run(300ms);
    scene.run(2s);
  }
  scene.world.disk().rename("/log/a", to);
  if (successor) scene.append("/log/a", "five\n");
  if (!successor) scene.append(to, "four\n");
  scene.expect(successor ? Lines{"three", "five"} : Lines{"three", "four"});
}

TEST_CASE("descriptors: a file deleted before it could be read is counted",
          "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.world.faults().set("/log/", {.open_error = 1.0});  // not of the directory
  scene.append("/log/a", "one\n");
  scene.start();
  scene.run();
  CHECK(scene.discovery->waiting() == 1);
  scene.world.disk().remove("/log/a");
  scene.run(2s);
  CHECK(scene.discovery->counters().files_lost_unread.value() == 1);
  CHECK(scene.discovery->counters().bytes_lost_unread.value() == 4);
  CHECK(scene.discovery->files() == 0);
}

TEST_CASE("descriptors: … also if where it may be could not be looked at, for once or for good",
          "[sources][descriptors]") {
  const bool for_good = GENERATE(false, true);
  const bool moved = GENERATE(false, true);
  CAPTURE(for_good, moved);
  WholeScene scene({"/log/*"});
  scene.world.disk().make_directories("/away");
  scene.world.faults().set("/log/", {.open_error = 1.0});
  scene.append("/log/a", "one\n");
  scene.start();
  scene.run();
  scene.world.faults().set("/log", {.look_error = 1.0});  // and the directory
  moved ? scene.world.disk().rename("/log/a", "/away/a") : scene.world.disk().remove("/log/a");
  scene.run(10ms);
  CHECK(scene.discovery->counters().files_lost_unread.value() == 0);
  if (!for_good) scene.world.faults().set("/log", {});
  scene.run(for_good ? 60s : 5s);
  CHECK(scene.discovery->counters().files_lost_unread.value() == 1);
  CHECK(scene.discovery->counters().bytes_lost_unread.value() == 4);
}

TEST_CASE("descriptors: a loss that is still in doubt at the end is counted",
          "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.world.disk().make_directories("/away");
  scene.world.faults().set("/log/", {.open_error = 1.0});
  scene.append("/log/a", "one\n");
  scene.start();
  scene.run();
  scene.world.disk().rename("/log/a", "/away/a");
  scene.run(10ms);
  CHECK(scene.discovery->counters().files_lost_unread.value() == 0);
  scene.discovery->stop();
  CHECK(scene.discovery->counters().files_lost_unread.value() == 1);
}

TEST_CASE("descriptors: a loss is no reason to look at everything each second",
          "[sources][descriptors]") {
  WholeScene scene({"/log/**"});
  scene.world.disk().make_directories("/log/shut");
  scene.world.disk().make_directories("/away");
  scene.world.faults().set("/log/", {.open_error = 1.0});
  scene.world.faults().set("/log/shut", {.look_error = 1.0});
  scene.files.reconcile_interval = 1h;
  scene.append("/log/a", "one\n");
  scene.start();
  scene.run(300s);
  scene.world.disk().rename("/log/a", "/away/a");
  const std::uint64_t scans = scene.discovery->counters().scans.value();
  scene.run(35s);
  CHECK(scene.discovery->counters().files_lost_unread.value() == 1);
  CHECK(scene.discovery->counters().scans.value() <= scans + 3);
}

TEST_CASE("descriptors: what is known of a file that went unread is kept long, and not for ever",
          "[sources][descriptors]") {
  AtRest scene;
  scene.world.disk().make_directories("/away");
  scene.world.faults().set("/log/", {.open_error = 1.0});
  scene.append("/log/a", "three\n");
  scene.run(300ms);
  scene.world.disk().rename("/log/a", "/away/a");
  scene.run(2s);
  REQUIRE(scene.discovery->counters().files_lost_unread.value() == 1);
  const auto known_after = [&](base::Duration time) {
    scene.world.clock().advance(time);
    scene.run(1s);
    return scene.durable.known().size();
  };
  const base::Duration ttl = sources::FilesOptions().state_ttl;
  CHECK(known_after(ttl * 4 - 1h) == 1);
  CHECK(known_after(2h) == 0);
  CHECK(scene.discovery->counters().files_lost_unread.value() == 1);
}

TEST_CASE("descriptors: 16 for 200 files written in turn, every line once (F32)",
          "[sources][descriptors]") {
  const auto seed = GENERATE(range(1U, 6U));
  WholeScene scene({"/log/*.log"}, seed);
  scene.open_files_max = 16;
  Lines expected;
  scene.start();
  for (int line = 0; line < 10; ++line) {
    for (int file = 0; file < 200; ++file) {
      const std::string text = std::to_string(file) + " " + std::to_string(line);
      scene.append("/log/" + std::to_string(file) + ".log", text + "\n");
      expected.push_back(text);
      if (file % 7 == 0) scene.run(10ms);
    }
  }
  scene.run(5s);
  CHECK(sorted(scene.records()) == sorted(expected));
  CHECK(scene.open_most == 16);
  CHECK(scene.process->open_handles() <= 17);
  CHECK(scene.discovery->waiting() == 0);
}

TEST_CASE("descriptors: the longest unused are closed first", "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.open_files_max = 3;
  for (const char* path : {"/log/a", "/log/b", "/log/c"}) {
    scene.append(path, "x\n");
    scene.world.clock().advance(10ms);
  }
  scene.start();
  scene.run();
  scene.append("/log/a", "x\n");
  scene.run();
  scene.append("/log/d", "x\n");  // b goes
  scene.run();
  CHECK(scene.opened == Lines{"/log/a", "/log/b", "/log/c", "/log/d"});
  scene.append("/log/a", "x\n");
  scene.append("/log/c", "x\n");
  scene.append("/log/d", "x\n");
  scene.run();
  CHECK(scene.opened.size() == 4);
  scene.append("/log/b", "x\n");
  scene.run();
  CHECK(scene.opened.back() == "/log/b");
}

TEST_CASE("descriptors: busy files take turns, nobody starves", "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.open_files_max = 1;
  scene.options.chunk_bytes = 1024;
  scene.append("/log/big", numbered(0, 50'000));
  scene.start();
  scene.run(20ms);
  for (int i = 0; i < 5; ++i) scene.append("/log/" + std::to_string(i), "small\n");
  Lines records;
  for (int i = 0; i < 400; ++i) {
    scene.run(10ms);
    records = scene.records();
    if (std::count(records.begin(), records.end(), "small") == 5) break;
  }
  CHECK(std::count(records.begin(), records.end(), "small") == 5);
  CHECK(records.size() < 50'000);
  scene.run(60s);
  CHECK(scene.records().size() == 50'005);
  records = scene.records();
  std::erase(records, "small");
  CHECK(records == split(numbered(0, 50'000)));
}

TEST_CASE("descriptors: a file that is deleted while it is read keeps its descriptor (F12)",
          "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.open_files_max = 1;
  scene.options.chunk_bytes = 512;
  scene.append("/log/big", numbered(0, 5000));
  scene.append("/log/other", "other\n");
  scene.start();
  scene.world.faults().set("", {.watch_loss = 1.0});
  scene.turn();
  scene.turn();
  scene.world.disk().remove("/log/big");
  scene.run(40s);
  CHECK(scene.records().size() == 5001);
}

TEST_CASE("descriptors: older generations of a path come first also when they wait",
          "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.open_files_max = 1;
  scene.options.chunk_bytes = 512;
  scene.append("/log/z", numbered(0, 2000));
  scene.start();
  scene.run(20ms);
  scene.append("/log/a", numbered(5000, 5300));
  scene.run(10ms);
  scene.world.disk().rename("/log/a", "/log/a.1");
  scene.append("/log/a", numbered(5300, 5310));
  scene.run(10s);
  Lines records = scene.records();
  std::erase_if(records, [](const std::string& line) { return line < "line 5"; });
  std::erase_if(records, [](const std::string& line) { return line.size() != 9; });
  CHECK(records == split(numbered(5000, 5310)));
  CHECK(scene.records().size() == 2310);
}

TEST_CASE("descriptors: none left in the system loses nothing and forgets nothing (F30)",
          "[sources][descriptors]") {
  AtRest scene;
  scene.world.faults().set("/log/", {.open_error = 1.0});
  scene.append("/log/a", "three\n");
  scene.append("/log/a2", "four\n");
  scene.run(10s);
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.discovery->files() == 2);
  CHECK(scene.discovery->counters().files_waiting_for_descriptor.value() == 2);
  CHECK(scene.world.logged("no descriptor left"));
  scene.world.faults().switch_on(false);
  scene.expect({"three", "four"});
}

TEST_CASE("descriptors: a file that cannot be read gives its turn to others",
          "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.open_files_max = 1;
  scene.append("/log/bad", "bad\n");
  scene.start();
  scene.run();
  scene.world.faults().set("/log/bad", {.read_error = 1.0});
  scene.append("/log/bad", "worse\n");
  scene.run();
  scene.append("/log/good", "good\n");
  scene.run(30s);
  const Lines records = scene.records();
  CHECK(std::count(records.begin(), records.end(), "good") == 1);
  scene.world.faults().switch_on(false);
  scene.run(60s);
  CHECK(sorted(scene.records()) == Lines{"bad", "good", "worse"});
}

TEST_CASE("descriptors: a read that hangs is not all that a file waits for",
          "[sources][descriptors]") {
  WholeScene scene({"/log/*"});
  scene.open_files_max = 2;
  scene.append("/log/a", "hangs\n");
  scene.append("/log/b", "one\n");
  scene.world.faults().set("/log/a", {.delay = 1, .delay_max = 1000h});
  scene.start();
  scene.run(100ms);
  REQUIRE(scene.records() == Lines{"one"});
  scene.append("/log/c", "two\n");
  scene.run(2s);
  CHECK(scene.records() == Lines{"one", "two"});
}

TEST_CASE("descriptors: a file at rest costs less than a kilobyte (F31)",
          "[sources][descriptors]") {
  // With a path of 100 bytes, kept four times, and what hash tables and malloc add.
  constexpr std::size_t kPathBytes = 100;
  constexpr std::size_t kTablesBytes = 3 * 48;
  CHECK(sizeof(sources::File) + sizeof(sources::Resting) + sizeof(sources::Name) + 4 * kPathBytes +
            kTablesBytes <
        1100);
}

TEST_CASE("descriptors: a closed file whose symlink goes and comes back is not read again (F13)",
          "[sources][descriptors]") {
  const bool restarted = GENERATE(false, true);
  WholeScene scene({"/log/*.log"});
  scene.options.tail.close_inactive = 1s;
  scene.world.disk().make_directories("/elsewhere");
  scene.append("/elsewhere/app-1", "one\ntwo\n");
  REQUIRE(scene.world.disk().make_symlink("/log/now.log", "/elsewhere/app-1") == 0);
  scene.start();
  scene.run(10s);
  REQUIRE(scene.open() == 0);
  scene.world.disk().remove("/log/now.log");
  scene.run(10s);
  scene.append("/elsewhere/app-1", "three\n");
  if (restarted) {
    scene.stop();
    scene.start();
    scene.run(1s);
  }
  REQUIRE(scene.world.disk().make_symlink("/log/now.log", "/elsewhere/app-1") == 0);
  scene.run(120s);
  CHECK(scene.records() == Lines{"one", "two", "three"});
}

TEST_CASE("descriptors: a name that is another file's with every look", "[sources][descriptors]") {
  scene::WholeScene scene({"/log/a"});
  scene.append("/log/a", "0\n");
  scene.world.faults().set("/log/a", {.race = 1});
  int files = 0;
  scene.world.machine().others = [&] {
    scene.world.disk().remove("/log/a");
    scene.append("/log/a", std::to_string(++files) + "\n");
  };
  scene.start();  // who lost his name was never opened: nobody can be told of it
  scene.run(1s);
  CHECK(files > 10);
  scene.world.machine().others = nullptr;
  scene.run(5s);
  CHECK(scene.records().back() == std::to_string(files));
  CHECK(scene.open() == 1);
}
