#include "tests/sim/agent_draw.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include "tests/sim/fifo_writers.h"
#include "tests/sim/log_writers.h"
#include "tests/sim/lone_writer.h"
#include "tests/sim/old_logs.h"
#include "tests/sim/short_lived.h"
#include "tests/sim/small_files.h"

namespace sim {

namespace {

using namespace std::chrono_literals;

struct Kind {
  std::string_view name;
  std::unique_ptr<Workload> (*make)(SimWorld& world, const std::string& directory,
                                    const std::string& without);
};

std::unique_ptr<Workload> make_log_writers(SimWorld& world, const std::string& directory,
                                           const std::string& without) {
  const auto count = 1 + static_cast<std::uint32_t>(world.random().below(3));
  LogHabits habits = LogHabits::drawn(world.random());
  habits.leave_out(without);
  return std::make_unique<LogWriters>(world, directory, count, std::move(habits));
}

template <typename Made>
std::unique_ptr<Workload> make(SimWorld& world, const std::string& directory,
                               const std::string& /*without*/) {
  return std::make_unique<Made>(world, directory);
}

constexpr std::array<Kind, 6> kKinds = {{{"logs", make_log_writers},
                                         {"fifo", make<FifoWriters>},
                                         {"lone", make<LoneWriter>},
                                         {"old", make<OldLogs>},
                                         {"short", make<ShortLived>},
                                         {"small", make<SmallFiles>}}};

void draw_workloads(SimWorld& world, const std::string& only, const std::string& without,
                    AgentDraw& draw) {
  SimRandom& random = world.random();
  const auto add = [&](const Kind& kind) {
    const std::string directory = kLogDir + ("/" + std::to_string(draw.workloads.size()));
    draw.workloads.push_back(kind.make(world, directory, without));
  };
  for (const Kind& kind : kKinds) {
    if (kind.name == only) add(kind);
  }
  if (!only.empty()) return;
  // Most seeds have log writers, some have nothing else.
  if (random.chance(0.8)) add(kKinds[0]);
  while (draw.workloads.empty() || (draw.workloads.size() < 3 && random.chance(0.4))) {
    const Kind& kind = kKinds[random.below(kKinds.size())];
    if (without.find(kind.name) == std::string::npos) add(kind);
  }
}

config::Stream draw_stream(SimRandom& random, store::SyncPolicy sync, std::uint32_t shards_max) {
  config::Stream stream;
  stream.shards = 1 + static_cast<std::uint32_t>(random.below(shards_max));
  stream.options.compression =
      random.chance(0.5) ? store::Compression::none : store::Compression::lz4;
  stream.options.sync = sync;
  stream.options.segment_bytes_max = random.chance(0.5) ? 16 << 10 : 1 << 20;
  stream.options.retention_age = base::Duration::zero();
  return stream;
}

config::Flow draw_flow(SimRandom& random) {
  config::Flow flow;
  flow.from.start = sources::Start::beginning;
  flow.from.reconcile_interval = 10s;
  flow.tail.rotate_wait = 5s;
  if (random.chance(0.3)) flow.from.watch = sources::Watch::poll;
  if (random.chance(0.3)) flow.from.order = sources::Order::oldest_first;
  // Files that come to rest soon: closing and opening under all the faults.
  if (random.chance(0.5)) flow.tail.close_inactive = 100ms * (1 + random.below(20));
  if (random.chance(0.5)) flow.tail.stall_after = 100ms * (10 + random.below(40));
  flow.flush.bytes_max = 4096ULL << random.below(8);
  flow.flush.age_max = random.chance(0.3) ? base::Duration::zero() : base::Duration(500ms);
  return flow;
}

void add_flow(SimWorld& world, std::size_t workload, store::SyncPolicy sync, AgentDraw& draw) {
  SimRandom& random = world.random();
  const std::size_t number = draw.config.flows.size();
  const std::string stream = AgentDraw::stream(number);
  Workload& read = *draw.workloads[workload];
  config::Flow flow = draw_flow(random);
  flow.name = "f" + std::to_string(number);
  flow.to = config::StreamTarget{stream};
  read.describe(flow);
  draw.config.streams[stream] = draw_stream(random, sync, read.shards_max());
  draw.config.flows.push_back(std::move(flow));
  draw.read.push_back(workload);
}

}  // namespace

std::string AgentDraw::told() const {
  std::string told = "reactors " + std::to_string(config.reactors) + ", sync " +
                     std::to_string(static_cast<int>(config.streams.at(stream(0)).options.sync)) +
                     ", open files " + std::to_string(config.max_open_files) +
                     (device_changes ? ", other devices" : "");
  for (std::size_t i = 0; i < config.flows.size(); ++i) {
    const config::Flow& flow = config.flows[i];
    told += "\n" + flow.name + ": shards " + std::to_string(config.streams.at(stream(i)).shards) +
            ", close inactive " + std::to_string(flow.tail.close_inactive / 1ms) + " ms" +
            (flow.from.watch == sources::Watch::poll ? ", polls" : "") +
            (flow.from.order == sources::Order::oldest_first ? ", oldest first" : "") + ", " +
            workloads[read[i]]->told();
  }
  return told;
}

AgentDraw draw_agent(SimWorld& world, const std::string& only, const std::string& without) {
  SimRandom& random = world.random();
  AgentDraw draw;
  config::Config& config = draw.config;
  config.data_dir = kDataDir;
  config.reactors = 1 + static_cast<std::uint32_t>(random.below(3));
  if (random.chance(0.5)) config.max_open_files = 1 + random.below(4);
  if (random.chance(0.5)) draw.maintenance_interval = 100ms * (5 + random.below(25));
  draw_workloads(world, only, without, draw);
  const std::uint64_t choice = random.below(10);
  const store::SyncPolicy sync = choice < 6   ? store::SyncPolicy::flush
                                 : choice < 8 ? store::SyncPolicy::interval
                                              : store::SyncPolicy::os;
  for (std::size_t i = 0; i < draw.workloads.size(); ++i) add_flow(world, i, sync, draw);
  // Where flows come and go (AgentSim), who is away would miss what the other one deletes.
  const bool alone =
      config.flows.front().from.delete_after != base::Duration::zero() && world.seed() % 3 == 0;
  if (config.flows.size() == 1 && !config.flows.front().pipe && !alone && random.chance(0.15)) {
    add_flow(world, 0, sync, draw);
  }
  config.memory_bytes = config.flows.size() * ((2ULL + random.below(4)) << 20);
  for (const auto& each : draw.workloads) each->set_beside(config.flows.size() - 1);
  // Without them a flow may take another one's new file for its own that is gone (0011).
  const bool births =
      !random.chance(0.05) || draw.workloads.size() > 1 ||
      std::ranges::any_of(draw.workloads, [](const auto& each) { return each->needs_births(); });
  world.disk().tell_births(births);
  draw.device_changes =
      births && random.chance(0.2) && without.find("device") == std::string::npos &&
      std::ranges::all_of(draw.workloads,
                          [](const auto& each) { return each->may_change_device(); });
  return draw;
}

FaultPlan draw_store_faults(SimRandom& random) {
  const double level = random.chance(0.3) ? 0.0 : 0.01;
  return {.write_error = level,
          .write_full = level,
          .sync_error = level,
          .open_error = level,
          .change_error = level,
          .delay = 0.5};
}

FaultPlan draw_log_faults(SimRandom& random) {
  const double level = random.chance(0.3) ? 0.0 : 0.02;
  return {.short_read = 10 * level,
          .read_error = level,
          .open_error = level,
          .look_error = level,
          .race = random.chance(0.5) ? 5 * level : 0,
          .watch_loss = 5 * level,
          .watch_overflow = level,
          .delay = 0.5};
}

}  // namespace sim
