// Which file is this? Before and after, as the one table of rule F16: what was read of "/log/a.log"
// before nobody looked (or somebody did), what is there afterwards, and what that is taken for. The
// rows go through discovery and tails as the agent has them; what is taken for what shows in the
// lines that are stored and in the counters.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

using namespace std::chrono_literals;
using scene::CopyScene;
using scene::text_of;

namespace {

enum class Is : std::uint8_t { same, other, unknown };
// Of the file afterwards, compared with what was read.
enum class Bytes : std::uint8_t {
  same,
  grown,
  less,  // its first 60 lines, or half of them
  empty,
  others,  // as long
  others_longer,
  same_head,  // the first 1 KiB, then others, and longer
};
enum class Old : std::uint8_t { gone, there, truncated };
enum class Verdict : std::uint8_t { same, truncated, reused, moved, copy, new_file };

struct Row {
  const char* what;
  int lines;              // that were read
  std::string_view path;  // of the file afterwards
  Old old;                // what "/log/a.log" is, if that is not it
  Is device, inode, birth;
  Bytes bytes;
  Verdict verdict;
  bool running = false;  // while it happens
};

constexpr std::string_view kLog = "/log/a.log";
constexpr std::string_view kNumbered = "/log/a.log.1";
constexpr std::string_view kElsewhere = "/log/two/a.log";

using enum Verdict;
constexpr Is S = Is::same;
constexpr Is O = Is::other;
constexpr Is U = Is::unknown;

const Row kRows[] = {
    {"nothing happened", 100, kLog, Old::gone, S, S, S, Bytes::same, same},
    {"it grew", 100, kLog, Old::gone, S, S, S, Bytes::grown, same},
    {"it grew, little was read", 1, kLog, Old::gone, S, S, S, Bytes::grown, same},
    {"it grew while looked at", 100, kLog, Old::gone, S, S, S, Bytes::grown, same, true},
    {"renamed", 100, kNumbered, Old::gone, S, S, S, Bytes::same, same},
    {"renamed, and it grew", 100, kNumbered, Old::gone, S, S, S, Bytes::grown, same},
    {"renamed, a new one there", 100, kNumbered, Old::there, S, S, S, Bytes::grown, same},
    {"renamed to another directory", 100, kElsewhere, Old::gone, S, S, S, Bytes::grown, same},
    {"no birth is known", 100, kLog, Old::gone, S, S, U, Bytes::same, same},
    {"no birth is known, it grew", 100, kLog, Old::gone, S, S, U, Bytes::grown, same},

    {"cut", 100, kLog, Old::gone, S, S, S, Bytes::less, truncated},
    {"cut while looked at", 100, kLog, Old::gone, S, S, S, Bytes::less, truncated, true},
    {"emptied", 100, kLog, Old::gone, S, S, S, Bytes::empty, truncated},
    {"emptied while looked at", 100, kLog, Old::gone, S, S, S, Bytes::empty, truncated, true},
    {"refilled to the same size", 100, kLog, Old::gone, S, S, S, Bytes::others, truncated},
    {"the same while looked at", 100, kLog, Old::gone, S, S, S, Bytes::others, truncated, true},
    {"refilled further", 100, kLog, Old::gone, S, S, S, Bytes::others_longer, truncated},
    {"refilled, little was read", 1, kLog, Old::gone, S, S, S, Bytes::others_longer, truncated},
    {"refilled, the same banner", 100, kLog, Old::gone, S, S, S, Bytes::same_head, truncated},
    {"refilled, no birth is known", 100, kLog, Old::gone, S, S, U, Bytes::others, truncated},
    {"cut, no birth is known", 100, kLog, Old::gone, S, S, U, Bytes::less, truncated},
    {"mounted again, and refilled", 100, kLog, Old::gone, O, S, S, Bytes::others_longer, truncated},
    {"mounted again, and cut", 100, kLog, Old::gone, O, S, S, Bytes::less, truncated},

    {"its inode is another's", 100, kLog, Old::gone, S, S, O, Bytes::others, reused},
    {"the same, longer", 100, kLog, Old::gone, S, S, O, Bytes::others_longer, reused},
    {"the same, with its banner", 100, kLog, Old::gone, S, S, O, Bytes::same_head, reused},
    {"the same, under a number", 100, kNumbered, Old::gone, S, S, O, Bytes::others, reused},
    {"the same, with all it had", 100, kLog, Old::gone, S, S, O, Bytes::grown, reused},

    {"mounted again", 100, kLog, Old::gone, O, S, S, Bytes::same, moved},
    {"mounted again, it grew", 100, kLog, Old::gone, O, S, S, Bytes::grown, moved},
    {"moved to another device", 100, kElsewhere, Old::gone, O, O, O, Bytes::same, moved},
    {"moved there, and it grew", 100, kElsewhere, Old::gone, O, O, O, Bytes::grown, moved},

    {"copied and truncated", 100, kNumbered, Old::truncated, S, O, O, Bytes::same, copy},
    {"copied before all was read", 100, kNumbered, Old::truncated, S, O, O, Bytes::grown, copy},
    {"and while looked at", 100, kNumbered, Old::truncated, S, O, O, Bytes::grown, copy, true},
    {"copied, read on, truncated", 100, kNumbered, Old::truncated, S, O, O, Bytes::less, copy,
     true},
    {"copied and deleted", 100, kNumbered, Old::gone, S, O, O, Bytes::same, copy},
    {"copied, deleted, more in it", 100, kNumbered, Old::gone, S, O, O, Bytes::grown, copy},
    {"copied and kept", 100, kNumbered, Old::there, S, O, O, Bytes::same, copy},
    {"copied in part and kept", 100, kNumbered, Old::there, S, O, O, Bytes::less, copy},
    {"copied to another device", 100, kElsewhere, Old::there, O, O, O, Bytes::same, copy},
    {"restored under a number", 100, kNumbered, Old::gone, S, S, O, Bytes::same, copy},

    {"written anew by an editor", 100, kLog, Old::gone, S, O, O, Bytes::same, new_file},
    {"by an editor, and more", 100, kLog, Old::gone, S, O, O, Bytes::grown, new_file},
    {"another in its place", 100, kLog, Old::gone, S, O, O, Bytes::others, new_file},
    {"mounted again, no birth known", 100, kLog, Old::gone, O, S, U, Bytes::others, new_file},
    {"there by chance, other birth", 100, kLog, Old::gone, O, S, O, Bytes::others, new_file},
    {"a namesake on another device", 100, kElsewhere, Old::there, O, O, O, Bytes::others, new_file},
    {"moved, too little to tell", 5, kElsewhere, Old::gone, O, O, O, Bytes::same, new_file},
    {"a namesake, it is gone", 100, kElsewhere, Old::gone, O, O, O, Bytes::others, new_file},
    {"with the same banner", 100, kElsewhere, Old::gone, O, O, O, Bytes::same_head, new_file},
    {"a number's other content", 100, kNumbered, Old::there, S, O, O, Bytes::others, new_file},
    {"after a truncation", 100, kNumbered, Old::truncated, S, O, O, Bytes::others, new_file},
    {"with the same banner there", 100, kNumbered, Old::truncated, S, O, O, Bytes::same_head,
     new_file},
    {"copied, too little to tell", 5, kNumbered, Old::there, S, O, O, Bytes::same, new_file},
};

std::string bytes_of(const Row& row) {
  const std::string read = text_of(0, row.lines);
  const auto others = [&](std::size_t from) {  // instead of what was read behind `from`
    std::string text;
    for (const char c : read.substr(from))
      text += c >= '0' && c <= '9' ? static_cast<char>(c - '0' + 'a') : c;
    return text;
  };
  switch (row.bytes) {
    case Bytes::same:
      return read;
    case Bytes::grown:
      return read + text_of(row.lines, row.lines + 7);
    case Bytes::less:
      return text_of(0, std::min(60, row.lines / 2));
    case Bytes::empty:
      return {};
    case Bytes::others:
      return others(0);
    case Bytes::others_longer:
      return others(0) + text_of(7000, 7003);
    case Bytes::same_head:
      return read.substr(0, 1024) + others(1024) + text_of(7000, 7003);
  }
  return {};
}

struct Table : CopyScene {
  Table() : CopyScene(1, {"/log/a.log*", "/log/two/a.log*"}) {
    world.disk().make_directories("/log/two");
  }

