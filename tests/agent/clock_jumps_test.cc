// The whole agent in the simulator while somebody sets the wall clock (rule F59): by an hour, as
// summer time would if clocks were local, and by ten years, both ways.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "agent/agent.h"
#include "config/config.h"
#include "store/keyed_log.h"
#include "tests/agent/simulated_agent.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

constexpr auto kTenYears = std::chrono::hours(24 * 3652);
constexpr auto kFlushAge = 10s;

base::Duration any_jump() {
  return GENERATE(base::Duration(1h), base::Duration(-1h), base::Duration(kTenYears),
                  base::Duration(-kTenYears));
}

config::Config reading() {
  config::Config config;
  config.reactors = 1;
  config.streams["s"] = {};
  config.streams["s"].options.compression = store::Compression::none;
  config.streams["s"].options.segment_bytes_max = 64 << 10;
  config.flows.push_back(agent::simulated_flow({"/log/*"}, config::StreamTarget{"s"}));
  config.flows[0].flush.age_max = kFlushAge;
  config.flows[0].tail.rotate_wait = 20s;
  return config;
}

class Scene {
 public:
  explicit Scene(config::Config config = reading()) : config_(std::move(config)) {
    world.disk().make_directories("/log");
    world.disk().make_directories("/elsewhere");
    restart();
  }
  void restart() {
    agent_.reset();
    agent_.emplace(world, config_);
  }
  void pass(base::Duration time) {
    const base::Instant end = world.clock().monotonic() + time;
    while (world.clock().monotonic() < end) {
      world.advance(agent_->process(), end - world.clock().monotonic());
      for (int i = 0; i < 20; ++i) agent_->turn();
    }
  }
  void write(const std::string& path, const std::string& text) {
    if (!world.disk().find(path)) world.disk().put(path, "");
    world.disk().append(*world.disk().find(path), text);
  }
  // 400 records in several segments.
  void fill_segments(bool utf16 = false) {
    std::string line;
    for (const char byte : std::string(999, 'x') + "\n") {
      line += byte;
      if (utf16) line += '\0';
    }
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < 80; ++i) write("/log/a", line);
      pass(1min);
    }
  }
  std::uint64_t sample(const std::string& name) { return agent_->sample(name); }
  std::uint64_t delivered() { return sample("records_delivered"); }
  // Files that the agent has noted.
  std::size_t notes() {
    std::size_t count = 0;
    const auto reader = world.start_process();
    REQUIRE(store::KeyedLog::read(reader->files(), "/data/_checkpoints/0",
                                  [&](std::string_view key, std::string_view) {
                                    if (key.starts_with("f ")) ++count;
                                  }));
    return count;
  }

  sim::SimWorld world{1};

 private:
  config::Config config_;
  std::optional<agent::SimulatedAgent> agent_;
};

}  // namespace

TEST_CASE("clock jumps: what waits for a time comes then, not before and not later (F59)",
          "[agent]") {
  const base::Duration jump = any_jump();
  config::Config config = reading();
  config.flows[0].tail.partial_line_timeout = 5s;
  Scene scene(std::move(config));
  scene.pass(20s);
  scene.write("/log/a", "one\n");
  scene.pass(1s);
  scene.world.clock().jump_wall(jump);
  scene.pass(kFlushAge - 2s);
  CHECK(scene.delivered() == 0);  // not all of it at once
  scene.pass(2s);
  CHECK(scene.delivered() == 1);
  // Half a line, and a clock that jumps back again.
  scene.write("/log/a", "half");
  scene.pass(3s);
  scene.world.clock().jump_wall(-jump);
  scene.pass(5s + kFlushAge - 4s);
  CHECK(scene.delivered() == 1);
  scene.pass(3s);
  CHECK(scene.delivered() == 2);
}

TEST_CASE("clock jumps: a rotated file is let go, and a new one found, in their time (F59)",
          "[agent]") {
  const base::Duration jump = any_jump();
  Scene scene;
  scene.write("/log/a", "one\n");
  scene.pass(30s);
  REQUIRE(scene.delivered() == 1);
  scene.world.disk().rename("/log/a", "/elsewhere/a");
  scene.pass(1s);
  REQUIRE(scene.sample("files_rotated") == 1);
  scene.world.clock().jump_wall(jump);
  scene.pass(17s);
  CHECK(scene.sample("files_open") == 1);  // followed, for late writers
  scene.write("/elsewhere/a", "late\n");
  scene.pass(30s);
  CHECK(scene.sample("files_open") == 0);
  CHECK(scene.delivered() == 2);
  scene.world.faults().set("", {.watch_loss = 1});
  scene.world.clock().jump_wall(-jump);
  scene.write("/log/b", "nobody tells of it\n");
  scene.pass(90s);  // reconcile, and the flush
  CHECK(scene.delivered() == 3);
}

