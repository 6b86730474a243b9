// Files that are replaced by another with much the same content (F21): sed -i, editors, rsync.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "tests/sources/rotation_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::text_of;
using sources::OnRewrite;

struct Rewriting : scene::RotationScene {
  explicit Rewriting(std::uint64_t seed = 1, sources::Order order = sources::Order::fair)
      : RotationScene({"/log/a.log"}, seed, order) {
    options.tail.on_rewrite = OnRewrite::read_on;
  }
  // A file of this content takes the path.
  void rewrite(const std::string& content) {
    append("/log/.a.log.tmp", content);
    rename("/log/.a.log.tmp", "/log/a.log");
  }
  void rename(const std::string& from, const std::string& to) {
    REQUIRE(world.disk().rename(from, to) == 0);
  }
  // Some perhaps twice: of what was stored before a kill and not noted.
  bool has_all() const {
    return std::ranges::includes(scene::sorted(records()), scene::sorted(scene::split(written)));
  }
  std::uint64_t continued() { return rig->tails().counters().files_continued_rewritten.value(); }
};

// What is under way when the file is rewritten.
enum class When : std::uint8_t { open, closed, stopped };

void begin(Rewriting& scene, When when, const std::string& text) {
  if (when == When::closed) scene.options.tail.close_inactive = 500ms;
  scene.write("/log/a.log", text);
  scene.start();
  scene.run(2s);
  if (when == When::stopped) scene.stop();
}

void go_on(Rewriting& scene, When when) {
  if (when == When::stopped) scene.start();
  scene.run(10s);
}

}  // namespace

TEST_CASE("rewrites: what is behind the bytes that were read is read on (F21)",
          "[sources][rewrites]") {
  const When when = GENERATE(When::open, When::closed, When::stopped);
  const int lines = GENERATE(1, 300);
  const int more = GENERATE(0, 1, 50);
  CAPTURE(when, lines, more);
  Rewriting scene;
  begin(scene, when, text_of(0, lines));
  std::string now = scene.written + text_of(300, 300 + more);
  scene.rewrite(now);
  scene.written = std::move(now);
  go_on(scene, when);
  scene.check_exact();
  CHECK(scene.continued() == 1);
  scene.write("/log/a.log", text_of(400, 410));
  scene.run(5s);
  scene.check_exact();
}

TEST_CASE("rewrites: again and again, killed at any moment", "[sources][rewrites]") {
  for (int turns = 0; turns < 90; ++turns) {
    CAPTURE(turns);
    Rewriting scene;
    scene.write("/log/a.log", text_of(0, 300));
    scene.start();
    scene.run(1s);
    for (int i = 1; i < 4; ++i) {
      std::string now = scene.written + text_of(i * 1000, i * 1000 + 20);
      scene.rewrite(now);
      scene.written = std::move(now);
      scene.some_turns(turns);
      scene.stop();
      scene.start();
      scene.run(30s);
    }
    CHECK(scene.has_all());
    CHECK(scene.records().size() <= scene::split(scene.written).size() + 60);
  }
}

TEST_CASE("rewrites: what was stored and not noted hides nothing that is new",
          "[sources][rewrites]") {
  const int kept = GENERATE(1, 300);  // lines; more than were noted, or not
  Rewriting scene;
  scene.write("/log/a.log", text_of(0, 300));
  scene.start();
  scene.run(2s);
  scene.append("/log/a.log", text_of(300, 340));
  scene.rig->tails().look_at_all();
  for (int i = 0; i < 20; ++i) {
    scene.rig->tick();
    while (scene.rig->undelivered() > 0) scene.rig->deliver(0);
  }
  scene.stop();
  const std::string now = text_of(0, kept) + text_of(1000, 1400);
  scene.rewrite(now);
  scene.written += text_of(1000, 1400);
  scene.start();
  scene.run(30s);
  CHECK(scene.has_all());
}

TEST_CASE("rewrites: a shorter one is another file, and is not torn", "[sources][rewrites]") {
  const When when = GENERATE(When::open, When::closed, When::stopped);
  CAPTURE(when);
  Rewriting scene;
  scene.options.tail.copies = true;
  begin(scene, when, text_of(0, 300));
  const std::string half = text_of(900, 901).substr(0, 20);
  scene.rewrite(text_of(0, 280) + half);
  go_on(scene, when);
  scene.append("/log/a.log", text_of(900, 901).substr(20));
  scene.written += text_of(0, 280) + text_of(900, 901);
  scene.run(10s);
  scene.check_exact();
}

TEST_CASE("rewrites: nor is a line that nobody saw before it was written anew torn",
          "[sources][rewrites]") {
  Rewriting scene;
  begin(scene, When::open, text_of(0, 300));
  scene.append("/log/a.log", "the");
  scene.rewrite(scene.written + "the");
  scene.run(30s);
  scene.append("/log/a.log", " end\n");
  scene.written += "the end\n";
  scene.run(10s);
  scene.check_exact();
}

