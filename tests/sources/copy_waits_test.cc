// Who waits for whom before it is read, and for how long: nobody for ever.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

using namespace std::chrono_literals;
using scene::CopyScene;
using scene::Lines;
using scene::text_of;

TEST_CASE("copy waits: an original is asked now and then, not all the time", "[sources][copies]") {
  CopyScene scene;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.copy("/log/a.log.1");
  scene.run(1s);
  CHECK(scene.questions >= 5);
  CHECK(scene.questions <= 12);  // ten comparisons a second
  scene.check_exact();
}

TEST_CASE("copy waits: thousands of copies are compared one after another, not all the time",
          "[sources][copies]") {
  CopyScene scene;
  constexpr int kCopies = 2000;
  scene.write(text_of(0, 30));
  scene.start();
  scene.run(1s);
  for (int i = 1; i <= kCopies; ++i) scene.copy("/log/a.log." + std::to_string(i));
  scene.run(1s);
  CHECK(scene.questions >= 4 * kCopies);
  CHECK(scene.questions <= 6 * kCopies);
  scene.check_exact();
}

TEST_CASE("copy waits: not for a copy that cannot be opened, and that is said",
          "[sources][copies]") {
  CopyScene scene;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.copy("/log/a.log.1");
  scene.world.disk().find("/log/a.log.1")->denied = true;
  scene.run(1s);
  CHECK(scene.discovery->counters().files_unreadable.value() == 1);
  scene.check_exact();
}

TEST_CASE("copy waits: not for ever for an original that cannot be opened", "[sources][copies]") {
  CopyScene scene;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.world.disk().find("/log/a.log")->denied = true;
  const std::string other = text_of(1000, 1100);
  scene.append("/log/a.log.1", other);
  scene.run(20s);
  scene.check_exact();
  CHECK(scene.discovery->waiting() == 1);
  scene.written += other;
  scene.run(20s);
  scene.check_exact();
  CHECK(scene.discovery->waiting() == 0);
}

TEST_CASE("copy waits: not for ever for an original that nobody can look for",
          "[sources][copies]") {
  CopyScene scene(1, {"/log/a.log*", "/log/old/a.log*"});
  scene.world.disk().make_directories("/log/old");
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.stop();
  scene.world.faults().set("/log/a.log", {.look_error = 1});
  scene.world.faults().switch_on(true);
  const std::string other = text_of(1000, 1100);
  scene.append("/log/old/a.log.1", other);
  scene.start();
  scene.run(20s);
  scene.check_exact();
  CHECK(scene.discovery->waiting() == 1);
  scene.written += other;
  scene.run(20s);
  scene.check_exact();
  CHECK(scene.discovery->waiting() == 0);
}

TEST_CASE("copy waits: for an original that was never read and cannot be looked at, not for ever",
          "[sources][copies]") {
  const bool for_ever = GENERATE(false, true);
  CopyScene scene(1, {"/log/a.log*", "/log/old/a.log*"});
  scene.world.disk().make_directories("/log/old");
  scene.write(text_of(0, 300));
  scene.copy("/log/old/a.log.1");
  scene.world.faults().set("/log/a.log", {.look_error = 1});
  scene.world.faults().switch_on(true);
  scene.start();
  scene.run(20s);
  CHECK(scene.records().empty());
  CHECK(scene.discovery->waiting() == 1);
  if (!for_ever) scene.world.faults().switch_on(false);
  scene.run(20s);
  scene.check_exact();
  CHECK(scene.discovery->waiting() == 0);
}

TEST_CASE("copy waits: one that was read and could not be looked at once is found before they end",
          "[sources][copies]") {
  CopyScene scene(1, {"/log/a.log*", "/log/old/a.log*"});
  scene.world.disk().make_directories("/log/old");
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.stop();
  scene.copy("/log/old/a.log.1");
  scene.truncate("/log/a.log");
  scene.write(text_of(300, 400));
  scene.world.faults().set("/log/a.log", {.look_error = 1});
  scene.world.faults().switch_on(true);
  scene.start();
  scene.run(50ms);
  scene.world.faults().switch_on(false);
  scene.run(5s);
  scene.check_exact();
  CHECK(scene.discovery->waiting() == 0);
}