  void before(const Row& row) {
    write(text_of(0, row.lines));
    if (row.birth == Is::unknown) world.disk().find(kLog)->birth_ns = 0;
    start();
    run(1s);
    check_exact();
    if (!row.running) stop();
  }

  void after(const Row& row) {
    sim::Disk& disk = world.disk();
    const sim::NodeRef log = disk.find(kLog);
    const bool it_is_it = row.device == Is::same && row.inode == Is::same && row.birth != Is::other;
    const std::string bytes = bytes_of(row);
    if (it_is_it && row.path == kLog) {
      overwrite(*log, bytes);
    } else if (it_is_it) {
      REQUIRE(disk.rename(kLog, row.path) == 0);
      overwrite(*log, bytes);
      if (row.old == Old::there) write(text_of(9000, 9005));
    } else {
      if (row.old == Old::gone) disk.remove(kLog);
      append(std::string(row.path), bytes);
      sim::Node& made = *disk.find(row.path);
      if (row.device == Is::other) made.device = 9;
      made.inode = row.inode == Is::same ? log->inode : log->inode + 1000;
      made.birth_ns = row.birth == Is::unknown ? 0 : log->birth_ns + (row.birth == Is::other);
      if (row.old == Old::truncated) {
        truncate(std::string(kLog));
        write(text_of(9000, 9005));
      }
    }
    if (!row.running) start();
    run(15s);
  }

