// The store and the state a configuration begins with: opened, and what is lost of them told. Runs
// before there is any reactor.
#include <algorithm>
#include <chrono>
#include <utility>

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
  for (const auto& [name, stream] : config_.streams) {
    TRY_VOID(open_stream(*catalog, name, stream.shards, stream.options));
  }
  if (std::any_of(config_.flows.begin(), config_.flows.end(),
                  [this](const config::Flow& flow) { return keeps_dead_letters(flow); })) {
    TRY_VOID(open_stream(*catalog, kDeadLetterStream, 1, {.retention_age = std::chrono::days(7)}));
  }
  return open_checkpoints();
}

base::Result<void> Wiring::open_stream(store::Catalog& catalog, const std::string& name,
                                       std::uint32_t shards, store::ShardOptions options) {
  // What waits for an interval's sync is still in the flow's budget: sync before it is used up.
  const std::uint64_t budget =
      config_.memory_bytes / std::max<std::size_t>(config_.flows.size(), 1);
  options.unsynced_bytes_max =
      std::min(options.unsynced_bytes_max, std::max<std::uint64_t>(budget / (2ULL * shards), 1));
  OpenStream stream{.info = TRY(catalog.ensure(name, shards, options)), .shards = {}};
  for (const store::ShardInfo& info : stream.info.shards) {
    auto shard = TRY(store::Shard::open(
        control_, store::shard_directory(config_.data_dir, name, info.shard),
        {.stream_id = stream.info.id, .stream = name, .shard = info.shard}, options,
        known_number(known_numbers_, name, info.shard), may_be_removed(name)));
    stream.shards.push_back(shard.get());
    agent_.shards_.push_back(std::move(shard));
  }
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