TEST_CASE("copy waits: for a former place that could not be looked at once (F16, F30)",
          "[sources][copies]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    CopyScene scene(seed, {"/log/*/a.log*"});
    for (const char* directory : {"/log/one", "/log/two"}) {
      scene.world.disk().make_directories(directory);
    }
    scene.world.disk().mount("/log/two", 9);
    const std::string text = text_of(0, 100);
    scene.write("/log/one/a.log", text);
    scene.start();
    scene.run(2s);
    scene.stop();
    scene.append("/log/two/a.log", text);  // as mv does
    REQUIRE(scene.world.disk().remove("/log/one/a.log") == 0);
    scene.world.faults().set("/log/one/a.log", {.look_error = 0.5});
    scene.start();
    scene.run(2s);
    scene.world.faults().switch_on(false);
    scene.write("/log/two/a.log", text_of(100, 110));
    scene.run(40s);
    scene.check_exact();
    CHECK(scene.discovery->waiting() == 0);
  }
}

TEST_CASE("copy waits: an original that never was is none that vanished", "[sources][copies]") {
  CopyScene scene;
  scene.write("/log/a.log.1", text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.check_exact();
  CHECK(scene.discovery->counters().files_vanished.value() == 0);
}

TEST_CASE("copy waits: for an original that no event told of", "[sources][copies]") {
  CopyScene scene(1, {"/log/a.log*", "/log/old/a.log*"});
  scene.world.disk().make_directories("/log/old");
  scene.world.faults().set("", {.watch_loss = 1.0});
  scene.start();
  scene.run(1s);
  scene.world.faults().switch_on(true);
  scene.write(text_of(0, 300));
  scene.world.faults().switch_on(false);
  scene.copy(GENERATE("/log/a.log.1", "/log/old/a.log.1"));
  scene.run(120s);
  scene.check_exact();
}

TEST_CASE("copy waits: not for an original that is refused, if the copy cannot be opened either",
          "[sources][copies]") {
  CopyScene scene;
  scene.write(text_of(0, 300));
  scene.copy("/log/a.log.1");
  scene.world.faults().set("/log/a.log", {.look_error = 1});
  scene.world.faults().switch_on(true);
  scene.world.disk().find("/log/a.log.1")->denied = true;
  scene.start();
  scene.run(1s);
  CHECK(scene.discovery->counters().files_unreadable.value() == 2);
  scene.world.faults().switch_on(false);
  scene.world.disk().deny(*scene.world.disk().find("/log/a.log.1"), false);
  scene.run(120s);
  scene.check_exact();
}

TEST_CASE("copy waits: two new files of one name on two devices do not wait for each other",
          "[sources][copies]") {
  for (const int lines : {2, 100}) {
    CAPTURE(lines);
    CopyScene scene(1, {"/log/*/a.log*"});
    for (const char* directory : {"/log/one", "/log/two"}) {
      scene.world.disk().make_directories(directory);
    }
    scene.world.disk().mount("/log/two", 9);
    const std::string text = text_of(0, lines);
    scene.write("/log/one/a.log", text);
    scene.append("/log/two/a.log", text);
    // Alike up to 1 KiB they are two files.
    if (lines == 2) scene.written += text;
    scene.start();
    scene.run(10s);
    CHECK(scene.discovery->waiting() == 0);
    scene.check_exact();
    scene.write("/log/one/a.log", "one\n");
    scene.write("/log/two/a.log", "two\n");
    scene.run(1s);
    scene.check_exact();
  }
}

TEST_CASE("copy waits: a file moved to another device waits for what was read of it, however long",
          "[sources][copies]") {
  CopyScene scene(1, {"/log/*/a.log*"});
  for (const char* directory : {"/log/one", "/log/two"}) {
    scene.world.disk().make_directories(directory);
  }
  scene.world.disk().mount("/log/two", 9);
  scene.write("/log/one/a.log", text_of(0, 300));
  scene.start();
  scene.run(1s);
  scene.write("/log/one/a.log", text_of(300, 400));
  const auto turn_without_target = [&scene](base::Duration time) {
    for (const base::Instant end = scene.world.clock().monotonic() + time;
         scene.world.clock().monotonic() < end;) {
      scene.turn();
      while (scene.rig->writes() > 0) scene.rig->answer();
    }
  };
  turn_without_target(1s);
  scene.append("/log/two/a.log", scene.written);
  scene.world.disk().remove("/log/one/a.log");
  turn_without_target(300s);
  CHECK(scene.records().size() == 300);
  scene.run(10s);
  scene.check_exact();
  CHECK(scene.discovery->waiting() == 0);
}

