// TailSet on a simulated machine.
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "sources/tail_set_state.h"
#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using scene::Lines;
using scene::numbered;
using scene::Scene;
using scene::split;
using scene::with;

}  // namespace

TEST_CASE("tail set: once, the unfinished last line is a line", "[sources][tail_set]") {
  const std::size_t bytes = GENERATE(0, 1, 100, 300, 1000, 1500);
  const auto policy = GENERATE(pipeline::LongLines::split, pipeline::LongLines::truncate);
  CAPTURE(bytes, static_cast<int>(policy));
  rig::Options options = with(policy, 1000);
  options.tail.once = true;
  Scene scene(options);
  scene.write("/log/a", "one\n" + std::string(bytes, 'x'));
  scene.rig->add("/log/a", 1);
  CHECK_FALSE(scene.rig->tails().at_end());
  scene.run();
  CHECK(scene.rig->tails().at_end());
  CHECK(scene.rig->tails().lag_bytes() == 0);
  Lines expected{"one"};
  if (bytes > 0) expected.emplace_back(std::min<std::size_t>(bytes, 1000), 'x');
  if (bytes > 1000 && policy == pipeline::LongLines::split)
    expected.emplace_back(bytes - 1000, 'x');
  CHECK(scene.records() == expected);
}

TEST_CASE("tail set: a new file waits until the older one of its path was read to its end",
          "[sources][tail_set]") {
  rig::Options options;
  options.chunk_bytes = 512;
  Scene scene(options);
  scene.write("/log/a", numbered(0, 300));
  scene.rig->add("/log/a", 1);
  scene.world.disk().rename("/log/a", "/log/a.1");
  scene.write("/log/a", numbered(300, 320));
  sources::FoundFile found = scene.rig->find("/log/a", 2);
  found.after = {1, 77};  // 77: nobody here
  scene.rig->tails().add(std::move(found));
  scene.rig->tails().detached(1, "");
  scene.run();
  CHECK(scene.records() == split(numbered(0, 320)));
}

TEST_CASE("tail set: a new file waits for the older one also when that has another number",
          "[sources][tail_set]") {
  Scene scene;
  const std::string before = numbered(0, 3000);
  scene.write("/log/a.1", before);
  scene.write("/log/a", "new\n");
  scene.write("/log/b", "other\n");
  scene.rig->add("/log/a.1", 1);
  scene.rig->tick();
  scene.rig->tails().detached(1, "/log/a.1");
  sources::FoundFile after = scene.rig->find("/log/a", 2);
  after.after = {1};
  scene.rig->tails().add(std::move(after));
  scene.rig->add("/log/a.1", 3);  // it has a name again
  scene.rig->add("/log/b", 4);    // and comes to its end
  scene.run();
  Lines records = scene.records();
  std::erase(records, "other");
  CHECK((records == split(before + "new\n")));
}

TEST_CASE("tail set: a look at all reads what changed, be it as long as before",
          "[sources][tail_set]") {
  const bool just_written = GENERATE(false, true);  // its time may stay when it is written again
  CAPTURE(just_written);
  Scene scene;
  scene.write("/log/a", "one\n");
  if (!just_written) scene.pass(1s);
  scene.rig->add("/log/a", 1);
  scene.run();
  const std::uint64_t reads = scene.rig->tails().counters().reads.value();
  scene.rig->tails().look_at_all();
  scene.run();
  CHECK(scene.rig->tails().counters().reads.value() == reads + (just_written ? 1 : 0));
  scene.pass(1s);
  scene.truncate("/log/a");
  scene.write("/log/a", "two\n");
  scene.rig->tails().look_at_all();
  scene.run();
  CHECK(scene.records() == Lines{"one", "two"});
}

TEST_CASE("tail set: a name that comes back is followed where it was, open or let go",
          "[sources][tail_set]") {
  const bool let_go = GENERATE(false, true);
  CAPTURE(let_go);
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.rig->tails().detached(1, "/log/b");
  scene.pass(let_go ? 40s : 5s);
  CHECK(scene.rig->tails().files() == (let_go ? 0 : 1));
  sources::FoundFile found = scene.rig->find("/log/a", 2);
  found.checkpoint.offset = 0;  // discovery knows nothing
  found.checkpoint.origin = base::Origin::none;
  found.marks = {};
  scene.rig->tails().add(std::move(found));
  scene.run();
  CHECK(scene.rig->closed() == std::vector<std::uint64_t>{1});
  scene.write("/log/a", "two\n");
  scene.look(2);
  scene.pass(50s);  // less than close_inactive
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.rig->tails().files() == 1);
  CHECK(scene.process->open_handles() == 1);
}

