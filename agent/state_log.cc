#include "agent/state_log.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <tuple>
#include <utility>

#include "agent/number_notes.h"
#include "io/file_owner.h"
#include "sources/checkpointer.h"
#include "store/catalog.h"

namespace agent {

namespace {

constexpr char kFlowStarted = '\x01';

void add_entry(std::string_view key, std::string_view value, State& state) {
  if (auto checkpoint = sources::decode_checkpoint(key, value)) {
    state.checkpoints.push_back(std::move(*checkpoint));
  } else if (key.starts_with(kFlowStarted)) {
    state.flows_started.emplace_back(key.substr(1));
  } else if (key == kStateResetKey) {
    state.reset_by_hand = true;
  } else if (is_number_note(key)) {
    return;
  } else {
    ++state.unreadable;
  }
}

}  // namespace

std::string flow_started_key(std::string_view flow) {
  return std::string(1, kFlowStarted) + std::string(flow);
}

std::string checkpoint_directory(const std::string& data_dir) {
  return store::shard_directory(data_dir, kCheckpointStream, base::ShardNumber{0});
}

base::Result<State> read_state(io::Files& files, const std::string& data_dir) {
  State state;
  const std::string directory = checkpoint_directory(data_dir);
  if (const auto status = files.status(directory, true);
      !status && status.error().system == ENOENT) {
    return state;
  }
  state.damaged = TRY(store::KeyedLog::read(
      files, directory,
      [&](std::string_view key, std::string_view value) { add_entry(key, value, state); }));
  std::ranges::sort(state.checkpoints, {}, [](const sources::Checkpoint& each) {
    return std::tie(each.flow, each.path, each.generation);
  });
  return state;
}

base::Result<void> write_and_wait(store::KeyedLog& log, const io::Environment& environment,
                                  const std::string& data_dir,
                                  std::span<const store::KeyedLogChange> changes) {
  struct Wait {
    bool over = false;
    int error = 0;
  } wait;
  store::KeyedLog::Write write;
  write.owner = &wait;
  write.done = [](void* owner, store::KeyedLog::Write&, int error) {
    *static_cast<Wait*>(owner) = {.over = true, .error = error};
  };
  write.synced = true;
  log.write(write, changes);
  while (!wait.over || !log.idle()) {
    environment.io.run_once(std::chrono::milliseconds(100));
    log.tick(environment.clock.monotonic());
  }
  if (wait.error != 0) return base::fail_system(wait.error, "write checkpoints in " + data_dir);
  return {};
}

base::Result<void> StateLog::may_write(const io::Environment& environment,
                                       const std::string& data_dir) {
  const std::string lock = data_dir + "/LOCK";  // the agent's own, if it ever ran
  const bool ran = environment.files.status(lock, true).has_value();
  const auto owner = io::owner_shut_out(ran ? lock : data_dir);
  if (!owner) return {};
  return base::fail(base::ErrorCode::invalid,
                    data_dir + " belongs to " + *owner + ": do this as that user");
}

base::Result<StateLog> StateLog::open(const io::Environment& environment,
                                      const std::string& data_dir) {
  TRY_VOID(may_write(environment, data_dir));
  store::DataDir lock = TRY(store::DataDir::lock(environment, data_dir));
  std::unique_ptr<store::KeyedLog> log = TRY(store::KeyedLog::open(
      environment, checkpoint_directory(data_dir),
      {.stream_id = 0, .stream = kCheckpointStream, .shard = base::ShardNumber{0}}));
  log->attach(environment);
  return StateLog(environment, std::move(lock), std::move(log));
}

base::Result<void> StateLog::change(std::span<const store::KeyedLogChange> changes) {
  while (!changes.empty()) {
    const std::size_t now = std::min(changes.size(), sources::Checkpointer::kChangesMax);
    TRY_VOID(write_and_wait(*log_, *environment_, lock_.path(), changes.first(now)));
    changes = changes.subspan(now);
  }
  for (const std::string& path : log_->retire()) (void)environment_->files.remove(path);
  return {};
}

base::Result<void> StateLog::put(std::span<const sources::Checkpoint> checkpoints) {
  std::vector<std::string> text;  // owns what the changes view
  text.reserve(checkpoints.size() * 2);
  std::vector<store::KeyedLogChange> changes;
  for (const sources::Checkpoint& checkpoint : checkpoints) {
    text.push_back(sources::checkpoint_key(checkpoint.flow, checkpoint.identity));
    text.push_back(sources::encode(checkpoint));
    changes.push_back({.key = text[text.size() - 2], .value = text.back(), .erase = false});
  }
  return change(changes);
}

base::Result<void> StateLog::erase(std::span<const sources::Checkpoint> checkpoints) {
  std::vector<std::string> keys;
  keys.reserve(checkpoints.size());
  std::vector<store::KeyedLogChange> changes;
  for (const sources::Checkpoint& checkpoint : checkpoints) {
    keys.push_back(sources::checkpoint_key(checkpoint.flow, checkpoint.identity));
    changes.push_back({.key = keys.back(), .value = {}, .erase = true});
  }
  return change(changes);
}

base::Result<void> StateLog::reset(const std::string* flow) {
  std::vector<std::string> keys;
  log_->visit([&](std::string_view key, std::string_view value) {
    const auto checkpoint = sources::decode_checkpoint(key, value);
    const bool ours = flow == nullptr || key == flow_started_key(*flow) ||
                      (checkpoint && checkpoint->flow == *flow);
    if (ours && key != kStateResetKey && !is_number_note(key)) keys.emplace_back(key);
  });
  std::vector<store::KeyedLogChange> changes;
  // Before anything goes: an emptied log without it would look like a lost one.
  changes.push_back({.key = kStateResetKey, .value = "by hand", .erase = false});
  for (const std::string& key : keys) changes.push_back({.key = key, .value = {}, .erase = true});
  return change(changes);
}

}  // namespace agent
