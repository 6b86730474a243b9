// Scene: one simulated machine, one set of tails, one life after the other; and the lines they
// read.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/sim_world.h"
#include "tests/sources/tail_rig.h"

namespace scene {

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
      world.clock().advance(std::chrono::milliseconds(1));
    }
  }
  void pass(base::Duration time) {
    for (const base::Instant end = world.clock().monotonic() + time;
         world.clock().monotonic() < end;) {
      world.clock().advance(std::chrono::milliseconds(10));
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

inline rig::Options with(pipeline::LongLines policy, std::size_t line_bytes_max,
                         std::size_t chunk_bytes = 768) {
  rig::Options options;
  options.chunk_bytes = chunk_bytes;
  options.framer = {.line_bytes_max = line_bytes_max, .long_lines = policy};
  return options;
}

inline std::string numbered(int from, int to) {
  std::string lines;
  for (int i = from; i < to; ++i) lines += "line " + std::to_string(i) + "\n";
  return lines;
}

inline Lines split(const std::string& text) {
  Lines lines;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  return lines;
}

}  // namespace scene