TEST_CASE("tail set: while other flows' reads have all buffers there is nothing to do",
          "[sources][tail_set]") {
  Scene scene;
  std::vector<std::span<char>> others;
  for (auto buffer = scene.rig->chunks().take(); !buffer.empty();
       buffer = scene.rig->chunks().take()) {
    others.push_back(buffer);
  }
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records().empty());
  CHECK(scene.rig->tails().next_deadline() > scene.world.clock().monotonic());
  for (const std::span<char> buffer : others) scene.rig->chunks().give_back(buffer);
  scene.run();
  CHECK(scene.records() == Lines{"one"});
}

TEST_CASE("tail set: a hot file does not keep the others waiting", "[sources][tail_set]") {
  rig::Options options;
  options.chunk_bytes = 512;
  options.budget_bytes = 2048;
  Scene scene(options);
  scene.write("/log/hot", numbered(0, 20'000));
  scene.rig->add("/log/hot", 1);
  for (int i = 0; i < 20; ++i) {
    const std::string path = "/log/" + std::to_string(i);
    scene.write(path, "cold\n");
    scene.rig->add(path, static_cast<std::uint64_t>(2 + i));
  }
  std::size_t cold = 0;
  for (int i = 0; i < 400 && cold < 20; ++i) {
    scene.rig->tick();
    scene.rig->answer();
    scene.rig->deliver(0);
    if (scene.rig->unsettled() > 0) scene.rig->settle(0);
    scene.world.clock().advance(1ms);
    const Lines records = scene.records();
    cold = static_cast<std::size_t>(std::count(records.begin(), records.end(), "cold"));
  }
  CHECK(cold == 20);
}

TEST_CASE("tail set: start at the end delivers only what comes, also after a restart (F34)",
          "[sources][tail_set]") {
  Scene scene;
  scene.write("/log/a", "old\n");
  sources::FoundFile found = scene.rig->find("/log/a", 1);
  found.checkpoint.offset = 4;
  scene.rig->tails().add(std::move(found));
  scene.run();
  CHECK(scene.durable.known().front().offset == 4);  // before anything was delivered
  scene.write("/log/a", "new\n");
  if (GENERATE(false, true)) {
    scene.restart();
    scene.rig->add("/log/a", 1);
    scene.run();
  } else {
    scene.look();
  }
  CHECK(scene.records() == Lines{"new"});
}

TEST_CASE("tail set: of what is known of a file that was let go the later counts",
          "[sources][tail_set]") {
  sources::Checkpoint remembered;
  remembered.identity = {.device = 1, .inode = 7};
  remembered.offset = 100;
  remembered.seen_us = 5;
  const auto taken = [&](std::int64_t seen_us, base::Duration after = 1s) {
    sources::LetGo let_go;
    let_go.remember(remembered, {}, base::Instant{});
    sources::Checkpoint checkpoint = remembered;
    checkpoint.offset = 50;  // it was truncated
    checkpoint.seen_us = seen_us;
    std::vector<std::uint64_t> marks;
    let_go.take(remembered.identity, checkpoint, marks, base::Instant{} + after);
    return checkpoint.offset;
  };
  CHECK(taken(4) == 100);
  CHECK(taken(6) == 50);
  CHECK(taken(4, sources::FilesOptions::kStateTtlMin) == 50);  // it may be forgotten since (F55)
}

TEST_CASE("tail set: a damaged checkpoint's offset beyond the end starts a new generation",
          "[sources][tail_set]") {
  Scene scene;
  scene.write("/log/a", "one\n");
  sources::FoundFile found = scene.rig->find("/log/a", 1);
  found.checkpoint.offset = 1'000'000;
  found.checkpoint.tail_bytes = 64;
  found.checkpoint.origin = base::Origin{5};
  scene.rig->tails().add(std::move(found));
  scene.run();
  CHECK(scene.records() == Lines{"one"});
}

TEST_CASE("tail set: marks of a generation that is ending are needed until that is told",
          "[sources][tail_set]") {
  rig::Options options;
  options.tail.copies = true;
  Scene scene(options);
  scene.write("/log/a", numbered(0, 300));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 50; ++i) {  // everything is stored, nothing of that is noted
    scene.rig->tick();
    scene.rig->deliver(0);
    if (scene.rig->writes() > 0) scene.rig->answer();
    scene.world.clock().advance(1ms);
  }
  REQUIRE(scene.records() == split(numbered(0, 300)));
  scene.restart();
  REQUIRE(scene.durable.known().size() == 1);
  const base::Origin origin = scene.durable.known().front().origin;
  REQUIRE(scene.durable.known().front().offset == 0);
  scene.truncate("/log/a");
  scene.write("/log/a", numbered(500, 510));
  scene.rig->add("/log/a", 1);
  const auto needed = [&] {
    std::vector<base::Origin> origins;
    scene.rig->tails().add_marks_needed(scene.environment->clock.monotonic(), origins);
    return std::ranges::count(origins, origin) > 0;
  };
  for (int i = 0; i < 50 && scene.rig->ended().empty(); ++i) {
    CHECK(needed());
    if (scene.rig->writes() > 0) scene.rig->answer();
    CHECK(needed());
    scene.rig->tick();
    scene.world.clock().advance(1ms);
  }
  REQUIRE(scene.rig->ended().size() == 1);
  CHECK(scene.rig->ended().front().origin == origin);
  CHECK_FALSE(needed());  // who was told keeps them
  scene.run();
  CHECK(scene.records().size() == 310);
}

TEST_CASE("tail set: a copy shorter than what was read leaves the marks before it rests",
          "[sources][tail_set]") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    rig::Options options;
    options.chunk_bytes = 512;
    Scene scene(options, 1, seed);
    const auto turn = [&scene] {
      scene.rig->tick();
      scene.rig->deliver(0);
      if (scene.rig->writes() > 0) scene.rig->answer();
      scene.world.clock().advance(1ms);
    };
    const std::string lines = numbered(1000, 4000);
    scene.write("/log/a", lines);
    scene.world.faults().set("/log", {.short_read = 0.3, .look_error = 0.3});
    scene.world.faults().switch_on(false);
    scene.rig->add("/log/a", 1);
    for (int i = 0; i < 500; ++i) turn();  // everything is stored, nothing of that is noted
    REQUIRE((scene.records() == split(lines)));
    scene.restart();
    scene.truncate("/log/a", 20'000);
    sources::FoundFile copy = scene.rig->find("/log/a", 1);
    copy.checkpoint.goes_on = true;
    if (seed > 0) scene.world.faults().switch_on(true);
    scene.rig->tails().add(std::move(copy));
    scene.rig->tails().yield(1);
    for (int i = 0; i < 10'000 && scene.rig->released().empty(); ++i) {
      turn();
      if (scene.rig->unsettled() > 0) scene.rig->settle(0);
    }
    scene.world.faults().switch_on(false);
    REQUIRE(scene.rig->released() == std::vector<std::uint64_t>{1});
    // While it rests it grows beyond them, and we are killed.
    scene.write("/log/a", numbered(5000, 9000));
    scene.restart();
    scene.rig->add("/log/a", 1);
    scene.pass(1s);
    CHECK((scene.records() == split(lines + numbered(5000, 9000))));
  }
}

