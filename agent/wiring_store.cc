// The store and the state a configuration begins with: opened, and what is lost of them told. Runs
// before there is any reactor.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "agent/number_notes.h"
#include "agent/state_log.h"
#include "agent/wiring.h"

namespace agent {

base::Result<void> Wiring::open_store() {
  known_ = options_.start_at;
  if (config_.data_dir.empty()) return {};
  agent_.data_dir_.emplace(TRY(store::DataDir::lock(control_, config_.data_dir)));
  // Before anything of the state is opened: opening sets damage aside.
  known_numbers_ = TRY(read_known_numbers(control_.files, config_.data_dir));
  const std::unique_ptr<store::Catalog> catalog =
      TRY(store::Catalog::open(control_, config_.data_dir));
  for (const std::string& name : streams_not_open(config_)) {
    TRY_VOID(open_stream(*catalog, name, config_));
  }
  return open_checkpoints();
}

std::vector<std::string> Wiring::streams_not_open(const config::Config& config) const {
  std::vector<std::string> names;
  for (const auto& [name, stream] : config.streams) {
    if (!streams_.contains(name)) names.push_back(name);
  }
  const bool dead_letters = std::ranges::any_of(
      config.flows, [this](const config::Flow& flow) { return keeps_dead_letters(flow); });
  if (dead_letters && !streams_.contains(kDeadLetterStream)) names.emplace_back(kDeadLetterStream);
  return names;
}

base::Result<void> Wiring::open_added_streams(const config::Config& next) {
  const std::vector<std::string> names = streams_not_open(next);
  if (names.empty()) return {};
  const std::unique_ptr<store::Catalog> catalog =
      TRY(store::Catalog::open(control_, config_.data_dir));
  for (const std::string& name : names) {
    TRY_VOID(open_stream(*catalog, name, next));
    own_shards(name);
    const auto stream = next.streams.find(name);
    if (stream == next.streams.end()) continue;
    // Also if nothing else of `next` is taken: it is open, and with these options.
    config_.streams.insert(*stream);
    if (ControlSocket* const socket = agent_.control_->socket()) {
      socket->add_stream(name, socket_stream(name));
    }
  }
  return {};
}

std::uint64_t Wiring::share(const config::Config& config) const {
  return config.memory_bytes / std::max<std::size_t>(config.flows.size(), 1);
}

void Wiring::take(const config::Config& next) {
  auto streams = std::move(config_.streams);  // those left out of `next` stay open
  config_ = next;
  config_.streams.merge(streams);
  for (const auto& budget : agent_.budgets_) {
    if (budget) budget->resize(share(config_));
  }
  agent_.control_->set_pace(control_options());
  agent_.control_->set_open_files_max(open_files_max());
  note_whole_files();
}

base::Result<void> Wiring::open_stream(store::Catalog& catalog, const std::string& name,
                                       const config::Config& config) {
  std::uint32_t shards = 1;
  store::ShardOptions options{.retention_age = std::chrono::days(7)};  // of dead letters
  if (const auto stream = config.streams.find(name); stream != config.streams.end()) {
    shards = stream->second.shards;
    options = stream->second.options;
  }
  // What waits for an interval's sync is still in the flow's budget: sync before it is used up.
  options.unsynced_bytes_max = std::min(
      options.unsynced_bytes_max, std::max<std::uint64_t>(share(config) / (2ULL * shards), 1));
  OpenStream stream{.info = TRY(catalog.ensure(name, shards, options)), .shards = {}};
  // All or none: another reload opens them again, and no directory has two of them.
  std::vector<std::unique_ptr<store::Shard>> opened;
  for (const store::ShardInfo& info : stream.info.shards) {
    auto shard = TRY(store::Shard::open(
        control_, store::shard_directory(config_.data_dir, name, info.shard),
        {.stream_id = stream.info.id, .stream = name, .shard = info.shard}, options,
        known_number(known_numbers_, name, info.shard), may_be_removed(name)));
    stream.shards.push_back(shard.get());
    opened.push_back(std::move(shard));
  }
  std::ranges::move(opened, std::back_inserter(agent_.shards_));
  streams_.emplace(name, std::move(stream));
  return {};
}

bool Wiring::streams_hold_records() const {
  return std::any_of(agent_.shards_.begin(), agent_.shards_.end(),
                     [](const auto& shard) { return shard->next_sequence() != 0; });
}

// Looks without opening: opening sets damage aside, and the next start would know nothing of it.
base::Result<void> Wiring::refuse_lost_state() const {
  const State state = TRY(read_state(control_.files, config_.data_dir));
  const bool missing = state.empty() && streams_hold_records();
  if (state.damaged == 0 && !missing) return {};
  return base::fail(
      base::ErrorCode::corrupt,
      (state.damaged > 0 ? std::to_string(state.damaged) + " checkpoints are damaged in "
                         : std::string("streams hold records, but there are no checkpoints in ")) +
          config_.data_dir + "/" + kCheckpointStream +
          ", and on_state_error says stop. To read files again, or to skip to their end, start "
          "once "
          "with 'on_state_error: beginning' or 'end'; to begin as at the first start, run "
          "'tailrace "
          "state reset --yes'");
}

void Wiring::tell_lost_state(std::uint64_t damaged) const {
  const std::string what = damaged != 0 ? "checkpoints damaged; affected files "
                                        : "no checkpoints although streams hold records; files ";
  const std::string then = config_.on_state_error == config::OnStateError::end
                               ? "begin at their present end, what is before it is skipped"
                               : "are read again, records may double";
  control_.log.error(what + then, {{"path", config_.data_dir + "/" + kCheckpointStream},
                                   {"lost_entries", std::to_string(damaged)}});
}

base::Result<void> Wiring::open_checkpoints() {
  if (config_.on_state_error == config::OnStateError::stop) TRY_VOID(refuse_lost_state());
  checkpoints_ = TRY(store::KeyedLog::open(
      control_, checkpoint_directory(config_.data_dir),
      {.stream_id = 0, .stream = kCheckpointStream, .shard = base::ShardNumber{0}}));
  bool any = false;
  checkpoints_->visit([this, &any](std::string_view key, std::string_view value) {
    any = any || !is_number_note(key);
    if (auto checkpoint = sources::decode_checkpoint(key, value)) {
      known_.push_back(std::move(*checkpoint));
    }
  });
  const std::uint64_t damaged = checkpoints_->damaged();
  state_lost_ = damaged != 0 || (!any && streams_hold_records());
  if (state_lost_) tell_lost_state(damaged);
  return {};
}

bool Wiring::flow_started_before(const std::string& flow) const {
  return checkpoints_ && checkpoints_->find(flow_started_key(flow)) != nullptr;
}

base::Result<void> Wiring::note_flows_started() {
  if (!checkpoints_) return {};
  std::vector<std::string> keys;
  for (const config::Flow& flow : config_.flows) {
    // What was lost is settled now: any write makes the log write itself anew, without the damage.
    if (state_lost_ || !flow_started_before(flow.name)) {
      keys.push_back(flow_started_key(flow.name));
    }
  }
  if (keys.empty()) return {};
  std::vector<store::KeyedLogChange> changes;
  for (const std::string& key : keys) changes.push_back({.key = key, .value = "started"});
  checkpoints_->attach(control_);
  return write_and_wait(*checkpoints_, control_, config_.data_dir, changes);
}

}  // namespace agent
