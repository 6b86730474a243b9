// FileTail and TailSet on a simulated machine.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/sim_world.h"
#include "tests/sources/tail_rig.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

// One machine, one file, one life after the other.
struct Scene {
  explicit Scene(rig::Options given = {}, std::uint32_t shards = 1, std::uint64_t seed = 1)
      : world(seed), durable(shards), options(given) {
    world.disk().make_directories("/log");
    start();
  }
  ~Scene() { stop(); }

  void start() {
    process = world.start_process();
    environment.emplace(process->environment());
    rig.emplace(*environment, durable, options);
  }
  void stop() {  // dies as by kill -9
    world.crash(*process, sim::Crash::process);
    while (process->io().pending() > 0) process->io().run_once(base::Duration::zero());
    rig.reset();
    environment.reset();
    process.reset();
  }
  void restart() {
    stop();
    start();
  }
  void write(const std::string& path, std::string_view bytes) {
    sim::NodeRef node = world.disk().find(path);
    if (!node) world.disk().create(path, node);
    world.disk().append(*node, bytes);
  }
  void truncate(const std::string& path, std::uint64_t size = 0) {
    world.disk().truncate(*world.disk().find(path), size);
  }
  // Lets everything happen that happens without waiting for a rotate timer.
  void run() {
    for (int i = 0; i < 20; ++i) {
      rig->run();
      world.clock().advance(1ms);
    }
  }
  void pass(base::Duration time) {
    for (const base::Instant end = world.clock().monotonic() + time;
         world.clock().monotonic() < end;) {
      world.clock().advance(10ms);
      rig->run();
    }
  }
  void look(std::uint64_t number = 1) {
    rig->tails().look(number);
    run();
  }
  Lines records() const { return durable.records(); }
  const sources::FileTailCounters& counters() { return rig->tails().counters(); }

  sim::SimWorld world;
  rig::Durable durable;
  rig::Options options;
  std::unique_ptr<sim::Process> process;
  std::optional<io::Environment> environment;
  std::optional<rig::TailRig> rig;
};

rig::Options with(pipeline::LongLines policy, std::size_t line_bytes_max,
                  std::size_t chunk_bytes = 256) {
  rig::Options options;
  options.chunk_bytes = chunk_bytes;
  options.framer = {.line_bytes_max = line_bytes_max, .long_lines = policy};
  return options;
}

std::string numbered(int from, int to) {
  std::string lines;
  for (int i = from; i < to; ++i) lines += "line " + std::to_string(i) + "\n";
  return lines;
}

Lines split(const std::string& text) {
  Lines lines;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  return lines;
}

}  // namespace

TEST_CASE("file tail: reads what is there, then what comes", "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\ntwo\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.rig->tails().at_end());
  scene.write("/log/a", "three\n");
  scene.look();
  CHECK(scene.records() == Lines{"one", "two", "three"});
  CHECK(scene.counters().bytes_read.value() == 14);
}

TEST_CASE("file tail: a hint without growth costs one read", "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", numbered(0, 100));
  scene.rig->add("/log/a", 1);
  scene.run();
  const std::uint64_t before = scene.counters().reads.value();
  scene.look();
  CHECK(scene.counters().reads.value() == before + 1);
}

TEST_CASE("file tail: a hint during a read brings another look", "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  for (int i = 0; i < 50; ++i) {
    scene.rig->tails().look(1);
    scene.rig->tick();  // the read is on its way and may have seen the file already
    scene.write("/log/a", "line " + std::to_string(i) + "\n");
    scene.look();
    REQUIRE(scene.records().size() == static_cast<std::size_t>(i) + 2);
  }
}

TEST_CASE("file tail: an unfinished line waits for its end, wherever it is cut",
          "[sources][file_tail]") {
  Scene scene;
  scene.rig.reset();
  scene.rig.emplace(*scene.environment, scene.durable, scene.options);
  scene.write("/log/a", "");
  scene.rig->add("/log/a", 1);
  for (const char c : std::string("a\r\n\nbc\r\r\nd\n")) {
    scene.write("/log/a", std::string(1, c));
    scene.look();
  }
  CHECK(scene.records() == Lines{"a", "", "bc\r", "d"});
}

TEST_CASE("file tail: after a crash it goes on at the checkpoint and skips what is stored",
          "[sources][file_tail]") {
  Scene scene({}, 3);
  scene.write("/log/a", numbered(0, 500));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 200; ++i) {  // deliver some, settle nothing
    scene.rig->tick();
    scene.rig->answer();
    scene.world.clock().advance(1ms);
    if (i > 20) scene.rig->deliver(static_cast<std::uint32_t>(i % 2));
  }
  const std::size_t stored = scene.records().size();
  CHECK(stored > 0);
  CHECK(stored < 500);
  scene.restart();
  scene.rig->add("/log/a", 1);
  scene.run();
  Lines all = scene.records();
  std::sort(all.begin(), all.end());
  Lines expected = split(numbered(0, 500));
  std::sort(expected.begin(), expected.end());
  CHECK(all == expected);
}

