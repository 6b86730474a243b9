// The whole agent in the simulator with more files than descriptors, and one flow whose target
// takes nothing: the other flow's files have their turns all the same.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/agent.h"
#include "config/config.h"
#include "tests/agent/simulated_agent.h"
#include "tests/sim/faults.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kDescriptors = 4;
constexpr std::size_t kFiles = 12;           // of each flow
constexpr std::size_t kDeadLines = 300'000;  // in each; memory holds less of all
constexpr std::size_t kLineBytes = 10;
constexpr std::size_t kRefusing = 3;
constexpr std::string_view kDead = "/out/dead";
constexpr std::string_view kLive = "/out/live";

config::Flow flow(const std::string& name, std::string_view target, bool header,
                  base::Duration close_inactive) {
  config::Flow made = agent::simulated_flow({"/" + name + "/*.log"},
                                            config::FileTarget{.path = std::string(target)});
  made.name = name;
  made.tail.header_lines = header ? 1 : 0;
  made.tail.close_inactive = close_inactive;
  return made;
}

struct Setup {
  std::uint32_t reactors = 1;
  bool header = false;  // of the dead flow's files
  bool live = true;     // there is another flow
  std::size_t live_files = kFiles;
  base::Duration close_inactive = 1s;
  std::size_t files = kFiles;        // of the dead flow
  std::size_t refusing = kRefusing;  // files of the dead flow that are stuck in a long line
  sim::FaultPlan fault = {.write_error = 1};  // it takes some bytes, and fails
};

class Scene {
 public:
  explicit Scene(const Setup& setup) : header_(setup.header), refusing_(setup.refusing) {
    for (const char* directory : {"/out", "/dead", "/live"}) {
      world_.disk().make_directories(directory);
    }
    for (std::size_t i = 0; i < setup.files; ++i) world_.disk().put(dead(i), dead_text(i));
    for (std::size_t i = 0; i < setup.live_files; ++i) world_.disk().put(live(i), "");
    world_.faults().set(std::string(kDead), setup.fault);
    config::Config config;
    config.reactors = setup.reactors;
    config.memory_bytes = setup.live ? 4 << 20 : 2 << 20;
    config.max_open_files = kDescriptors;
    config.flows.push_back(flow("dead", kDead, setup.header, setup.close_inactive));
    if (setup.live) config.flows.push_back(flow("live", kLive, false, setup.close_inactive));
    agent_.emplace(world_, std::move(config));
  }
  void run(base::Duration time) {
    for (base::Duration passed{0}; passed < time; passed += 5ms) turn();
  }
  // Whether it is so within `time`.
  template <typename Is>
  bool soon(base::Duration time, Is is, bool events = false) {
    for (base::Duration passed{0}; passed < time && !is(); passed += 5ms) {
      if (events && passed % 100ms == 0ms) write_dead();
      turn();
    }
    return is();
  }
  void write(std::size_t file) {
    world_.disk().append(*world_.disk().find(live(file % kFiles)), "line\n");
  }
  // Growth of a file that cannot be read now.
  void write_dead() {
    world_.disk().append(*world_.disk().find(dead(kFiles - 1)), "more\n");
    dead_bytes_ += 5;
  }
  // Rotated out of the pattern, all that wait for the target, and made anew with a line.
  void rotate_dead() {
    for (std::size_t i = kRefusing; i < kFiles; ++i) {
      (void)world_.disk().rename(dead(i), dead(i) + ".old");
      world_.disk().put(dead(i), (header_ ? std::string(kLineBytes, 'h') : "") + new_line(i));
      dead_bytes_ += kLineBytes;
    }
  }
  // What the dead flow is to deliver.
  std::uint64_t dead_bytes() const { return dead_bytes_; }
  // Its target has all lines of the old file before those of the new one.
  bool in_order(std::size_t file) {
    const std::string text = world_.disk().content(kDead);
    const auto first_new = text.find(new_line(file));
    return first_new != std::string::npos && text.rfind(old_line(file)) < first_new;
  }
  void heal() { world_.faults().set(std::string(kDead), {}); }
  std::uint64_t bytes(std::string_view path) {
    const auto file = world_.disk().find(std::string(path));
    return file ? world_.disk().status(*file).size : 0;
  }
  std::uint64_t sample(const std::string& name) const { return agent_->sample(name); }

