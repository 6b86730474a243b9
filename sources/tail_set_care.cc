// What a TailSet looks after now and then: files that do not get on, deleted files that take room.
#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "sources/tail_set_state.h"

namespace sources {

// `part`: of the idle files, whose looking costs a system call, this part is looked at.
StallReason TailSet::State::stall_of(const FileTail& tail, std::uint64_t part) {
  constexpr std::uint64_t kIdleFilesALook = 500;
  const StallReason reason = tail.busy_with();
  if (reason == StallReason::older_file) {
    if (waits_in_order(tail.number(), tail.age_ns())) return StallReason::none;
    if (rewrites.contains(tail.number())) return StallReason::none;  // see tail_set_rewrites.cc
    // Whoever it waits for says so himself, unless he is gone.
    const auto before = held.find(tail.number());
    return before == held.end() || may_start(before->second) ? reason : StallReason::none;
  }
  if (reason != StallReason::none) return reason;
  const std::uint64_t parts_of_all = tails.size() / kIdleFilesALook + 1;
  if (tail.number() % parts_of_all != part % parts_of_all) return StallReason::none;
  return tail.grew_unnoticed(parts.options.stall_after) ? StallReason::unnoticed
                                                        : StallReason::none;
}

TailRead* TailSet::State::read_of(const FileTail& tail) {
  const auto found = std::find_if(reads.begin(), reads.end(),
                                  [&tail](const TailRead& read) { return read.tail == &tail; });
  return found == reads.end() ? nullptr : found;
}

bool TailSet::State::start_anew(FileTail& tail, StallReason reason) {
  if (reason == StallReason::older_file) {
    tail.release();
    return true;
  }
  return tail.restart(reason, read_of(tail));
}

void TailSet::State::tell_stalls() {
  std::size_t files = 0;
  for (const auto& [reason, which] : stalled) {
    files += which.files;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(which.longest);
    parts.environment.log.warn("files do not get on",
                               {{"reason", std::string(name_of(reason))},
                                {"files", std::to_string(which.files)},
                                {"for_seconds", std::to_string(seconds.count())},
                                {"restarted", std::to_string(which.restarted)},
                                {"path", which.example}});
  }
  if (files == 0 && counters.files_stalled.value() != 0) {
    parts.environment.log.info("files get on again");
  }
  counters.files_stalled.set(files);
}

void TailSet::look_for_stalls(base::Instant now) {
  const base::Duration limit = state_->parts.options.stall_after;
  if (limit == base::Duration::zero() || state_->stopped) return;
  std::unordered_map<std::uint64_t, State::Busy> busy;
  state_->stalled.clear();
  const std::uint64_t part = state_->looks_for_stalls++;
  state_->for_each_tail([&](FileTail& tail) {
    const StallReason reason = state_->stall_of(tail, part);
    if (reason == StallReason::none) return;
    const auto before = state_->busy.find(tail.number());
    const std::uint64_t progress = tail.progress();
    State::Busy now_busy{.reason = reason, .progress = progress, .since = now};
    if (before != state_->busy.end() && before->second.reason == reason &&
        before->second.progress == progress) {
      now_busy.since = before->second.since;
    }
    busy.emplace(tail.number(), now_busy);
    const bool at_once = reason == StallReason::unnoticed;  // its own time says how long
    const base::Duration allowed =
        reason == StallReason::target ? limit + state_->parts.options.delivery_wait : limit;
    if (!at_once && now - now_busy.since < allowed) return;
    State::Stalled& which = state_->stalled[reason];
    which.example = tail.checkpoint().path;
    which.longest = std::max(which.longest, at_once ? limit : now - now_busy.since);
    ++which.files;
    if (!state_->start_anew(tail, reason)) return;
    ++which.restarted;
    state_->counters.files_restarted.add();
  });
  state_->busy = std::move(busy);
  state_->tell_stalls();
}

FilesSurvey TailSet::survey(base::Timestamp wall, bool all, std::size_t list_max) const {
  FilesSurvey survey;
  for (const auto& [number, tail] : state_->tails) {
    FileState file = tail->survey(wall, all);
    const auto busy = state_->busy.find(number);
    const bool stalls = busy != state_->busy.end() &&
                        state_->stalled.contains(busy->second.reason) &&
                        tail->progress() == busy->second.progress;
    if (stalls) {
      file.path = tail->checkpoint().path;
      file.state = "does not get on: " + std::string(name_of(busy->second.reason));
      file.trouble = true;
    }
    const bool idle = file.lag_bytes == 0 && !file.trouble && tail->idle();
    if (idle) ++survey.idle;
    survey.add(std::move(file), all, list_max);
  }
  return survey;
}

void TailSet::limit_deleted(base::Instant now) {
  const TailOptions& options = state_->parts.options;
  const std::uint64_t bytes_max = options.deleted_bytes_max;
  const base::Duration age_max = options.deleted_age_max;
  if (bytes_max == 0 && age_max == base::Duration::zero()) return;
  // Those that hold something unread come last, the oldest of either first.
  struct Deleted {
    bool unread;
    base::Instant since;
    FileTail* tail;
    bool operator<(const Deleted& other) const {
      return std::tie(unread, since, tail) < std::tie(other.unread, other.since, other.tail);
    }
  };
  std::vector<Deleted> deleted;
  std::uint64_t bytes = 0;
  state_->for_each_tail([&](FileTail& tail) {
    const std::uint64_t its = tail.deleted_bytes(now);
    if (its == 0) return;
    bytes += its;
    deleted.push_back({!tail.all_read(), tail.deleted_since(), &tail});
  });
  std::sort(deleted.begin(), deleted.end());
  for (const auto& [unread, since, tail] : deleted) {
    const bool too_old = age_max != base::Duration::zero() && now - since >= age_max;
    if (!too_old && (bytes_max == 0 || bytes <= bytes_max)) continue;
    const std::uint64_t its = tail->deleted_bytes(now);
    if (tail->give_up()) bytes -= its;
  }
}

}  // namespace sources