TEST_CASE("clock jumps: nothing is deleted because it looks old all at once (F59)", "[agent]") {
  Scene scene;
  scene.fill_segments();
  scene.write("/log/gone", "read, and not written any more\n");
  scene.pass(1h);
  REQUIRE(scene.delivered() == 401);
  REQUIRE(scene.sample("store_segments_created") > 3);
  REQUIRE(scene.notes() == 2);
  scene.world.disk().rename("/log", "/away");  // as a volume that is not mounted
  scene.world.disk().make_directories("/log");
  scene.restart();
  scene.pass(2min);
  scene.world.clock().jump_wall(kTenYears);
  scene.pass(20h);
  CHECK(scene.sample("store_segments_retired") == 0);
  CHECK(scene.notes() == 2);
  scene.world.disk().rename("/log", "/empty");
  scene.world.disk().rename("/away", "/log");
  scene.pass(2min);
  CHECK(scene.delivered() == 0);  // nothing is read again
  // What lasts is true.
  scene.pass(10h);
  CHECK(scene.sample("store_segments_retired") > 3);
}

TEST_CASE("clock jumps: nor because it looks old when the agent starts (F59)", "[agent]") {
  Scene scene;
  scene.fill_segments();
  scene.write("/log/gone", "read, and not written any more\n");
  scene.pass(1h);
  REQUIRE(scene.notes() == 2);
  scene.world.disk().rename("/log", "/away");
  scene.world.disk().make_directories("/log");
  scene.world.clock().jump_wall(kTenYears);
  scene.restart();
  scene.pass(50min);
  CHECK(scene.sample("store_segments_retired") == 0);
  CHECK(scene.notes() == 2);
  // An hour is enough: mostly it was the agent that did not run.
  scene.pass(20min);
  CHECK(scene.sample("store_segments_retired") > 3);
  scene.pass(7h);
  CHECK(scene.notes() == 0);
}

TEST_CASE("clock jumps: with no note of a file the newest record says when it was right (F59)",
          "[agent]") {
  const base::Duration away = GENERATE(base::Duration(48h), base::Duration(kTenYears));
  config::Config config = reading();
  config.flows[0].tail.encoding =
      sources::Encoding::utf16le;  // no copies, so no notes of gone ones
  Scene scene(std::move(config));
  scene.fill_segments(true);
  REQUIRE(scene.world.disk().remove("/log/a") == 0);
  scene.pass(10min);
  REQUIRE(scene.sample("store_segments_created") > 3);
  REQUIRE(scene.notes() == 0);
  scene.world.clock().jump_wall(away);
  scene.restart();
  scene.pass(50min);
  CHECK(scene.sample("store_segments_retired") == 0);
  scene.pass(20min);
  CHECK(scene.sample("store_segments_retired") > 3);
}

TEST_CASE("clock jumps: nor when notes and records were written before the next start (F59)",
          "[agent]") {
  Scene scene;
  scene.write("/log/gone", "read, and rotated away by a copy\n");
  scene.write("/log/away", "read, and on a volume that is late\n");
  scene.pass(2min);
  REQUIRE(scene.notes() == 2);
  REQUIRE(scene.world.disk().remove("/log/gone") == 0);
  scene.pass(2min);
  REQUIRE(scene.notes() == 2);  // to know its copies by
  scene.world.disk().rename("/log/away", "/elsewhere/away");
  scene.world.clock().jump_wall(kTenYears);
  scene.write("/log/b", "stored in ten years\n");
  scene.pass(2min);
  REQUIRE(scene.notes() == 3);
  scene.restart();
  scene.pass(50min);
  CHECK(scene.notes() == 3);
  // Both are forgotten then: nothing else says what time it is.
  scene.pass(2h);
  CHECK(scene.notes() == 1);
}

TEST_CASE("clock jumps: a clock set back keeps what there is, and order (F59)", "[agent]") {
  Scene scene;
  scene.fill_segments();
  for (const base::Duration jump : {base::Duration(-kTenYears), base::Duration(kTenYears)}) {
    scene.world.clock().jump_wall(jump);
    scene.write("/log/a", "after a jump\n");
    scene.pass(1h);
  }
  CHECK(scene.delivered() == 402);
  CHECK(scene.sample("store_segments_retired") == 0);
  CHECK(scene.sample("records_unaccounted") == 0);
}