TEST_CASE("file tail: half a line at the end of a life is a whole line in the next (F39)",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\nhal");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(1s);
  scene.restart();
  scene.write("/log/a", "f\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"one", "half"});
}

TEST_CASE("file tail: truncation is a new generation, seen live or after a restart (F03, F05)",
          "[sources][file_tail]") {
  const bool live = GENERATE(true, false);
  const int after = GENERATE(0, 1, 5, 40, 400);  // lines written after it: fewer, as many, more
  CAPTURE(live, after);
  Scene scene;
  scene.write("/log/a", numbered(0, 40));
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.pass(1s);
  if (!live) scene.stop();
  scene.truncate("/log/a");
  scene.write("/log/a", numbered(1000, 1000 + after));
  if (live) {
    scene.look();
    CHECK(scene.counters().files_truncated.value() == 1);
  } else {
    scene.start();
    scene.rig->add("/log/a", 1);
  }
  scene.run();
  CHECK(scene.records() == split(numbered(0, 40) + numbered(1000, 1000 + after)));
  if (after == 0) return;
  scene.pass(1s);
  const auto known = scene.durable.known();
  REQUIRE(known.size() == 1);
  CHECK(known.front().generation == 1);
}

TEST_CASE("file tail: refilled before the first watermark was written, it is read from its start",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", numbered(0, 40));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 50; ++i) {  // stored, but no watermark gets into the log
    scene.rig->tick();
    scene.rig->answer();
    scene.rig->deliver(0);
    scene.world.clock().advance(1ms);
  }
  REQUIRE(scene.records().size() == 40);
  REQUIRE(scene.durable.known().front().offset == 0);
  scene.stop();
  scene.truncate("/log/a");
  scene.write("/log/a", numbered(100, 200));
  scene.start();
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == split(numbered(0, 40) + numbered(100, 200)));
}

TEST_CASE("file tail: nothing of a new generation is delivered before the old one is settled",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", numbered(0, 40));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 50; ++i) {
    scene.rig->tick();
    scene.rig->answer();
    scene.world.clock().advance(1ms);
  }
  REQUIRE(scene.rig->undelivered() == 1);
  scene.truncate("/log/a");
  scene.write("/log/a", "new\n");
  scene.rig->tails().look(1);
  for (int i = 0; i < 50; ++i) {
    scene.rig->tick();
    scene.rig->answer();
    scene.world.clock().advance(1ms);
  }
  CHECK(scene.rig->undelivered() == 1);
  CHECK_FALSE(scene.rig->tails().idle());
  scene.run();
  CHECK(scene.records() == split(numbered(0, 40) + "new\n"));
}

TEST_CASE("file tail: read errors and short reads lose nothing", "[sources][file_tail]") {
  const auto seed = GENERATE(range(1U, 21U));
  CAPTURE(seed);
  rig::Options options;
  options.chunk_bytes = 512;
  Scene scene(options, 2, seed);
  scene.world.faults().set("/log", {.short_read = 0.4, .read_error = 0.1});
  scene.write("/log/a", numbered(0, 300));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 300; ++i) {
    scene.pass(50ms);
    if (i % 30 == 0) {
      scene.write("/log/a", numbered(300 + i, 301 + i));
      scene.rig->tails().look(1);
    }
  }
  scene.world.faults().switch_on(false);
  scene.pass(11s);
  Lines all = scene.records();
  CHECK(all.size() == 310);
  std::sort(all.begin(), all.end());
  CHECK(std::unique(all.begin(), all.end()) == all.end());
  CHECK(scene.counters().files_truncated.value() == 0);
}

TEST_CASE("file tail: long lines by policy, with neighbours intact (F45)", "[sources][file_tail]") {
  using pipeline::LongLines;
  const std::size_t bytes =
      GENERATE(180, 191, 192, 193, 255, 256, 257, 999, 1000, 1001, 1002, 2000, 2001, 5000);
  const LongLines policy = GENERATE(LongLines::split, LongLines::truncate, LongLines::reject);
  CAPTURE(bytes, static_cast<int>(policy));
  Scene scene(with(policy, 1000));
  const std::string line = std::string(bytes, 'x');
  scene.write("/log/a", "before\n" + line.substr(0, bytes / 2));
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.write("/log/a", line.substr(bytes / 2) + "\nafter\n");
  scene.look();
  const Lines records = scene.records();
  REQUIRE(records.size() >= 2);
  CHECK(records.front() == "before");
  CHECK(records.back() == "after");
  std::string between;
  for (std::size_t i = 1; i + 1 < records.size(); ++i) {
    CHECK(records[i].size() <= 1000);
    between += records[i];
  }
  const bool fits = bytes <= 1000;
  if (policy == LongLines::split || fits) CHECK(between == line);
  if (policy == LongLines::truncate && !fits) CHECK(between == line.substr(0, 1000));
  if (policy == LongLines::reject && !fits) {
    CHECK(between.empty());
    CHECK(scene.durable.dead_letters() == Lines{line.substr(0, 1000)});
  }
  CHECK(scene.rig->budget().available_bytes() == 1 << 20);
}