TEST_CASE("rewrites: an unfinished line that was edited away is a line", "[sources][rewrites]") {
  Rewriting scene;
  begin(scene, When::open, text_of(0, 300) + "the end");
  const std::string lines = text_of(0, 300);
  scene.rewrite(lines + text_of(400, 410));
  scene.written += "\n" + text_of(400, 410);
  scene.run(30s);
  scene.check_exact();
}

TEST_CASE("rewrites: a line is not torn while its target stands", "[sources][rewrites]") {
  Rewriting scene;
  scene.write("/log/a.log", text_of(0, 300) + "the");
  scene.start();
  for (int i = 0; i < 2000; ++i) {
    scene.turn();
    while (scene.rig->writes() > 0) scene.rig->answer();
    if (i == 100) scene.rewrite(scene.written + " end\n");
  }
  scene.written += " end\n";
  scene.run(10s);
  CHECK(scene.has_all());
}

TEST_CASE("rewrites: with other bytes before where it was read to it is another file",
          "[sources][rewrites]") {
  const When when = GENERATE(When::open, When::closed, When::stopped);
  CAPTURE(when);
  Rewriting scene;
  begin(scene, when, text_of(0, 300));
  std::string edited = text_of(0, 300);
  std::ranges::replace(edited, 'l', 'L');
  scene.rewrite(edited);
  scene.written += edited;
  go_on(scene, when);
  scene.check_exact();
  CHECK(scene.continued() == 0);
}

TEST_CASE("rewrites: what a program still writes into the former file is read",
          "[sources][rewrites]") {
  const base::Duration later = GENERATE(0ms, 20ms, 1500ms);
  Rewriting scene;
  begin(scene, When::open, text_of(0, 300));
  const sim::NodeRef former = scene.world.disk().find("/log/a.log");
  scene.rewrite(scene.written);
  scene.run(later);
  const std::string late = text_of(300, 310);
  scene.world.disk().append(*former, late);
  scene.run(10s);
  // Before it is known where the new one goes on, the two differ there.
  const Lines stored = scene::sorted(scene.records());
  const Lines wanted = scene::sorted(scene::split(scene.written + late));
  CHECK(std::ranges::includes(stored, wanted));
  if (later == 1500ms) CHECK(stored == wanted);
}

TEST_CASE("rewrites: copies that end in the middle of a line do not tear it",
          "[sources][rewrites]") {
  const When when = GENERATE(When::open, When::closed, When::stopped);
  const base::Duration pause = GENERATE(100ms, 1s, 20s);
  CAPTURE(when, pause.count());
  Rewriting scene;
  const std::string all = text_of(0, 400);
  const std::string lines = text_of(0, 100);
  begin(scene, when, lines);
  if (when == When::stopped) scene.start();
  for (std::size_t bytes = lines.size() + 30; bytes < all.size(); bytes += 1117) {
    scene.rewrite(all.substr(0, bytes));
    scene.run(pause);
  }
  scene.rewrite(all);
  scene.written = all;
  scene.run(10s);
  scene.check_exact();
}

TEST_CASE("rewrites: one that is replaced before its turn is read all the same",
          "[sources][rewrites]") {
  Rewriting scene;
  begin(scene, When::open, text_of(0, 300));
  std::string edited = text_of(0, 300);
  std::ranges::replace(edited, 'l', 'L');
  scene.rewrite(edited);
  scene.run(20ms);  // found, and no more
  scene.rewrite(edited + text_of(500, 510));
  scene.written += edited + text_of(500, 510);
  scene.run(10s);
  scene.check_exact();
}

TEST_CASE("rewrites: an editor keeps the former version, for a moment or for good",
          "[sources][rewrites]") {
  const When when = GENERATE(When::open, When::closed);
  const bool kept = GENERATE(false, true);
  const base::Duration pause = GENERATE(0ms, 15ms, 200ms);
  CAPTURE(when, kept, pause.count());
  Rewriting scene;
  begin(scene, when, text_of(0, 300));
  const std::string now = scene.written + text_of(300, 310);
  scene.rename("/log/a.log", "/log/a.log~");
  scene.run(pause);
  scene.append("/log/a.log", now.substr(0, 1000));
  scene.run(pause);
  scene.append("/log/a.log", now.substr(1000));
  if (!kept) scene.world.disk().remove("/log/a.log~");
  scene.written = now;
  scene.run(10s);
  scene.check_exact();
}

TEST_CASE("rewrites: what an editor keeps is looked at again if that failed (F30)",
          "[sources][rewrites]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Rewriting scene(seed);
    begin(scene, When::closed, text_of(0, 300));
    scene.run(65s);  // so long that the former one is not read on
    scene.world.faults().set("/log/a.log~", {.look_error = 0.5});
    const std::string now = scene.written + text_of(300, 310);
    scene.rename("/log/a.log", "/log/a.log~");
    scene.append("/log/a.log", now);
    scene.written = now;
    scene.run(50ms);
    scene.world.faults().switch_on(false);
    scene.run(10s);
    scene.check_exact();
  }
}

