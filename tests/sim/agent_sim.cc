#include "tests/sim/agent_sim.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "agent/reload.h"
#include "config/validate.h"
#include "sources/checkpoint.h"
#include "store/keyed_log.h"
#include "tests/sim/agent_draw.h"
#include "tests/sim/sim_world.h"
#include "tests/sim/store_oracle.h"

namespace sim {

namespace {

using namespace std::chrono_literals;

class AgentSim {
 public:
  explicit AgentSim(const AgentSimOptions& options)
      : options_(options),
        world_(options.seed),
        draw_(draw_agent(world_, options.only, options.without)),
        reloads_(options.seed % 3 == 0 && options.without.find("reload") == std::string::npos) {
    if (reloads_) {  // it checks that, and Agent does not
      draw_.config.memory_bytes = std::max(
          draw_.config.memory_bytes, config::memory_needed(draw_.config, draw_.config.reactors));
    }
    for (std::size_t i = 0; i < draw_.config.flows.size(); ++i) {
      const std::string stream = AgentDraw::stream(i);
      oracles_.push_back(std::make_unique<StoreOracle>(world_, kDataDir, stream,
                                                       draw_.config.streams.at(stream).shards,
                                                       *draw_.workloads[draw_.read[i]]));
    }
    store_plan_ = draw_store_faults(world_.random());
    const FaultPlan logs = draw_log_faults(world_.random());
    if (options.store_faults) world_.faults().set(kDataDir, store_plan_);
    if (options.log_faults) world_.faults().set(kLogDir, logs);
    // A rename between list and status, a new generation between status and open … (F09).
    world_.machine().others = [this] { act(); };
    say(draw_.told());
  }

  AgentSimResult run() {
    for (std::uint32_t epoch = 0; epoch < options_.epochs && result_.failure.empty(); ++epoch) {
      trouble();
      calm();
    }
    result_.faults = world_.faults().strikes();
    for (const auto& workload : draw_.workloads) result_.lines += workload->lines();
    if (!result_.failure.empty()) {
      tell_files(kLogDir);
      tell_checkpoints();
      result_.failure = "seed " + std::to_string(options_.seed) + ": " + result_.failure;
    }
    kill(Crash::process);
    return result_;
  }

 private:
  void trouble();
  void trouble_step(double crash_chance, bool may_cut_power);
  void calm();
  void settle();
  void rest();
  bool settled();
  void start();
  void kill(Crash how);
  void finish_stop();
  void agent_gone(bool politely);
  void act();
  void reload_something();
  void reload(config::Config wanted);
  void tick_one();
  void tell_files(const std::string& directory);
  void tell_checkpoints();
  void check_conservation(bool quiet);
  void check_stores();
  void audit();
  std::string missing() const;
  // Behind what the agent said before.
  void say(const std::string& what) {
    if (!options_.trace) return;
    const std::vector<std::string>& lines = world_.log_lines();
    for (; told_lines_ < lines.size(); ++told_lines_) {
      std::fprintf(stderr, "%s", lines[told_lines_].c_str());
    }
    std::fprintf(stderr, "%s\n", what.c_str());
  }

