// DiscoveryScene: a Discovery on a simulated machine, with events, without them, and when it cannot
// look.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sources/discovery.h"
#include "tests/sim/sim_world.h"
#include "tests/test.h"

namespace scene {

using sources::Checkpoint;
using Paths = std::set<std::string>;

inline sources::Discovery::Flow flow(std::vector<std::string> patterns,
                                     std::vector<std::string> exclude = {}) {
  return {.name = "flow",
          .files = {.patterns = std::move(patterns),
                    .exclude = std::move(exclude),
                    .start = sources::Start::end,
                    .reconcile_interval = std::chrono::seconds(30)},
          .fingerprint = 9,
          .first_start = true};
}

// Listens to one Discovery and plays the reactors.
struct DiscoveryScene {
  explicit DiscoveryScene(std::vector<sources::Discovery::Flow> given, std::uint64_t seed = 1)
      : world(seed), flows(std::move(given)) {
    world.disk().make_directories("/log");
    world.faults().set("", {});  // a watch follows the rule that was there when it began
  }
  ~DiscoveryScene() { stop(); }

  void start() {
    process = world.start_process();
    environment.emplace(process->environment());
    discovery.emplace(
        *environment, flows, known, std::vector<std::string>{"/log/data"},
        sources::Discovery::Listener{
            .found =
                [this](std::size_t index, sources::FoundFile f) {
                  environment->files.close(f.handle);
                  f.handle = io::kNoHandle;
                  order.push_back(f.checkpoint.path);
                  open[f.number] = index;
                  found.push_back(std::move(f));
                },
            .look =
                [this](std::size_t index, std::uint64_t number) {
                  CHECK(open.at(number) == index);
                  looks.push_back(number);
                },
            .detached =
                [this](std::size_t index, std::uint64_t number, std::string path) {
                  CHECK(open.at(number) == index);
                  detached[number] = std::move(path);
                },
            .forgotten = [this](std::size_t, const Checkpoint& c) { forgotten.push_back(c); },
            .yield = take_turns(),
            .ignored = [this](std::size_t, const Checkpoint& c) { ignored.push_back(c); }},
        open_files_max);
    discovery->start();
  }
  std::function<void(std::size_t, std::uint64_t, bool)> take_turns() {
    if (open_files_max == sources::Discovery::kUnlimited) return nullptr;
    return [this](std::size_t, std::uint64_t number, bool) { asked.push_back(number); };
  }
  void stop() {
    if (!discovery) return;
    discovery->stop();
    while (!discovery->idle()) {
      process->io().run_once(base::Duration::zero());
      world.clock().advance(std::chrono::milliseconds(1));
    }
    discovery.reset();
    environment.reset();
    process.reset();
  }
  void run(base::Duration time = std::chrono::milliseconds(100)) {
    for (const base::Instant end = world.clock().monotonic() + time;
         world.clock().monotonic() < end;) {
      world.clock().advance(std::chrono::milliseconds(5));
      process->io().run_once(base::Duration::zero());
      discovery->tick(world.clock().monotonic());
    }
  }
  void put(const std::string& path, std::string_view bytes = "x\n") {
    world.disk().put(path, bytes);
  }
  void append(const std::string& path) { world.disk().append(*world.disk().find(path), "more\n"); }
  Paths paths() const {
    Paths all;
    for (const auto& each : found) all.insert(each.checkpoint.path);
    return all;
  }
  std::uint64_t number(const std::string& path) const {
    for (auto it = found.rbegin(); it != found.rend(); ++it) {
      if (it->checkpoint.path == path) return it->number;
    }
    return 0;
  }
  Checkpoint checkpoint(const std::string& path, std::uint64_t offset) {
    Checkpoint made;
    made.flow = "flow";
    made.identity = sources::identity_of(world.disk().status(*world.disk().find(path)));
    made.path = path;
    made.origin = base::Origin{77};
    made.flow_fingerprint = 9;
    made.offset = offset;
    made.seen_us = world.clock().wall().time_since_epoch().count();
    return made;
  }

  sim::SimWorld world;
  std::size_t open_files_max = sources::Discovery::kUnlimited;
  std::vector<sources::Discovery::Flow> flows;
  std::vector<Checkpoint> known;
  std::unique_ptr<sim::Process> process;
  std::optional<io::Environment> environment;
  std::optional<sources::Discovery> discovery;
  std::vector<sources::FoundFile> found;
  std::vector<std::string> order;
  std::vector<std::uint64_t> looks;
  std::map<std::uint64_t, std::size_t> open;
  std::map<std::uint64_t, std::string> detached;
  std::vector<Checkpoint> forgotten;
  std::vector<Checkpoint> ignored;
  std::vector<std::uint64_t> asked;  // for its descriptor
};

}  // namespace scene