  // As a writer does that appends, or one that begins anew.
  void overwrite(sim::Node& node, const std::string& bytes) {
    if (bytes.starts_with(node.file.bytes())) {
      world.disk().append(node, bytes.substr(node.file.size()));
      return;
    }
    world.disk().truncate(node, 0);
    world.disk().append(node, bytes);
  }

  // What it was taken for, by what was stored of it.
  Verdict verdict(const Row& row) {
    std::map<std::string, int> stored;
    for (const std::string& line : records()) ++stored[line];
    for (const std::string& line : scene::split(written)) --stored[line];
    // Now a line counts as often as it was read from the file as it is afterwards.
    bool all = true;
    const std::string bytes = bytes_of(row);
    const std::string before = text_of(0, row.lines);
    for (const std::string& line : scene::split(bytes)) {
      const bool known = before.find(line + "\n") != std::string::npos;
      if (!known) CHECK(stored[line] == 1);
      if (known && stored[line] == 0) all = false;
      CHECK(stored[line] <= 1);
    }
    const bool other_truncated = row.old == Old::truncated;
    if (!other_truncated && counters().files_truncated.value() > 0) {
      CHECK(all);
      return truncated;
    }
    const bool same_inode = row.device == Is::same && row.inode == Is::same;
    if (all) return same_inode ? reused : new_file;
    const bool known_by_bytes = counters().files_continued_copied.value() +
                                    discovery->counters().files_passed_over_copied.value() >
                                0;
    if (row.device == Is::other && row.old == Old::gone) return moved;
    return known_by_bytes ? Verdict::copy : same;
  }
};

}  // namespace

TEST_CASE("identity: which file is it (F16)", "[sources][identity]") {
  CHECK(std::size(kRows) >= 40);
  for (const Row& row : kRows) {
    CAPTURE(row.what);
    Table table;
    table.before(row);
    table.after(row);
    CHECK(static_cast<int>(table.verdict(row)) == static_cast<int>(row.verdict));
    CHECK(table.discovery->waiting() == 0);
    // And it stays that after a restart.
    const std::size_t stored = table.records().size();
    table.stop();
    table.start();
    table.run(5s);
    CHECK(table.records().size() == stored);
  }
}

TEST_CASE("identity: a move to another device takes the name and 1 KiB", "[sources][identity]") {
  for (const bool renamed : {false, true}) {
    for (const std::size_t bytes : {std::size_t{1023}, std::size_t{1024}, std::size_t{5000}}) {
      CAPTURE(renamed, bytes);
      Table scene;
      scene.world.disk().mount("/log/two", 9);
      std::string text = text_of(0, 100).substr(0, bytes - 1) + "\n";
      scene.write(text);
      scene.start();
      scene.run(1s);
      scene.stop();
      scene.world.disk().remove(kLog);
      scene.append(renamed ? "/log/two/a.logs" : std::string(kElsewhere), text + "more\n");
      const bool known = !renamed && bytes >= 1024;
      scene.written += (known ? "" : text) + "more\n";
      scene.start();
      scene.run(5s);
      scene.check_exact();
      CHECK(scene.counters().files_continued_copied.value() == (known ? 1 : 0));
    }
  }
}