 private:
  static std::string dead(std::size_t file) { return "/dead/" + std::to_string(file) + ".log"; }
  static std::string live(std::size_t file) { return "/live/" + std::to_string(file) + ".log"; }
  static std::string old_line(std::size_t file) {
    return std::string(1, static_cast<char>('a' + file % 26)) + "-an-old-\n";
  }
  static std::string new_line(std::size_t file) {
    return std::string(1, static_cast<char>('a' + file)) + "-is-new-\n";
  }
  // Behind its first line may be a long one, which then waits for memory.
  std::string dead_text(std::size_t file) {
    std::string text = old_line(file);
    if (file < refusing_) text += std::string(900'000, 'x') + "\n";
    for (std::size_t i = 1; i < kDeadLines; ++i) text += old_line(file);
    dead_bytes_ += text.size() - (header_ ? kLineBytes : 0);
    return text;
  }
  void turn() {
    world_.advance(agent_->process(), 5ms);
    agent_->turn();
  }

  sim::SimWorld world_{1};
  std::optional<agent::SimulatedAgent> agent_;
  bool header_;
  std::size_t refusing_;
  std::uint64_t dead_bytes_ = 0;
};

}  // namespace

TEST_CASE("dead target: other flows have their turns with its files' descriptors", "[agent]") {
  const std::uint32_t reactors = GENERATE(1U, 2U);
  const bool hangs = GENERATE(false, true);
  const bool header = GENERATE(false, true);
  const base::Duration pause = GENERATE(0s, 3s);  // their files are closed meanwhile
  CAPTURE(reactors, hangs, header, pause.count());
  Setup setup{.reactors = reactors, .header = header};
  if (hangs) setup.fault = {.delay = 1, .delay_max = 1000h};
  Scene scene(setup);
  scene.run(10s);  // its memory is used up, and whoever waits has asked
  const std::uint64_t closed = scene.sample("files_closed_idle");
  std::uint64_t expected = 0;
  for (std::size_t i = 0; i < 2 * kFiles; ++i) {
    CAPTURE(i);
    scene.write(i);
    expected += 5;
    REQUIRE(scene.soon(5s, [&] { return scene.bytes(kLive) == expected; }, true));
    scene.run(pause);
  }
  // Descriptors are not given to and fro for nothing.
  CAPTURE(closed, scene.sample("files_closed_idle"));
  CHECK(scene.sample("files_closed_idle") <= closed + 4 * 2 * kFiles);
  CHECK(scene.bytes(kDead) < scene.dead_bytes() / 2);
  CHECK(scene.bytes(kLive) == expected);
  if (hangs) return;
  scene.heal();
  CHECK(scene.soon(600s, [&] { return scene.bytes(kDead) >= scene.dead_bytes(); }));
  scene.run(5s);
  CHECK(scene.bytes(kDead) == scene.dead_bytes());
  CHECK(scene.bytes(kLive) == expected);
}

TEST_CASE("dead target: files that could be open all the time stay so", "[agent]") {
  // Or not, for most descriptors are with those that cannot give them back.
  const std::size_t refusing = GENERATE(std::size_t{0}, kRefusing);
  Scene scene({.live_files = kDescriptors - 1, .close_inactive = 60s, .refusing = refusing});
  scene.run(10s);
  std::uint64_t expected = 0;
  const auto write_all = [&] {
    for (std::size_t i = 0; i < kDescriptors - 1; ++i) scene.write(i);
    expected += 5 * (kDescriptors - 1);
    return scene.soon(5s, [&] { return scene.bytes(kLive) == expected; }, true);
  };
  for (int i = 0; i < 3; ++i) REQUIRE(write_all());
  const std::uint64_t closed = scene.sample("files_closed_idle");
  for (int i = 0; i < 30; ++i) REQUIRE(write_all());
  const std::uint64_t swapped = scene.sample("files_closed_idle") - closed;
  CHECK(swapped <= (refusing == 0 ? 0 : 30 * kDescriptors));
}

TEST_CASE("dead target: its files do not take descriptors from each other", "[agent]") {
  Scene scene({.live = false, .files = 100, .refusing = 0, .fault = {.delay = 1, .delay_max = 3s}});
  scene.run(60s);
  CHECK(scene.bytes(kDead) > 0);
  CHECK(scene.sample("files_closed_idle") < 34);  // half of what it is if they do
}

TEST_CASE("dead target: what is rotated while it waits is read before what comes after it",
          "[agent]") {
  const std::uint32_t reactors = GENERATE(1U, 2U);
  CAPTURE(reactors);
  Scene scene({.reactors = reactors});
  scene.run(5s);
  for (std::size_t i = 0; i < kFiles; ++i) scene.write(i);
  REQUIRE(scene.soon(20s, [&] { return scene.bytes(kLive) == 5 * kFiles; }));
  scene.rotate_dead();
  scene.run(20s);
  scene.heal();
  CHECK(scene.soon(600s, [&] { return scene.bytes(kDead) >= scene.dead_bytes(); }));
  CHECK(scene.bytes(kDead) == scene.dead_bytes());
  for (std::size_t i = kRefusing; i < kFiles; ++i) {
    CAPTURE(i);
    CHECK(scene.in_order(i));
  }
}
