// Copies that rotation makes before it truncates, under the same pattern (F06).
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "sources/copy_names.h"
#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

using namespace std::chrono_literals;
using Copying = scene::CopyScene;
using scene::Lines;
using scene::text_of;

TEST_CASE("copies: whose copy a name may be", "[sources][copies]") {
  CHECK(sources::names_copied("app.log.1") == Lines{"app.log", "app.1", "app"});
  CHECK(sources::names_copied("app.log-20260101").front() == "app.log");
  CHECK(sources::names_copied("app.log~").front() == "app.log");
  const Lines dated = sources::names_copied("app-20260101.log");
  CHECK(std::ranges::find(dated, "app.log") != dated.end());
  CHECK(sources::names_copied("app").empty());
  CHECK(sources::names_copied(".hidden").empty());
  CHECK(sources::names_shifted("app.log.2") == Lines{"app.log.1", "app.log.0"});
  CHECK(sources::names_shifted("app.log.01") == Lines{"app.log.0", "app.log.00"});
  CHECK(sources::names_shifted("app-1.log") == Lines{"app-0.log"});
  for (const std::string none : {"app.log.0", "app.log", "12", "app", "app.99999999999999999999"}) {
    CHECK(sources::names_shifted(none).empty());
  }
  CHECK(sources::names_shifted("app.log-20260101").size() == 64);
}

TEST_CASE("copies: what was read before the truncation is not read from the copy",
          "[sources][copies]") {
  for (const bool at_once : {false, true}) {  // truncated before anybody saw the copy
    CAPTURE(at_once);
    Copying scene;
    scene.write(text_of(0, 300));
    scene.start();
    scene.run(1s);
    scene.copy("/log/a.log.1");
    if (!at_once) scene.run(100ms);
    scene.truncate("/log/a.log");
    scene.write(text_of(300, 320));
    scene.run(10s);
    scene.check_exact();
    scene.stop();
    scene.start();
    scene.run(10s);
    scene.check_exact();
  }
}

TEST_CASE("copies: what was not read before the truncation is read from the copy",
          "[sources][copies]") {
  for (int moment = 1; moment < 80; ++moment) {
    CAPTURE(moment);
    Copying scene(static_cast<std::uint64_t>(moment));
    scene.write(text_of(0, 400));
    scene.start();
    scene.some_turns(moment);
    if (moment % 3 == 0) scene.stop();
    scene.copy("/log/a.log.1");
    if (moment % 3 == 1) scene.some_turns(moment / 2);
    scene.truncate("/log/a.log");
    scene.write(text_of(400, 450));
    if (moment % 3 == 0) scene.start();
    for (int life = 1; life < 3; ++life) {  // killed twice more, wherever it is by then
      scene.some_turns(moment * life);
      scene.stop();
      scene.start();
    }
    scene.run(10s);
    scene.check_exact();
  }
}

TEST_CASE("copies: lines written after the copy and read before the truncation stay one",
          "[sources][copies]") {
  Copying scene;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.copy("/log/a.log.1");
  scene.run(500ms);
  scene.write(text_of(300, 400));  // in no copy
  scene.run(500ms);
  scene.truncate("/log/a.log");
  scene.write(text_of(400, 410));
  scene.run(10s);
  scene.check_exact();
}

TEST_CASE("copies: lines written after a copy nobody saw and read before the truncation stay one",
          "[sources][copies]") {
  for (const std::string half : {"", "half a li"}) {  // of a line, when the copy is made
    for (const bool killed : {false, true}) {         // as soon as the end is noted
      for (int lines = 0; lines < 60; lines += 7) {
        CAPTURE(half, killed, lines);
        Copying scene;
        scene.write(text_of(0, 300) + half);
        scene.start();
        scene.run(1s);
        scene.copy("/log/a.log.1");
        if (!half.empty()) scene.write("ne\n");
        for (int i = 0; i < lines; ++i) {
          scene.write(text_of(300 + i, 301 + i));  // in no copy
          if (i % 3 == 0) scene.read_unseen();
        }
        scene.read_unseen();
        scene.truncate("/log/a.log");
        scene.write(text_of(400, 405));
        scene.read_unseen();
        if (killed) {
          scene.stop();
          scene.start();
        }
        scene.run(10s);
        scene.check_exact();
        CHECK(scene.counters().files_continued_copied.value() == 1);
        scene.stop();
        scene.start();
        scene.run(10s);
        scene.check_exact();
        const std::string more = "only here\n";
        scene.append("/log/a.log.1", half.empty() ? more : "\n" + more);
        scene.written += more;
        scene.run(1s);
        scene.check_exact();
      }
    }
  }
}

