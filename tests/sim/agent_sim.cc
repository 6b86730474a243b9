#include "tests/sim/agent_sim.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "config/config.h"
#include "sources/checkpoint.h"
#include "store/keyed_log.h"
#include "tests/sim/log_writers.h"
#include "tests/sim/sim_world.h"
#include "tests/sim/store_oracle.h"

namespace sim {

namespace {

using namespace std::chrono_literals;

constexpr const char* kDataDir = "/data";
constexpr const char* kLogDir = "/logs";
constexpr const char* kStream = "s";

FaultPlan store_faults(SimRandom& random) {
  const double level = random.chance(0.3) ? 0.0 : 0.01;
  return {.write_error = level,
          .write_full = level,
          .sync_error = level,
          .open_error = level,
          .change_error = level,
          .delay = 0.5};
}

FaultPlan log_faults(SimRandom& random) {
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

class AgentSim {
 public:
  explicit AgentSim(const AgentSimOptions& options)
      : options_(options),
        world_(options.seed),
        writers_(world_, kLogDir, 1 + static_cast<std::uint32_t>(world_.random().below(3)),
                 world_.random().chance(0.7)),
        config_(draw_config()),
        oracle_(world_, kDataDir, kStream, config_.streams.at(kStream).shards) {
    const FaultPlan store = store_faults(world_.random());
    const FaultPlan logs = log_faults(world_.random());
    if (options.store_faults) world_.faults().set(kDataDir, store);
    if (options.log_faults) world_.faults().set(kLogDir, logs);
    // A rename between list and status, a new generation between status and open … (F09).
    world_.machine().others = [this] { writers_.act(); };
  }

  AgentSimResult run() {
    for (std::uint32_t epoch = 0; epoch < options_.epochs && result_.failure.empty(); ++epoch) {
      trouble();
      calm();
    }
    result_.faults = world_.faults().strikes();
    for (std::uint32_t i = 0; i < writers_.count(); ++i) result_.lines += writers_.lines(i);
    if (!result_.failure.empty()) {
      tell_files();
      for (const std::string& line : world_.log_lines()) say(line);
      result_.failure = "seed " + std::to_string(options_.seed) + ": " + result_.failure;
    }
    kill(Crash::process);
    return result_;
  }

 private:
  config::Config draw_config();
  void trouble();
  void calm();
  void settle();
  void copy_and_truncate();
  void start();
  void kill(Crash how);
  void tick_one();
  void tell_files();
  void check_conservation(bool quiet);
  void say(const std::string& what) {
    if (options_.trace) std::fprintf(stderr, "%s\n", what.c_str());
  }

  AgentSimOptions options_;
  AgentSimResult result_;
  SimWorld world_;
  LogWriters writers_;
  base::Duration maintenance_interval_ = agent::Control::kMaintenanceInterval;
  config::Config config_;  // drawn, and with it the interval
  StoreOracle oracle_;
  std::unique_ptr<Process> process_;
  std::vector<std::unique_ptr<io::Environment>> environments_;
  std::unique_ptr<agent::Agent> agent_;
};

config::Config AgentSim::draw_config() {
  SimRandom& random = world_.random();
  config::Config config;
  config.data_dir = kDataDir;
  config.reactors = 1 + static_cast<std::uint32_t>(random.below(3));
  config.memory_bytes = (2ULL + random.below(4)) << 20;
  config::Stream stream;
  stream.shards = 1 + static_cast<std::uint32_t>(random.below(4));
  stream.options.compression =
      random.chance(0.5) ? store::Compression::none : store::Compression::lz4;
  const std::uint64_t sync = random.below(10);
  stream.options.sync = sync < 6   ? store::SyncPolicy::flush
                        : sync < 8 ? store::SyncPolicy::interval
                                   : store::SyncPolicy::os;
  stream.options.segment_bytes_max = random.chance(0.5) ? 16 << 10 : 1 << 20;
  stream.options.retention_age = base::Duration::zero();
  config.streams[kStream] = stream;
  if (random.chance(0.5)) maintenance_interval_ = 100ms * (5 + random.below(25));
  config::Flow flow;
  flow.name = "f";
  flow.from.patterns = {writers_.pattern()};
  flow.from.start = sources::Start::beginning;
  flow.from.reconcile_interval = 10s;
  flow.tail.rotate_wait = 5s;
  if (random.chance(0.3)) flow.from.watch = sources::Watch::poll;
  // Few descriptors, and files that come to rest soon: closing and opening under all the faults.
  if (random.chance(0.5)) config.max_open_files = 1 + random.below(4);
  if (random.chance(0.5)) flow.tail.close_inactive = 100ms * (1 + random.below(20));
  if (random.chance(0.5)) flow.tail.stall_after = 100ms * (10 + random.below(40));
  flow.to = config::StreamTarget{kStream};
  flow.flush.bytes_max = 4096ULL << random.below(8);
  flow.flush.age_max = random.chance(0.3) ? base::Duration::zero() : base::Duration(500ms);
  if (random.chance(0.3)) {
    pipeline::GroupOptions& groups = flow.program.groups;
    groups.by = random.chance(0.5) ? pipeline::GroupLines::follow : pipeline::GroupLines::end;
    groups.pattern = "^w\\d+ g\\d+ n\\d*[3-7] ";
    groups.lines_max = 1 + random.below(20);
    groups.bytes_max = 64 + random.below(4000);
    groups.timeout = std::chrono::milliseconds(10 + random.below(2000));
  }
  LineStyle style;
  if (random.chance(0.2)) {
    using namespace std::string_literals;
    style.delimiter = random.chance(0.5) ? "\0"s : "<<>><<"s;
    flow.program.framer.delimiter = pipeline::Delimiter(style.delimiter);
  }
  if (flow.program.groups.by == pipeline::GroupLines::off && random.chance(0.2)) {
    flow.program.empty_lines = pipeline::EmptyLines::skip;
    style.empty_lines = true;
  }
  writers_.set_style(style);
  config.flows.push_back(std::move(flow));
  say("reactors " + std::to_string(config.reactors) + ", shards " + std::to_string(stream.shards) +
      ", sync " + std::to_string(static_cast<int>(stream.options.sync)) + ", pattern " +
      writers_.pattern() + ", open files " + std::to_string(config.max_open_files) +
      ", close inactive " + std::to_string(config.flows.back().tail.close_inactive / 1ms) + " ms");
  return config;
}

void AgentSim::start() {
  process_ = world_.start_process(1 + config_.reactors);
  environments_.clear();
  std::vector<const io::Environment*> reactors;
  for (std::uint32_t i = 0; i <= config_.reactors; ++i) {
    environments_.push_back(std::make_unique<io::Environment>(process_->environment(i)));
    if (i > 0) reactors.push_back(environments_.back().get());
  }
  process_->io(0).wait_by_advancing(true);
  agent::AgentOptions options;
  options.maintenance_interval = maintenance_interval_;
  auto made = agent::Agent::create(config_, options, *environments_[0], reactors);
  process_->io(0).wait_by_advancing(false);
  if (made) {
    agent_ = std::move(*made);
    agent_->control().start();
    say("started");
  } else {
    say("cannot start: " + made.error().message);
    if (!world_.faults().on()) result_.failure = "cannot start: " + made.error().message;
    kill(Crash::process);
  }
}

void AgentSim::kill(Crash how) {
  if (process_ == nullptr) return;
  if (how == Crash::power) {
    writers_.let_go();
    ++result_.power_cuts;
  } else {
    ++result_.crashes;
  }
  if (agent_ != nullptr) {
    check_conservation(false);
    for (const base::Sample& sample : agent_->samples()) {
      if (sample.name == "files_closed_idle") result_.rests += sample.value;
    }
  }
  world_.crash(*process_, how);
  agent_.reset();
  environments_.clear();
  process_.reset();
  say(how == Crash::power ? "power cut" : "killed");
}

void AgentSim::check_conservation(bool quiet) {
  if (agent_ == nullptr || !result_.failure.empty()) return;
  const agent::Conservation records = agent_->conservation(quiet);
  const agent::Amount& astray = records.unaccounted;
  if (astray.records == 0 && astray.bytes == 0) return;
  result_.failure = std::to_string(astray.records) + " records, " + std::to_string(astray.bytes) +
                    " bytes are not accounted for";
}

// What lies in the logs' directory, first and last line each, and what is noted of it.
void AgentSim::tell_files() {
  if (!options_.trace) return;
  for (const std::string& name : world_.disk().list(kLogDir)) {
    const std::string path = std::string(kLogDir) + "/" + name;
    const std::string text = world_.disk().content(path);
    const std::size_t last = text.size() < 2 ? 0 : text.rfind('\n', text.size() - 2) + 1;
    say(path + " inode " + std::to_string(world_.disk().find(path)->inode) + " bytes " +
        std::to_string(text.size()) + " first " + text.substr(0, 24) + " last " +
        text.substr(last, 24));
  }
  const auto reader = world_.start_process();
  const auto told = store::KeyedLog::read(
      reader->files(), std::string(kDataDir) + "/_checkpoints/0",
      [this](std::string_view key, std::string_view value) {
        const auto checkpoint = sources::decode_checkpoint(key, value);
        if (!checkpoint) return;
        say(checkpoint->path + " inode " + std::to_string(checkpoint->identity.inode) + " offset " +
            std::to_string(checkpoint->offset) + " generation " +
            std::to_string(checkpoint->generation) + " origin " +
            std::to_string(base::value(checkpoint->origin)));
      });
  if (!told) say("checkpoints: " + told.error().message);
}

void AgentSim::tick_one() {
  ++result_.ticks;
  const std::uint64_t part = world_.random().below(1 + config_.reactors);
  if (part == 0) {
    agent_->control().tick();
  } else {
    agent_->reactors()[part - 1]->tick();
  }
}

void AgentSim::trouble() {
  SimRandom& random = world_.random();
  world_.faults().switch_on(true);
  const bool may_cut_power = config_.streams.at(kStream).options.sync != store::SyncPolicy::os &&
                             random.chance(0.7) && options_.power_cuts;
  const double crash_chance = random.chance(0.5) ? 0.002 : 0.02;
  const std::uint64_t steps = 200 + random.below(2000);
  for (std::uint64_t i = 0; i < steps && result_.failure.empty(); ++i) {
    if (random.chance(0.05)) writers_.act();
    if (agent_ == nullptr) {
      world_.clock().advance(10ms);
      if (random.chance(0.5)) start();
      continue;
    }
    if (random.chance(crash_chance)) {
      kill(may_cut_power && random.chance(0.5) ? Crash::power : Crash::process);
      continue;
    }
    if (random.chance(0.001))
      world_.clock().jump_wall(base::Duration(1h) * (random.chance(0.5) ? 1 : -1));
    tick_one();
    if (random.chance(0.3)) world_.advance(*process_, 20ms);
  }
}

void AgentSim::calm() {
  if (!result_.failure.empty()) return;
  world_.faults().switch_on(false);
  writers_.finish();
  settle();
  if (agent_ == nullptr || !result_.failure.empty()) return;
  if (world_.random().chance(0.5)) copy_and_truncate();
  if (!result_.failure.empty()) return;
  if (world_.random().chance(0.5)) writers_.rotate_one();
  if (world_.random().chance(0.5)) writers_.truncate_one();
  if (world_.random().chance(0.5)) writers_.delete_old();
}

// In less time than discovery takes for two looks, with lines behind the copy's end, some of them
// read before the truncation.
void AgentSim::copy_and_truncate() {
  SimRandom& random = world_.random();
  if (!writers_.copy_one()) return;
  const auto turns = [&](std::uint64_t most) {
    for (std::uint64_t i = random.below(most); i > 0; --i) {
      tick_one();
      if (random.chance(0.1)) world_.advance(*process_, 1ms);
    }
  };
  turns(10);
  for (std::uint64_t i = random.below(4); i > 0; --i) {
    writers_.write_behind_copy();
    turns(200);
  }
  writers_.truncate_copied();
  turns(200);
  settle();
}

void AgentSim::settle() {
  // Bounded simulated time: longer than any back-off, reconcile or rotation wait.
  const base::Instant deadline = world_.clock().monotonic() + base::Duration(120s);
  base::Instant next_look = world_.clock().monotonic();
  while (world_.clock().monotonic() < deadline && result_.failure.empty()) {
    if (agent_ == nullptr) start();
    if (agent_ == nullptr) return;
    for (int i = 0; i < 64; ++i) tick_one();
    world_.advance(*process_, 50ms);
    if (world_.clock().monotonic() < next_look) continue;
    next_look = world_.clock().monotonic() + base::Duration(1s);
    result_.failure = oracle_.check(writers_);
    // Seen is not settled: a power cut may still take what waits for its sync.
    const auto& reactors = agent_->reactors();
    const bool quiet = std::all_of(reactors.begin(), reactors.end(),
                                   [](const auto& reactor) { return reactor->quiet(); });
    if (result_.failure.empty() && quiet && oracle_.complete(writers_)) break;
  }
  if (result_.failure.empty() && !oracle_.complete(writers_)) {
    result_.failure = "did not settle:" + oracle_.missing(writers_);
  }
  check_conservation(true);
}

}  // namespace

AgentSimResult run_agent_sim(const AgentSimOptions& options) { return AgentSim(options).run(); }

}  // namespace sim
