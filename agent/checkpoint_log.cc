#include "agent/checkpoint_log.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "agent/state_log.h"
#include "sources/checkpoint.h"

namespace agent {

void CheckpointLog::attach(const io::Environment& environment) {
  environment_ = &environment;
  if (log_) log_->attach(environment);
}

void CheckpointLog::write(sources::CheckpointWrite write, Answer answer) {
  if (!log_) {
    answer(0);
    return;
  }
  std::vector<std::string> text;  // owns what the changes view
  text.reserve(write.put.size() * 2);
  std::vector<store::KeyedLogChange> changes;
  changes.reserve(write.put.size() + write.erase.size());
  for (std::size_t i = 0; i < write.put.size(); ++i) {
    sources::Checkpoint& checkpoint = write.put[i];
    checkpoint.whole = checkpoint.whole && notes_whole_;
    if (registrations_.is_stale(checkpoint, write.from, write.registers[i])) continue;
    text.push_back(sources::checkpoint_key(checkpoint.flow, checkpoint.identity));
    text.push_back(sources::encode(checkpoint));
    changes.push_back({.key = text[text.size() - 2], .value = text.back(), .erase = false});
  }
  for (const auto& each : write.erase) {
    if (registrations_.is_stale(each.key, each.origin)) continue;
    changes.push_back({.key = each.key, .value = {}, .erase = true});
  }
  if (changes.empty()) {
    answer(0);
    return;
  }
  log_->write(take_off(write.synced, std::move(answer)).write, changes);
}

void CheckpointLog::write(const std::vector<NumberNote>& notes, Answer answer) {
  if (!log_ || notes.empty()) {
    answer(0);
    return;
  }
  std::vector<store::KeyedLogChange> changes;
  changes.reserve(notes.size());
  for (const NumberNote& note : notes) changes.push_back({.key = note.key, .value = note.value});
  log_->write(take_off(false, std::move(answer)).write, changes);
}

std::vector<sources::Checkpoint> CheckpointLog::checkpoints(
    const std::set<std::string>& flows) const {
  std::vector<sources::Checkpoint> found;
  if (!log_) return found;
  log_->visit([&](std::string_view key, std::string_view value) {
    auto checkpoint = sources::decode_checkpoint(key, value);
    if (checkpoint && flows.contains(checkpoint->flow)) found.push_back(std::move(*checkpoint));
  });
  return found;
}

bool CheckpointLog::started_before(const std::string& flow) const {
  return log_ && log_->find(flow_started_key(flow)) != nullptr;
}

void CheckpointLog::note_started(const std::vector<std::string>& flows, Answer answer) {
  if (!log_ || flows.empty()) {
    answer(0);
    return;
  }
  std::vector<std::string> keys;
  for (const std::string& flow : flows) keys.push_back(flow_started_key(flow));
  std::vector<store::KeyedLogChange> changes;
  for (const std::string& key : keys) changes.push_back({.key = key, .value = "started"});
  log_->write(take_off(true, std::move(answer)).write, changes);
}

void CheckpointLog::make_durable(Answer answer) {
  if (!log_ || (!unsynced_ && in_flight_.empty())) {
    answer(0);
    return;
  }
  log_->make_durable(take_off(true, std::move(answer)).write);
}

CheckpointLog::InFlight& CheckpointLog::take_off(bool synced, Answer answer) {
  in_flight_.emplace_front();
  InFlight& entry = in_flight_.front();
  entry.answer = std::move(answer);
  entry.log = this;
  entry.self = in_flight_.begin();
  entry.started = environment_->clock.monotonic();
  entry.write.owner = &entry;
  entry.write.done = &CheckpointLog::done;
  entry.write.synced = synced;
  unsynced_ = !synced;
  return entry;
}

void CheckpointLog::done(void* owner, store::KeyedLog::Write& /*write*/, int error) {
  auto& entry = *static_cast<InFlight*>(owner);
  Answer answer = std::move(entry.answer);
  if (error != 0) entry.log->unsynced_ = true;
  entry.log->count(entry, error);
  entry.log->in_flight_.erase(entry.self);
  answer(error);
}

void CheckpointLog::count(const InFlight& entry, int error) {
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      environment_->clock.monotonic() - entry.started);
  const auto micros = static_cast<std::uint64_t>(took.count());
  (error == 0 ? counters_.commits : counters_.commits_failed).add();
  counters_.micros.add(micros);
  counters_.micros_max.set(std::max(counters_.micros_max.value(), micros));
}

base::Instant CheckpointLog::next_deadline() const {
  return log_ ? log_->next_deadline() : base::Instant::max();
}

void CheckpointLog::tick(base::Instant now) {
  if (log_) log_->tick(now);
}

std::vector<std::string> CheckpointLog::retire() {
  return log_ ? log_->retire() : std::vector<std::string>{};
}

}  // namespace agent