  AgentSimOptions options_;
  AgentSimResult result_;
  SimWorld world_;
  AgentDraw draw_;
  FaultPlan store_plan_;
  std::vector<std::unique_ptr<StoreOracle>> oracles_;  // one per flow
  std::unique_ptr<Process> process_;
  std::vector<std::unique_ptr<io::Environment>> environments_;
  std::unique_ptr<agent::Agent> agent_;
  const bool reloads_;     // some seeds: flows come, go and change while the agent runs
  config::Config wanted_;  // what a reload finds
  bool stopping_ = false;
  std::size_t told_lines_ = 0;  // of the world's log
};

void AgentSim::start() {
  const std::uint32_t count = draw_.config.reactors;
  process_ = world_.start_process(1 + count);
  environments_.clear();
  std::vector<const io::Environment*> reactors;
  for (std::uint32_t i = 0; i <= count; ++i) {
    environments_.push_back(std::make_unique<io::Environment>(process_->environment(i)));
    if (i > 0) reactors.push_back(environments_.back().get());
  }
  process_->io(0).wait_by_advancing(true);
  agent::AgentOptions options;
  options.maintenance_interval = draw_.maintenance_interval;
  if (reloads_) {
    options.reload =
        agent::ReloadSource{.path = "wanted",
                            .load = [this]() -> base::Result<config::Loaded> {
                              return config::Loaded{.config = wanted_, .mistakes = {}, .text = {}};
                            },
                            .notice =
                                [this](bool begins) {
                                  if (begins) return;
                                  ++result_.reloads;
                                  for (const auto& workload : draw_.workloads)
                                    workload->flow_gone();
                                }};
  }
  auto made = agent::Agent::create(draw_.config, options, *environments_[0], reactors);
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

void AgentSim::agent_gone(bool politely) {
  stopping_ = false;
  const base::Samples samples = agent_ != nullptr ? agent_->samples() : base::Samples{};
  for (std::size_t i = 0; i < draw_.config.flows.size(); ++i) {
    draw_.workloads[draw_.read[i]]->agent_gone(draw_.config.flows[i], samples, politely);
  }
  for (const base::Sample& sample : samples) {
    if (sample.name == "files_closed_idle") result_.rests += sample.value;
    if (sample.name == "files_removed") result_.removed += sample.value;
  }
}

void AgentSim::kill(Crash how) {
  if (process_ == nullptr) return;
  if (how == Crash::power) {
    for (const auto& workload : draw_.workloads) workload->let_go();
    ++result_.power_cuts;
  } else {
    ++result_.crashes;
  }
  check_conservation(false);
  agent_gone(false);
  world_.crash(*process_, how);
  agent_.reset();
  environments_.clear();
  process_.reset();
  say(how == Crash::power ? "power cut" : "killed");
}

// As the runner does when the control has finished.
void AgentSim::finish_stop() {
  const bool politely = !agent_->control().cut_short();
  check_conservation(politely);
  agent_gone(politely);
  if (politely) {
    for (std::uint32_t i = 0; i <= draw_.config.reactors; ++i) {
      process_->io(i).wait_by_advancing(true);  // it blocks
    }
    agent_->note_settled();
  }
  world_.crash(*process_, Crash::process);
  agent_.reset();
  environments_.clear();
  process_.reset();
  ++result_.stops;
  say(politely ? "stopped" : "stopped, with something unsettled");
}

void AgentSim::check_conservation(bool quiet) {
  if (agent_ == nullptr || !result_.failure.empty()) return;
  const agent::Conservation records = agent_->conservation(quiet);
  const agent::Amount& astray = records.unaccounted;
  if (astray.records == 0 && astray.bytes == 0) return;
  result_.failure = std::to_string(astray.records) + " records, " + std::to_string(astray.bytes) +
                    " bytes are not accounted for";
}

void AgentSim::check_stores() {
  for (const auto& oracle : oracles_) {
    if (result_.failure.empty()) result_.failure = oracle->check();
  }
}

void AgentSim::audit() {
  if (!result_.failure.empty()) return;
  const base::Samples samples = agent_->samples();
  for (std::size_t i = 0; i < oracles_.size() && result_.failure.empty(); ++i) {
    result_.failure =
        draw_.workloads[draw_.read[i]]->audit(draw_.config.flows[i], samples, oracles_[i]->look());
  }
}

std::string AgentSim::missing() const {
  for (std::size_t i = 0; i < oracles_.size(); ++i) {
    const std::string missing = oracles_[i]->missing();
    if (!missing.empty()) return draw_.config.flows[i].name + ":" + missing;
  }
  return {};
}

// What lies below the logs' directory, first and last bytes each.
void AgentSim::tell_files(const std::string& directory) {
  if (!options_.trace) return;
  for (const std::string& name : world_.disk().list(directory)) {
    const std::string path = directory + "/" + name;
    const NodeRef node = world_.disk().find(path, false);
    if (node->directory) {
      tell_files(path);
      continue;
    }
    const std::string& text = node->file.bytes();
    const std::size_t last = text.size() < 2 ? 0 : text.rfind('\n', text.size() - 2) + 1;
    say(path + " inode " + std::to_string(node->inode) + " bytes " + std::to_string(text.size()) +
        " first " + text.substr(0, 24) + " last " + text.substr(last, 24) +
        (node->link_target.empty() ? "" : " → " + node->link_target));
  }
}

void AgentSim::tell_checkpoints() {
  if (!options_.trace) return;
  const auto reader = world_.start_process();
  const auto told =
      store::KeyedLog::read(reader->files(), std::string(kDataDir) + "/_checkpoints/0",
                            [this](std::string_view key, std::string_view value) {
                              const auto checkpoint = sources::decode_checkpoint(key, value);
                              if (!checkpoint) return;
                              say(checkpoint->flow + " " + checkpoint->path + " inode " +
                                  std::to_string(checkpoint->identity.inode) + " offset " +
                                  std::to_string(checkpoint->offset) + " generation " +
                                  std::to_string(checkpoint->generation) + " origin " +
                                  std::to_string(base::value(checkpoint->origin)));
                            });
  if (!told) say("checkpoints: " + told.error().message);
}

void AgentSim::act() { draw_.workloads[world_.random().below(draw_.workloads.size())]->act(); }

void AgentSim::reload(config::Config wanted) {
  wanted_ = std::move(wanted);
  for (const auto& workload : draw_.workloads) workload->flow_gone();
  agent_->control().reload()->request([this](const agent::Reload::Outcome& outcome) {
    const bool refused = outcome.kind == agent::Reload::Outcome::Kind::refused;
    // One that is refused on purpose may have been asked for in the time of trouble.
    const bool on_purpose = outcome.text.find("reactors cannot be changed") != std::string::npos;
    if (refused && !on_purpose && !world_.faults().on()) {
      result_.failure = "reload refused: " + outcome.text;
    }
    say("reload: " + outcome.text);
  });
}

// Any flow may be missing, or have other keys than before; a pipe's stays as it is.
void AgentSim::reload_something() {
  SimRandom& random = world_.random();
  config::Config wanted = draw_.config;
  std::erase_if(wanted.flows,
                [&](const config::Flow& flow) { return !flow.pipe && random.chance(0.3); });
  for (config::Flow& flow : wanted.flows) {
    if (flow.pipe || random.chance(0.5)) continue;
    flow.flush.age_max = 10ms * random.below(100);
    if (random.chance(0.5)) flow.tail.close_inactive = 100ms * (1 + random.below(20));
    if (random.chance(0.3)) flow.from.order = sources::Order::oldest_first;
    if (random.chance(0.3)) flow.from.watch = sources::Watch::poll;
  }
  if (random.chance(0.1)) ++wanted.reactors;  // refused
  reload(std::move(wanted));
}

void AgentSim::tick_one() {
  ++result_.ticks;
  const std::uint64_t part = world_.random().below(1 + draw_.config.reactors);
  if (part == 0) {
    agent_->control().tick();
  } else {
    agent_->reactors()[part - 1]->tick();
  }
}

void AgentSim::trouble_step(double crash_chance, bool may_cut_power) {
  SimRandom& random = world_.random();
  if (random.chance(0.05)) act();
  if (options_.store_faults && random.chance(0.01)) {  // full for a while (F60)
    FaultPlan full = store_plan_;
    if (random.chance(0.1)) full.write_full = 1;
    world_.faults().set(kDataDir, full);
  }
  if (agent_ == nullptr) {
    world_.clock().advance(10ms);
    if (draw_.device_changes && random.chance(0.05)) {
      world_.disk().set_device(world_.disk().device() + 2);
    }
    if (random.chance(0.5)) start();
    return;
  }
  if (stopping_ && agent_->control().finished()) return finish_stop();
  if (random.chance(crash_chance)) {
    const std::uint64_t how = random.below(4);
    if (how == 0 && !stopping_) {
      agent_->control().request_stop();
      stopping_ = true;
      return;
    }
    return kill(may_cut_power && how < 3 ? Crash::power : Crash::process);
  }
  if (reloads_ && random.chance(0.01) && !stopping_) reload_something();
  if (random.chance(0.001)) {
    // By an hour, as where clocks are local, or by ten years.
    const bool may_by_years = std::ranges::all_of(
        draw_.workloads, [](const auto& each) { return each->may_change_year(); });
    const bool by_years = random.chance(0.5) && may_by_years;
    const base::Duration by = by_years ? base::Duration(24h * 3652) : base::Duration(1h);
    world_.clock().jump_wall(random.chance(0.5) ? by : -by);
  }
  tick_one();
  if (random.chance(0.3)) world_.advance(*process_, 20ms);
}

void AgentSim::trouble() {
  SimRandom& random = world_.random();
  world_.faults().switch_on(true);
  const store::SyncPolicy sync = draw_.config.streams.begin()->second.options.sync;
  const bool may_cut_power =
      sync != store::SyncPolicy::os && random.chance(0.7) && options_.power_cuts;
  const double crash_chance = random.chance(0.5) ? 0.002 : 0.02;
  const std::uint64_t steps = 200 + random.below(2000);
  for (std::uint64_t i = 0; i < steps && result_.failure.empty(); ++i) {
    trouble_step(crash_chance, may_cut_power);
  }
  world_.faults().set(kDataDir, options_.store_faults ? store_plan_ : FaultPlan{});
}

// Seen is not settled: a power cut may still take what waits for its sync.
bool AgentSim::settled() {
  std::uint64_t ignored = 0;
  for (const std::size_t workload : draw_.read) ignored += draw_.workloads[workload]->ignored();
  if (ignored > 0) {
    for (const base::Sample& sample : agent_->samples()) {
      if (sample.name == "files_ignored_old" && sample.value != ignored) return false;
    }
  }
  const agent::Reload* const reload = agent_->control().reload();
  if (reload != nullptr && (reload->under_way() || reload->waiting())) return false;
  return std::ranges::all_of(agent_->reactors(), [](const auto& reactor) {
    return reactor->mailbox().unfinished() == 0 && reactor->at_rest();
  });
}

void AgentSim::calm() {
  if (!result_.failure.empty()) return;
  world_.faults().switch_on(false);
  for (const auto& workload : draw_.workloads) workload->finish();
  if (reloads_ && agent_ != nullptr && !stopping_) reload(draw_.config);
  settle();
  if (agent_ == nullptr || !result_.failure.empty()) return;
  const auto turns = [this](std::uint64_t most) {
    for (std::uint64_t i = world_.random().below(most); i > 0; --i) {
      tick_one();
      if (world_.random().chance(0.1)) world_.advance(*process_, 1ms);
    }
  };
  bool more = false;
  for (const auto& workload : draw_.workloads) more = workload->race_in_calm(turns) || more;
  if (more) settle();
  if (agent_ == nullptr || !result_.failure.empty()) return;
  rest();
  for (const auto& workload : draw_.workloads) workload->all_stored();
}

// For so long that files are deleted, or are about to be when trouble begins again (F67).
void AgentSim::rest() {
  if (std::ranges::none_of(draw_.config.flows, [](const config::Flow& flow) {
        return flow.from.delete_after != base::Duration::zero();
      })) {
    return;
  }
  const base::Instant end =
      world_.clock().monotonic() + base::Duration(100ms) * world_.random().below(100);
  while (world_.clock().monotonic() < end && !stopping_) {
    for (int i = 0; i < 32; ++i) tick_one();
    world_.advance(*process_, 50ms);
  }
}

void AgentSim::settle() {
  // Bounded simulated time: longer than any back-off, reconcile or rotation wait; and again, if it
  // gets on meanwhile, as a hundred files with open groups do that share two descriptors.
  base::Instant deadline = world_.clock().monotonic() + base::Duration(120s);
  std::string missed = "not looked";  // twice the same, and it does not get on
  base::Instant next_look = world_.clock().monotonic();
  bool all_there = false;
  while (!all_there && result_.failure.empty()) {
    if (world_.clock().monotonic() >= deadline) {
      check_stores();
      if (std::exchange(missed, missing()) == missing()) break;
      deadline = world_.clock().monotonic() + base::Duration(120s);
    }
    if (agent_ == nullptr) start();
    if (agent_ == nullptr) return;
    for (int i = 0; i < 64; ++i) tick_one();
    if (stopping_ && agent_->control().finished()) {
      finish_stop();
      continue;
    }
    world_.advance(*process_, 50ms);
    // One that is stopping may have delivered what its end makes a line, and nobody was told yet.
    if (world_.clock().monotonic() < next_look || stopping_ || !settled()) continue;
    next_look = world_.clock().monotonic() + base::Duration(1s);
    check_stores();
    all_there = result_.failure.empty() && missing().empty();
  }
  if (agent_ == nullptr) start();
  if (agent_ == nullptr) return;
  if (!all_there) check_stores();
  if (result_.failure.empty() && !missing().empty()) {
    result_.failure = "did not settle: " + missing();
  }
  check_conservation(true);
  audit();
}

}  // namespace

AgentSimResult run_agent_sim(const AgentSimOptions& options) { return AgentSim(options).run(); }

}  // namespace sim