TEST_CASE("rewrites: a log that was rotated was not rewritten, whatever its lines are",
          "[sources][rewrites]") {
  const When when = GENERATE(When::open, When::closed, When::stopped);
  const bool deeper = GENERATE(false, true);
  CAPTURE(when, deeper);
  Rewriting scene;
  std::string ticks;
  for (int i = 0; i < 100; ++i) ticks += "tick\n";
  begin(scene, when, ticks);
  scene.world.disk().make_directories("/log/old");
  scene.rename("/log/a.log", deeper ? "/log/old/a.log" : "/log/a.log.1");
  scene.write("/log/a.log", ticks + ticks);
  go_on(scene, when);
  scene.check_exact();
  CHECK(scene.continued() == 0);
}

TEST_CASE("rewrites: a version that was gone on with is none of a later log that begins alike",
          "[sources][rewrites]") {
  const When when = GENERATE(When::open, When::closed, When::stopped);
  CAPTURE(when);
  const std::string banner = "all programs begin so\n";
  Rewriting scene;
  begin(scene, when, banner);
  std::string now = scene.written + text_of(0, 20);
  scene.rewrite(now);
  scene.written = std::move(now);
  go_on(scene, when);
  REQUIRE(scene.continued() == 1);
  if (when == When::stopped) scene.stop();
  scene.rename("/log/a.log", "/log/a.log.0");
  scene.write("/log/a.log", banner + text_of(100, 120));
  go_on(scene, when);
  scene.check_exact();
  CHECK(scene.continued() == (when == When::stopped ? 0 : 1));
}

TEST_CASE("rewrites: whoever waits for a target is waited for", "[sources][rewrites]") {
  Rewriting scene;
  scene.write("/log/a.log", text_of(0, 300));
  scene.start();
  for (int i = 0; i < 20'000; ++i) {  // nothing is delivered for more than a minute
    scene.turn();
    while (scene.rig->writes() > 0) scene.rig->answer();
    if (i != 100) continue;
    const std::string now = scene.written + text_of(300, 310);
    scene.rewrite(now);
    scene.written = now;
  }
  scene.run(10s);
  scene.check_exact();
  CHECK(scene.continued() == 1);
}

TEST_CASE("rewrites: any order of lines, rewritings and kills", "[sources][rewrites]") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    Rewriting scene(seed);
    sim::SimRandom& random = scene.world.random();
    if (random.chance(0.5)) scene.options.tail.close_inactive = 300ms;
    scene.start();
    int next = 0;
    bool killed = false;
    for (int step = 0; step < 30; ++step) {
      const std::string lines = text_of(next, next + static_cast<int>(random.below(40)));
      next += 100;
      const bool rewritten = random.chance(0.4);
      if (rewritten) {
        const std::string now = scene.written + lines;
        scene.rewrite(now);
        scene.written = now;
      } else {
        scene.write("/log/a.log", lines);
      }
      scene.some_turns(static_cast<int>(random.below(30)));
      if (random.chance(0.5)) scene.run(std::chrono::milliseconds(random.below(1500)));
      if (seed % 4 != 0 && random.chance(0.2)) {
        killed = true;
        scene.stop();
        scene.start();
      }
    }
    scene.run(40s);
    CHECK(scene.has_all());
    if (!killed) scene.check_exact();
  }
}

TEST_CASE("rewrites: who waits to be whole is looked at now and then", "[sources][rewrites]") {
  const auto order = GENERATE(sources::Order::fair, sources::Order::oldest_first);
  Rewriting scene(1, order);
  begin(scene, When::open, text_of(0, 300));
  scene.rewrite("");
  scene.run(500ms);
  for (int i = 0; i < 100; ++i) {
    scene.turn();
    scene.deliver();
    CHECK(scene.rig->tails().next_deadline() > scene.world.clock().monotonic());
  }
  const std::string now = scene.written + text_of(300, 310);
  scene.append("/log/a.log", now);
  scene.written = now;
  scene.run(5s);
  scene.check_exact();
}

TEST_CASE("rewrites: who waits for a target for long does not spin", "[sources][rewrites]") {
  const auto order = GENERATE(sources::Order::fair, sources::Order::oldest_first);
  Rewriting scene(1, order);
  scene.files.patterns = {"/log/*.log"};
  begin(scene, When::open, text_of(0, 300));
  scene.append("/log/a.log", text_of(300, 310));
  scene.written += text_of(300, 310);
  int late = 0;
  for (int i = 0; i < 20'000; ++i) {
    scene.turn();
    while (scene.rig->writes() > 0) scene.rig->answer();
    if (i == 100) scene.rewrite(scene.written);
    if (i == 110) scene.write("/log/b.log", text_of(700, 710));
    if (scene.rig->tails().next_deadline() <= scene.world.clock().monotonic()) ++late;
  }
  CHECK(late < 2000);
  scene.run(10s);
  scene.check_exact();
}

TEST_CASE("rewrites: without the option it is another file", "[sources][rewrites]") {
  Rewriting scene;
  scene.options.tail.on_rewrite = OnRewrite::as_new;
  scene.write("/log/a.log", text_of(0, 30));
  scene.start();
  scene.run(1s);
  scene.rewrite(text_of(0, 30));
  scene.written += scene.written;
  scene.run(30s);
  scene.check_exact();
}