TEST_CASE("copy waits: not for a file that is no text and never read", "[sources][copies]") {
  for (const std::size_t bytes : {std::size_t{300}, std::size_t{3000}, std::size_t{30000}}) {
    for (const bool once : {false, true}) {
      CAPTURE(bytes, once);
      CopyScene scene;
      scene.options.tail.once = once;
      scene.append("/log/a.log", std::string("\x7f"
                                             "ELF\0\0\1",
                                             7) +
                                     std::string(bytes, '\2'));
      scene.copy("/log/a.log.1");
      scene.start();
      scene.run(20s);
      CHECK(scene.discovery->waiting() == 0);
      CHECK(scene.rig->tails().at_end());
      CHECK(scene.counters().files_binary.value() == 2);
    }
  }
}

TEST_CASE("copy waits: an original answers in the middle of a long line", "[sources][copies]") {
  CopyScene scene;
  const std::string lines = text_of(0, 100);
  const std::string half(100'000, 'x');  // many times a read
  scene.append("/log/a.log", lines + half);
  scene.written = lines;
  scene.start();
  scene.run(1s);
  const std::string other = text_of(1000, 1100);
  scene.write("/log/a.log.1", other);
  scene.run(500ms);  // not when the line ends
  scene.check_exact();
  CHECK(scene.discovery->waiting() == 0);
  scene.append("/log/a.log", "y\n");
  scene.run(1s);
  CHECK(scene.records().back() == half + "y");
}

TEST_CASE("copy waits: not for ever for the end of a line", "[sources][copies]") {
  for (const std::size_t bytes : {std::size_t{10}, std::size_t{100'000}}) {
    CAPTURE(bytes);
    CopyScene scene;
    const std::string lines = text_of(0, 100);
    const std::string half(bytes, 'x');
    scene.append("/log/a.log", lines + half);
    scene.written = lines;
    scene.start();
    scene.run(1s);
    scene.copy("/log/a.log.1");
    scene.run(1s);
    CHECK(scene.discovery->waiting() == 1);
    scene.run(10s);
    CHECK(scene.discovery->waiting() == 0);
    scene.check_exact();
    scene.append("/log/a.log", "y\n");
    scene.written += half + "y\n";
    scene.run(1s);
    scene.check_exact();
    // What the copy holds of the line is a line of its own, should it ever end.
    scene.append("/log/a.log.1", "z\n");
    scene.written += half + "z\n";
    scene.run(1s);
    scene.check_exact();
  }
}

TEST_CASE("copy waits: a truncation in the middle of a long line is seen when asked about",
          "[sources][copies]") {
  CopyScene scene;
  const std::string lines = text_of(0, 100);
  scene.append("/log/a.log", lines + std::string(100'000, 'x'));
  scene.written = lines;
  scene.start();
  scene.run(1s);
  scene.copy("/log/a.log.1");
  scene.truncate("/log/a.log");
  scene.write(text_of(200, 300));
  scene.append("/log/a.log", std::string(200'000, 'y'));  // longer than before
  scene.run(10s);
  scene.check_exact();
}

TEST_CASE(
    "copy waits: an older file and the newer one it may be made of do not wait for each other",
    "[sources][copies]") {
  CopyScene scene;
  scene.options.tail.close_inactive = 500ms;
  const std::string older = text_of(1000, 1010);
  scene.append("/log/a.log", older);
  scene.world.disk().find("/log/a.log")->denied = true;
  scene.start();
  scene.run(100ms);
  scene.world.disk().rename("/log/a.log", "/log/a.log.1");
  scene.append("/log/a.log", text_of(0, 300));
  scene.run(5s);
  REQUIRE(scene.open() == 0);
  REQUIRE(scene.records().size() == 300);
  // Now the older one can be read, and of the newer one there is more to be read.
  scene.world.disk().find("/log/a.log.1")->denied = false;
  scene.append("/log/a.log", text_of(300, 310));
  scene.discovery->reconcile_now();
  scene.run(20s);
  CHECK(scene.discovery->waiting() == 0);
  CHECK(scene.records().size() == 320);
}

TEST_CASE("copies: few equal bytes prove nothing for a name that is only similar",
          "[sources][copies]") {
  CopyScene scene;
  scene.write("started\n");
  scene.start();
  scene.run(1s);
  scene.truncate("/log/a.log");
  scene.write(text_of(0, 3));
  scene.run(1s);
  scene.write("/log/a.log.err", "started\nand failed\n");
  scene.run(5s);
  scene.check_exact();
  // A numbered one is the copy.
  scene.append("/log/a.log.1", "started\nmore\n");
  scene.written += "more\n";
  scene.run(5s);
  scene.check_exact();
}

TEST_CASE("copies: a copy is in its original's directory or in one below", "[sources][copies]") {
  CopyScene scene(1, {"/log/**/a.log*"});
  for (const char* directory : {"/log/one/old", "/log/two", "/log/one/old/older"}) {
    scene.world.disk().make_directories(directory);
  }
  const std::string text = text_of(0, 100);
  scene.write("/log/one/a.log", text);
  scene.start();
  scene.run(1s);
  scene.truncate("/log/one/a.log");
  scene.write("/log/one/a.log", "another\n");
  scene.run(1s);
  scene.write("/log/two/a.log.1", text);  // of another service
  scene.write("/log/one/old/older/a.log.1", text);
  scene.run(5s);
  scene.check_exact();
  scene.append("/log/one/old/a.log.1", text);
  scene.run(5s);
  scene.check_exact();
}

TEST_CASE("copies: more truncations than are remembered are counted, and the last ones known",
          "[sources][copies]") {
  CopyScene scene;
  scene.start();
  constexpr int kRounds = 1030;
  for (int i = 0; i < kRounds; ++i) {
    scene.write(text_of(10 * i, 10 * i + 2));
    const std::size_t lines = 2 * (static_cast<std::size_t>(i) + 1);
    for (int k = 0; k < 100 && scene.records().size() < lines; ++k) scene.run(10ms);
    scene.truncate("/log/a.log");
    for (int k = 0; k < 100 && scene.counters().files_truncated.value() < lines / 2; ++k) {
      scene.run(10ms);
    }
  }
  scene.run(1s);
  scene.check_exact();
  CHECK(scene.discovery->counters().gone_forgotten.value() == kRounds - 1024);
  CHECK(scene.durable.checkpoints.size() <= 1024 + 2);
  const std::string known = text_of(10 * 10, 10 * 10 + 2);
  const std::string forgotten = text_of(0, 2);
  scene.append("/log/a.log.1", known);
  scene.write("/log/a.log.2", forgotten);  // again
  scene.run(5s);
  scene.check_exact();
}

TEST_CASE("copies: a shorter log that begins like one that is gone is none of it",
          "[sources][copies]") {
  CopyScene scene;
  const std::string banner = std::string(300, '=') + "\n";
  scene.write(banner);
  scene.start();
  scene.run(1s);
  scene.write(text_of(0, 300));
  scene.store_unnoted();
  scene.stop();
  scene.world.disk().remove("/log/a.log");
  const std::string other = banner + text_of(1000, 1100);
  scene.append("/log/a.log.1", other);
  scene.written += other;
  scene.start();
  scene.run(30s);
  scene.check_exact();
}

// As mv between devices does, or cp and rm.
TEST_CASE("copies: the last of a copy comes, and its original is gone before the next comparison",
          "[sources][copies]") {
  CopyScene scene;
  scene.write(text_of(0, 300));
  scene.start();
  scene.run(1s);
  const std::string all = scene.world.disk().content("/log/a.log");
  scene.append("/log/a.log.1", all.substr(0, all.size() / 2 + 7));  // in the middle of a line
  scene.run(1s);
  scene.append("/log/a.log.1", all.substr(all.size() / 2 + 7));
  scene.world.disk().remove("/log/a.log");
  scene.run(60s);
  scene.check_exact();
  scene.write("/log/a.log.1", text_of(400, 410));
  scene.run(1s);
  scene.check_exact();
}

TEST_CASE("copies: killed between the note of a generation and what follows it",
          "[sources][copies]") {
  int between = 0;
  for (int answers = 0; answers < 8; ++answers) {
    CAPTURE(answers);
    CopyScene scene;
    scene.write(text_of(0, 300));
    scene.start();
    scene.run(1s);
    scene.copy("/log/a.log.1");
    scene.write(text_of(300, 500));
    scene.read_unseen();
    scene.note_unseen();
    scene.truncate("/log/a.log");
    scene.write(text_of(600, 610));
    scene.rig->tails().look_at_all();
    for (int i = 0; i < answers; ++i) {
      scene.rig->tick();
      scene.rig->answer();
    }
    const auto ended = [](const auto& each) { return each.identity.device == 0; };
    if (std::ranges::none_of(scene.durable.known(), ended)) continue;
    ++between;
    scene.stop();
    scene.start();
    scene.run(30s);
    scene.check_exact();
  }
  CHECK(between > 1);
}