TEST_CASE("tail set: a name that comes back and goes at once leaves nothing open",
          "[sources][tail_set]") {
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.rig->tails().detached(1, "/log/b");
  scene.run();
  scene.world.clock().advance(31s);  // rotate_wait is over, and nobody looked yet
  sources::FoundFile found = scene.rig->find("/log/a", 2);
  found.brief = true;
  scene.world.disk().remove("/log/a");
  scene.rig->tails().add(std::move(found));
  scene.run();
  scene.rig->tails().detached(2, "");
  scene.pass(40s);
  CHECK(scene.records() == Lines{"one"});
  CHECK(scene.counters().read_errors.value() == 0);
  CHECK(scene.rig->tails().files() == 0);
  CHECK(scene.counters().files_open.value() == 0);
  CHECK(scene.process->open_handles() == 0);
}

TEST_CASE("tail set: memory of files that come to rest together is told once",
          "[sources][tail_set]") {
  rig::Options options;
  options.tail.close_inactive = 60s;
  Scene scene(options);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    scene.write("/log/" + std::to_string(i), "one\n");
    scene.rig->add("/log/" + std::to_string(i), i);
  }
  scene.pass(59s);
  CHECK(scene.rig->tails().take_freed_bytes() == 0);
  scene.pass(2s);
  REQUIRE(scene.rig->tails().files() == 0);
  CHECK(scene.rig->tails().take_freed_bytes() == 3 * sizeof(sources::FileTail));
  CHECK(scene.rig->tails().take_freed_bytes() == 0);
}