TEST_CASE("copies: one that ends below what was stored and not noted is passed, not read again",
          "[sources][copies]") {
  for (const std::string half : {"", "half a li"}) {  // of a line, when the copy is made
    for (int turns = 0; turns < 120; turns += 3) {    // and killed again
      CAPTURE(half, turns);
      Copying scene;
      scene.write(text_of(0, 300));
      scene.start();
      scene.run(1s);
      scene.write(text_of(300, 350) + half);
      scene.store_unnoted();
      scene.copy("/log/a.log.1");
      scene.write((half.empty() ? "" : "ne\n") + text_of(350, 400));
      scene.store_unnoted();
      scene.truncate("/log/a.log");
      scene.stop();
      scene.write(text_of(400, 410));
      scene.start();
      scene.some_turns(turns);
      scene.stop();
      scene.start();
      scene.run(30s);
      scene.check_exact();
      const std::string more = "only here\n";
      if (turns % 2 == 0) scene.stop();
      scene.append("/log/a.log.1", half.empty() ? more : "\n" + more);
      scene.written += more;
      if (turns % 2 == 0) scene.start();
      scene.run(10s);
      scene.check_exact();
    }
  }
}

TEST_CASE("copies: the bytes a generation was noted with are not all that was stored of it",
          "[sources][copies]") {
  Copying scene;
  const std::string greeting = GENERATE(
      std::string("started\n"), std::string(70, '=') + "\nstarted\n" + std::string(300, '='));
  const bool whole = greeting.ends_with('\n');
  scene.write(greeting);
  scene.start();
  if (GENERATE(false, true)) {  // at its end, or at its beginning
    scene.run(1s);
  } else {
    for (int i = 0; i < 10; ++i) scene.turn();
    scene.rig->answer();
    scene.store_unnoted();
  }
  scene.write((whole ? "" : "\n") + text_of(0, 300));
  scene.store_unnoted();
  REQUIRE(scene.records().size() == (whole ? 301U : 303U));
  scene.stop();
  scene.truncate("/log/a.log");
  scene.write("new\n");
  const std::string other = greeting + (whole ? "" : "\n") + "x" + text_of(1000, 1600);
  scene.append("/log/a.log.1", other);
  scene.written += other;
  scene.start();
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("copies: the hole a log begins with says nothing of whose copy one is",
          "[sources][copies]") {
  Copying scene;
  const std::string hole(GENERATE(2000, 70'000), '\0');
  scene.append("/log/a.log", hole);
  scene.write(text_of(0, 300));
  scene.start();
  scene.register_all();
  scene.store_unnoted();
  REQUIRE(scene.records().size() == 300);
  scene.stop();
  scene.copy("/log/a.log.2");
  scene.truncate("/log/a.log");
  scene.write("new\n");
  const std::string other = text_of(1000, 1100);  // ends below the marks
  scene.append("/log/a.log.1", hole + other);
  scene.written += other;
  scene.start();
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("copies: a log of the same name elsewhere is no copy of a generation that ended",
          "[sources][copies]") {
  scene::RotationScene scene({"/log/*/a.log*"});
  scene.options.tail.copies = true;
  scene.world.disk().make_directories("/log/1");
  scene.world.disk().make_directories("/log/2");
  const std::string greeting = std::string(77, '=') + "\n";
  scene.write("/log/1/a.log", greeting + text_of(0, 30));
  scene.start();
  scene.run(1s);
  scene.truncate("/log/1/a.log");
  scene.write("/log/1/a.log", "new\n");
  scene.run(1s);
  scene.write("/log/2/a.log", greeting + "ha");
  scene.run(1s);
  scene.write("/log/2/a.log", "lf\n" + text_of(100, 110));
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("copies: lines behind a copy were read and noted, then the agent was killed",
          "[sources][copies]") {
  const int lines = GENERATE(1, 30, 60);
  const int kills = GENERATE(0, 1, 2);
  const int turns = GENERATE(1, 3, 6, 10);
  const bool at_once = GENERATE(false, true);  // all of it, after a start
  const bool noted = GENERATE(false, true);    // else it is only stored
  CAPTURE(lines, kills, turns, at_once, noted);
  Copying scene;
  scene.write(text_of(0, 300));
  scene.start();
  for (int i = 0; at_once && i < 10; ++i) scene.turn();  // it is found, and not registered yet
  if (!at_once) scene.run(1s);
  scene.copy("/log/a.log.1");
  scene.write(text_of(300, 300 + lines));
  scene.read_unseen();
  if (noted) scene.note_unseen();
  CHECK((scene.durable.known().at(0).offset == text_of(0, 300 + lines).size()) == noted);
  scene.stop();
  scene.truncate("/log/a.log");
  scene.write(text_of(400, 405));
  scene.start();
  for (int kill = 0; kill < kills; ++kill) {
    scene.some_turns(turns);
    scene.stop();
    scene.start();
  }
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("copies: what was noted before a restart is not forgotten when one line more is read",
          "[sources][copies]") {
  Copying scene;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.copy("/log/a.log.1");
  scene.write(text_of(300, 310));
  scene.read_unseen();
  scene.note_unseen();
  scene.stop();
  scene.write(text_of(310, 311));
  scene.start();
  scene.some_turns(4);
  while (scene.rig->writes() > 0) scene.rig->answer();
  scene.read_unseen();
  scene.note_unseen();
  scene.truncate("/log/a.log");
  scene.write(text_of(400, 405));
  const bool killed = GENERATE(false, true);
  if (killed) {
    scene.stop();
    scene.start();
  }
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("copies: as many deleted logs as are remembered hide no places where lines ended",
          "[sources][copies]") {
  Copying scene;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.copy("/log/a.log.1");
  scene.write(text_of(300, 310));
  scene.read_unseen();
  scene.stop();
  sources::Checkpoint gone = scene.durable.known().front();
  gone.path = "/log/b";
  gone.gone = true;
  gone.line_ends.clear();
  gone.seen_us -= 1;  // older than what ends now, so those are forgotten first
  for (std::uint64_t i = 0; i < 1100; ++i) {
    gone.identity.inode = 1'000'000 + i;
    gone.origin = base::Origin{i + 1};
    scene.durable.checkpoints[sources::checkpoint_key(gone.flow, gone.identity)] =
        sources::encode(gone);
  }
  scene.truncate("/log/a.log");
  scene.write(text_of(400, 405));
  scene.start();
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("copies: where lines ended is noted of a log that grows, and put away when it rests",
          "[sources][copies]") {
  const bool many = GENERATE(false, true);
  Copying scene;
  scene.options.tail.close_inactive = 2s;
  const auto noted = [&scene] {
    for (const sources::Checkpoint& each : scene.durable.known()) {
      if (each.path == "/log/a.log") return each.line_ends.size();
    }
    return std::size_t{0};
  };
  scene.write(text_of(0, 300));
  for (int i = 0; many && i < 130; ++i) scene.append("/log/a.log-other" + std::to_string(i), "x\n");
  scene.start();
  scene.run(1s);
  // It was caught up with: noted, unless there are many.
  CHECK(noted() == (many ? 0 : sources::kNotedLineEndsMax));
  scene.write(text_of(300, 310));
  scene.run(1s);
  CHECK(noted() == sources::kNotedLineEndsMax);
  if (GENERATE(false, true)) {
    scene.stop();
    scene.start();
    scene.run(1s);
    CHECK(noted() == sources::kNotedLineEndsMax);
  }
  scene.run(5s);
  REQUIRE(scene.open() == 0);
  CHECK(noted() == 0);
}

TEST_CASE("copies: truncated and refilled when no more than the header was passed",
          "[sources][copies]") {
  const auto [grouped, header_bytes] =
      GENERATE(std::pair(false, 10), std::pair(false, 500), std::pair(true, 10));
  for (int turns = 0; turns < 12; ++turns) {
    CAPTURE(grouped, header_bytes, turns);
    Copying scene;
    scene.options.tail.header_lines = 1;
    if (grouped) scene.options.groups.by = pipeline::GroupLines::indented;
    const std::string header = std::string(header_bytes, 'h') + "\n";
    scene.append("/log/a.log", header + text_of(0, 9000));
    scene.start();
    for (int i = 0; i < turns; ++i) scene.some_turns(1);
    scene.truncate("/log/a.log");
    const std::string lines = text_of(10'000, 10'030);
    scene.append("/log/a.log", header + lines);
    for (int i = 0; i < 10; ++i) scene.turn();
    scene.rig->answer();
    scene.store_unnoted();
    scene.stop();
    scene.copy("/log/a.log.1");
    scene.truncate("/log/a.log");
    scene.append("/log/a.log", header + "new\n");
    scene.start();
    scene.run(30s);
    const Lines records = scene.records();
    for (const std::string& line : scene::split(lines)) {
      CAPTURE(line);
      CHECK(std::ranges::count(records, line) == 1);
    }
  }
}

TEST_CASE("copies: lines ended by time do not hide where lines ended before", "[sources][copies]") {
  Copying scene;
  scene.options.tail.partial_line_timeout = 1s;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.copy("/log/a.log.1");
  scene.write("a line whose end ");
  scene.read_unseen();
  scene.world.clock().advance(2s);
  scene.read_unseen();
  scene.write("\n" + text_of(300, 303));
  scene.read_unseen();
  scene.truncate("/log/a.log");
  scene.write(text_of(400, 405));
  scene.read_unseen();
  scene.run(10s);
  scene.check_exact();
  CHECK(scene.counters().files_continued_copied.value() == 1);
}

TEST_CASE("copies: one that is kept beside its original is not read, what it gets later is",
          "[sources][copies]") {
  Copying scene;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.copy("/log/a.log.bak");
  scene.run(10s);  // longer than rotate_wait
  scene.check_exact();
  CHECK(scene.discovery->counters().files_passed_over_copied.value() == 1);
  const std::string more = "only here\n";
  scene.write("/log/a.log.bak", more);
  scene.run(1s);
  scene.check_exact();
}

TEST_CASE("copies: one that cannot be opened for a moment is compared when it can be",
          "[sources][copies]") {
  for (const bool truncated : {false, true}) {  // before it can be
    CAPTURE(truncated);
    Copying scene;
    scene.write(text_of(0, 300));
    scene.start();
    scene.run(1s);
    scene.copy("/log/a.log.1");  // with nobody's rights but its maker's
    scene.world.disk().find("/log/a.log.1")->denied = true;
    scene.run(100ms);
    CHECK(scene.discovery->counters().files_unreadable.value() == 1);
    if (truncated) {
      scene.truncate("/log/a.log");
      scene.write(text_of(300, 320));
      scene.run(1s);
    }
    scene.world.disk().find("/log/a.log.1")->denied = false;
    scene.discovery->reconcile_now();
    scene.run(10s);
    scene.check_exact();
    CHECK(scene.discovery->counters().files_unreadable.value() == 0);
    CHECK(scene.discovery->waiting() == 0);
    if (!truncated) {
      scene.truncate("/log/a.log");
      scene.write(text_of(300, 320));
      scene.run(10s);
      scene.check_exact();
    }
  }
}

TEST_CASE("copies: a file that only has such a name is read at once", "[sources][copies]") {
  Copying scene;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  const std::string text = text_of(1000, 1010);
  scene.write("/log/a.log.err", text);
  scene.run(500ms);  // not after rotate_wait
  scene.check_exact();
}

TEST_CASE("copies: the same first lines are no proof", "[sources][copies]") {
  Copying scene;
  const std::string banner = text_of(0, 100);
  scene.write(banner + text_of(100, 200));
  const std::string other = banner + text_of(500, 600);
  scene.write("/log/a.log.1", other);
  scene.start();
  scene.run(10s);
  scene.check_exact();
}

TEST_CASE("copies: taking turns with one descriptor", "[sources][copies]") {
  Copying scene;
  scene.open_files_max = 1;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  for (int round = 0; round < 3; ++round) {
    scene.copy("/log/a.log." + std::to_string(round));
    scene.truncate("/log/a.log");
    scene.write(text_of(1000 * round + 300, 1000 * round + 320));
    scene.run(round == 1 ? 20ms : 5s);
  }
  scene.run(20s);
  scene.check_exact();
}
