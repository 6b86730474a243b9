// WholeScene: discovery and tails together on one simulated machine, one flow, as the agent has
// them on two threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sources/discovery.h"
#include "tests/sim/sim_world.h"
#include "tests/sources/tail_rig.h"
#include "tests/test.h"

namespace scene {

struct WholeScene {
  static constexpr base::Duration kStep = std::chrono::milliseconds(5);

  explicit WholeScene(std::vector<std::string> patterns, std::uint64_t seed = 1,
                      sources::Order order = sources::Order::fair)
      : world(seed) {
    files.order = order;
    world.disk().make_directories("/log");
    files.patterns = std::move(patterns);
    files.start = sources::Start::beginning;
    options.tail.rotate_wait = std::chrono::seconds(2);
  }
  ~WholeScene() {
    if (process) stop();
  }

  void start() {
    process = world.start_process(2);
    environment.emplace(process->environment(0));
    rig.emplace(*environment, durable, options);
    sources::Discovery::Flow flow{.name = "flow",
                                  .files = files,
                                  .fingerprint = fingerprint,
                                  .first_start = !started,
                                  .vouches = true};
    flow.copy_wait = options.tail.rotate_wait;
    flow.on_rewrite = options.tail.on_rewrite;
    started = true;
    handed_over.clear();
    discovery.emplace(
        process->environment(1), std::vector{flow}, durable.known(), std::vector<std::string>{},
        sources::Discovery::Listener{
            .found =
                [this](std::size_t, sources::FoundFile found) {
                  found.marks = durable.marks(found.checkpoint.origin);
                  for (sources::Former& former : found.formers) {
                    former.marks = durable.marks(former.checkpoint.origin);
                  }
                  opened.push_back(found.checkpoint.path);
                  handed_over.insert(found.number);
                  rig->tails().add(std::move(found));
                },
            .look = [this](std::size_t, std::uint64_t number) { rig->tails().look(number); },
            .detached =
                [this](std::size_t, std::uint64_t number, std::string path) {
                  CHECK(handed_over.contains(number));
                  rig->tails().detached(number, path);
                },
            .look_at_all = [this] { rig->tails().look_at_all(); },
            .forgotten =
                [this](std::size_t, const sources::Checkpoint& gone) {
                  durable.checkpoints.erase(sources::checkpoint_key(gone.flow, gone.identity));
                },
            .yield = [this](std::size_t, std::uint64_t number,
                            bool now) { rig->tails().yield(number, now); },
            .ignored =
                [this](std::size_t, const sources::Checkpoint& seen) {
                  durable.checkpoints[sources::checkpoint_key(seen.flow, seen.identity)] =
                      sources::encode(seen);
                },
            .verify =
                [this](std::size_t, std::uint64_t number, std::uint64_t question) {
                  ++questions;
                  rig->tails().verify(number, question);
                }},
        open_files_max);
    discovery->start();
  }
  void stop(sim::Crash how = sim::Crash::process) {  // dies as by kill -9
    world.crash(*process, how);
    discovery->stop();
    for (std::uint32_t i = 0; i < 2; ++i) {
      while (process->io(i).pending() > 0) process->io(i).run_once(base::Duration::zero());
    }
    discovery.reset();
    rig.reset();
    environment.reset();
    process.reset();
  }
  // One turn of everybody, without delivering anything.
  void turn() {
    world.clock().advance(kStep);
    process->io(1).run_once(base::Duration::zero());
    discovery->tick(world.clock().monotonic());
    rig->tick();
    for (const sources::Checkpoint& ended : std::exchange(rig->ended(), {})) {
      discovery->ended(0, ended);
    }
    for (const sources::Verified& each : std::exchange(rig->verified(), {})) {
      discovery->verified(each);
    }
    for (const auto& [number, resume] : std::exchange(rig->closed_with(), {})) {
      discovery->closed(0, number, resume ? &*resume : nullptr);
    }
    rig->closed().clear();
    for (const std::uint64_t number : std::exchange(rig->released(), {})) {
      discovery->released(0, number);
    }
    for (const auto& [number, rest] : std::exchange(rig->rested(), {})) {
      discovery->rested(0, number, rest);
    }
    open_most = std::max<std::uint64_t>(open_most, rig->tails().counters().files_open.value());
  }
  void deliver() {
    for (std::uint32_t outlet = 0; outlet + 1 < durable.shards.size(); ++outlet) {
      while (rig->undelivered() > 0) rig->deliver(outlet);
    }
    while (rig->unsettled() > 0) rig->settle(0);
    while (rig->writes() > 0) rig->answer();
  }
  void run(base::Duration time = std::chrono::milliseconds(200)) {
    for (const base::Instant end = world.clock().monotonic() + time;
         world.clock().monotonic() < end;) {
      turn();
      deliver();
    }
  }
  void append(const std::string& path, const std::string& bytes) {
    sim::NodeRef node = world.disk().find(path);
    if (node == nullptr) world.disk().create(path, node);
    world.disk().append(*node, bytes);
  }
  void truncate(const std::string& path) { world.disk().truncate(*world.disk().find(path), 0); }
  std::vector<std::string> records() const { return durable.records(); }
  const sources::FileTailCounters& counters() { return rig->tails().counters(); }
  std::uint64_t open() { return counters().files_open.value(); }

  sim::SimWorld world;
  sources::FilesOptions files;
  rig::Options options;
  std::uint64_t fingerprint = 1;
  std::size_t open_files_max = sources::Discovery::kUnlimited;
  rig::Durable durable;
  bool started = false;
  std::unique_ptr<sim::Process> process;
  std::optional<io::Environment> environment;
  std::optional<rig::TailRig> rig;
  std::optional<sources::Discovery> discovery;
  std::vector<std::string> opened;      // paths, in order
  std::set<std::uint64_t> handed_over;  // numbers of those, since the start
  std::uint64_t open_most = 0;
  std::uint64_t questions = 0;  // that discovery asked
};

}  // namespace scene