TEST_CASE("identity: what is moved to another device while it is looked at is not read twice (F16)",
          "[sources][identity]") {
  const int turns = GENERATE(0, 1, 3, 100);  // between what mv does
  const bool grew = GENERATE(false, true);   // just before
  const bool anew = GENERATE(false, true);   // there is a new one in its place at once
  CAPTURE(turns, grew, anew);
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    Table scene;
    scene.world.disk().mount("/log/two", 9);
    std::string text = text_of(0, 100);
    scene.write(text);
    scene.start();
    scene.run(1s);
    if (grew) scene.write(text_of(100, 120));
    if (grew) text += text_of(100, 120);
    const std::string to(kElsewhere);
    const std::size_t half = text.size() / 2;
    for (const std::string& piece : {std::string(), text.substr(0, half), text.substr(half)}) {
      scene.append(to, piece);
      scene.some_turns(turns);
    }
    scene.world.disk().remove(kLog);
    if (anew) scene.write(text_of(5000, 5010));
    scene.some_turns(static_cast<int>(seed));
    scene.write(to, text_of(120, 125));
    scene.run(10s);
    scene.check_exact();
    CHECK(scene.counters().files_continued_copied.value() +
              scene.discovery->counters().files_passed_over_copied.value() ==
          1);
    scene.stop();
    scene.start();
    scene.run(5s);
    scene.check_exact();
  }
}

TEST_CASE("identity: a namesake on another device waits for a deleted file, but not for ever",
          "[sources][identity]") {
  Table scene;
  scene.world.disk().mount("/log/two", 9);
  scene.write(text_of(0, 100));
  scene.start();
  scene.run(1s);
  scene.append(std::string(kElsewhere), "");
  const sim::NodeRef held = scene.world.disk().find(kLog);  // by whoever writes to it still
  scene.world.disk().remove(kLog);
  scene.write(std::string(kElsewhere), text_of(7000, 7010));
  scene.run(1s);
  for (int i = 0; i < 70; ++i) {
    scene.world.disk().append(*held, text_of(200 + i, 201 + i));
    scene.written += text_of(200 + i, 201 + i);
    scene.run(1s);
  }
  scene.check_exact();
}

TEST_CASE("identity: one of its names was removed, and the other is out of sight for a while (F22)",
          "[sources][identity]") {
  const bool restarted = GENERATE(false, true);
  CAPTURE(restarted);
  scene::RotationScene scene({"/log/*/a.log"});
  scene.options.tail.close_inactive = 500ms;
  sim::Disk& disk = scene.world.disk();
  disk.make_directories("/log/1");
  disk.make_directories("/log/2");
  scene.write("/log/1/a.log", scene::text_of(0, 100));
  REQUIRE(disk.make_hard_link("/log/2/a.log", "/log/1/a.log") == 0);
  scene.start();
  scene.run(5s);
  REQUIRE(scene.open() == 0);
  REQUIRE(disk.remove("/log/2/a.log") == 0);
  scene.run(1s);
  REQUIRE(disk.rename("/log/1", "/away") == 0);
  scene.run(10s);
  if (restarted) scene.stop();
  REQUIRE(disk.rename("/away", "/log/1") == 0);
  if (restarted) scene.start();
  scene.write("/log/1/a.log", scene::text_of(100, 110));
  scene.run(100s);
  scene.check_exact();
}

TEST_CASE("identity: taken for deleted while its directory was out of sight, it is known again",
          "[sources][identity]") {
  const bool restarted = GENERATE(false, true);
  CAPTURE(restarted);
  scene::CopyScene scene(1, {"/log/*/a.log*"});
  scene.options.tail.close_inactive = 500ms;
  sim::Disk& disk = scene.world.disk();
  disk.make_directories("/log/1");
  scene.write("/log/1/a.log", scene::text_of(0, 100));
  REQUIRE(disk.make_hard_link("/log/1/a.log.present", "/log/1/a.log") == 0);
  scene.start();
  scene.run(5s);
  REQUIRE(scene.open() == 0);
  REQUIRE(disk.rename("/log/1/a.log", "/log/1/a.log.7") == 0);
  REQUIRE(disk.remove("/log/1/a.log.present") == 0);
  REQUIRE(disk.rename("/log/1", "/away") == 0);
  scene.run(10s);
  if (restarted) scene.stop();
  REQUIRE(disk.rename("/away", "/log/2") == 0);
  if (restarted) scene.start();
  scene.write("/log/2/a.log.7", scene::text_of(100, 110));
  scene.run(100s);
  scene.check_exact();
}

TEST_CASE("identity: room made in advance is known when it was filled and renamed (F02)",
          "[sources][identity]") {
  scene::RotationScene scene({"/log/a.log"});
  scene.append("/log/a.log", std::string(70'000, '\0'));
  scene.start();
  scene.run(1s);
  scene.stop();
  scene.truncate("/log/a.log");
  scene.write("/log/a.log", scene::text_of(0, 100));
  REQUIRE(scene.world.disk().rename("/log/a.log", "/log/old") == 0);
  scene.start();
  scene.run(30s);
  scene.check_exact();
}