TEST_CASE("file tail: a long line that comes byte by byte is not read again and again",
          "[sources][file_tail]") {
  Scene scene(with(pipeline::LongLines::split, 200'000, 4096));
  scene.write("/log/a", std::string(100'000, 'x'));
  scene.rig->add("/log/a", 1);
  scene.run();
  const std::uint64_t before = scene.counters().reads.value();
  for (int i = 0; i < 100; ++i) {
    scene.write("/log/a", "y");
    scene.look();
  }
  CHECK(scene.counters().reads.value() <= before + 200);  // one for the byte, one for the end
  scene.write("/log/a", "\n");
  scene.look();
  CHECK(scene.records() == Lines{std::string(100'000, 'x') + std::string(100, 'y')});
}

TEST_CASE("file tail: a budget smaller than one long line does not stop it",
          "[sources][file_tail]") {
  rig::Options options = with(pipeline::LongLines::split, 10'000);
  options.budget_bytes = 1024;
  Scene scene(options);
  scene.write("/log/a", "before\n" + std::string(9'000, 'x') + "\nafter\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  CHECK(scene.records() == Lines{"before", std::string(9'000, 'x'), "after"});
  CHECK(scene.rig->budget().available_bytes() == 1024);
}

TEST_CASE("file tail: without credit it waits, and goes on when some comes back",
          "[sources][file_tail]") {
  rig::Options options;
  options.chunk_bytes = 1024;
  options.budget_bytes = 4096;
  Scene scene(options);
  scene.write("/log/a", numbered(0, 5000));
  scene.rig->add("/log/a", 1);
  for (int i = 0; i < 500; ++i) {
    scene.rig->tick();
    scene.rig->answer();
    scene.world.clock().advance(1ms);
  }
  CHECK(scene.rig->undelivered() > 0);
  CHECK(scene.rig->undelivered() < 10);
  scene.run();
  CHECK(scene.records() == split(numbered(0, 5000)));
}

TEST_CASE("file tail: a rotated file is drained, followed for rotate_wait, then let go (F01)",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.world.disk().rename("/log/a", "/log/a.1");
  scene.rig->tails().detached(1, "/log/a.1");
  scene.pass(20s);
  scene.write("/log/a.1", "late\n");  // no hint: found by looking
  scene.pass(29s);
  CHECK(scene.rig->tails().files() == 1);
  CHECK(scene.records() == Lines{"one", "late"});
  scene.pass(3s);
  CHECK(scene.rig->tails().files() == 0);
  CHECK(scene.rig->closed() == std::vector<std::uint64_t>{1});
  REQUIRE(scene.durable.known().size() == 1);  // it still exists: it must not be read again
  CHECK(scene.durable.known().front().path == "/log/a.1");
  CHECK(scene.process->open_handles() == 0);
}

TEST_CASE("file tail: a deleted file ends with its unfinished line and leaves no checkpoint (F38)",
          "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\nhalf");
  scene.rig->add("/log/a", 1);
  scene.run();
  scene.world.disk().remove("/log/a");
  scene.rig->tails().detached(1, "");
  scene.pass(32s);
  CHECK(scene.records() == Lines{"one", "half"});
  CHECK(scene.rig->tails().files() == 0);
  CHECK(scene.durable.checkpoints.empty());
  CHECK(scene.counters().files_deleted.value() == 1);
}

TEST_CASE("file tail: not let go while anything of it is unsettled", "[sources][file_tail]") {
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.rig->add("/log/a", 1);
  scene.rig->tails().detached(1, "");
  for (int i = 0; i < 1000; ++i) {
    scene.rig->tick();
    scene.rig->answer();
    scene.world.clock().advance(100ms);
  }
  CHECK(scene.rig->tails().files() == 1);
  CHECK(scene.rig->tails().oldest_unsettled() < scene.world.clock().monotonic() - 60s);
  scene.run();
  CHECK(scene.rig->tails().files() == 0);
  CHECK(scene.rig->tails().oldest_unsettled() == base::Instant::max());
}

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
  options.chunk_bytes = 256;
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
  scene.pass(60s);
  CHECK(scene.records() == Lines{"one", "two"});
  CHECK(scene.rig->tails().files() == 1);
  CHECK(scene.process->open_handles() == 1);
}

TEST_CASE("tail set: a hot file does not keep the others waiting", "[sources][tail_set]") {
  rig::Options options;
  options.chunk_bytes = 256;
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
