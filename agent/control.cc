#include "agent/control.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <utility>

#include "agent/describe.h"
#include "agent/reload.h"
#include "base/assert.h"
#include "base/crc32c.h"

namespace agent {

namespace {
void wake_io(void* io) noexcept { static_cast<io::Io*>(io)->wake(); }
}  // namespace

namespace {

// Under which the log has the checkpoint of a FoundFile or a Rest.
template <typename Described>
std::string key_of(const Described& file) {
  const sources::Checkpoint& checkpoint = file.checkpoint;
  return file.former_key.empty() ? sources::checkpoint_key(checkpoint.flow, checkpoint.identity)
                                 : file.former_key;
}

}  // namespace

Control::Control(const io::Environment& environment,
                 std::span<const std::unique_ptr<Reactor>> reactors, Options options)
    : environment_(environment),
      reactors_(reactors),
      options_(options),
      doorbell_(&environment.io, &wake_io),
      mailbox_(doorbell_),
      surveyor_(environment, mailbox_, reactors),
      hints_(reactors.size()) {}

Control::~Control() = default;

void Control::set_discovery(std::vector<sources::Discovery::Flow> flows,
                            std::vector<sources::Checkpoint> known,
                            std::vector<std::string> excluded_directories,
                            std::vector<MarkTable> marks, std::size_t open_files_max,
                            std::optional<base::Timestamp> newest_arrival) {
  const auto clock_right = std::max(sources::last_seen(known), newest_arrival);
  if (clock_right) believed_.begin(*clock_right, environment_.clock.monotonic());
  marks_ = std::move(marks);
  homes_.resize(flows.size());
  for (const sources::Discovery::Flow& flow : flows) flows_.push_back(flow.name);
  discovery_ = std::make_unique<sources::Discovery>(
      environment_, std::move(flows), std::move(known), std::move(excluded_directories), listener(),
      open_files_max, clock_right);
}

sources::Discovery::Listener Control::listener() {
  return {
      .found = [this](std::size_t flow, sources::FoundFile f) { on_found(flow, std::move(f)); },
      .look = [this](std::size_t flow, std::uint64_t number) { on_look(flow, number); },
      .detached = [this](std::size_t flow, std::uint64_t number,
                         std::string path) { on_detached(flow, number, std::move(path)); },
      .look_at_all =
          [this] {
            for (const auto& reactor : reactors_) reactor->hint_all();
          },
      .forgotten =
          [this](std::size_t flow, const sources::Checkpoint& gone) {
            marks_[flow].forget(gone.origin, sources::checkpoint_key(gone.flow, gone.identity));
            on_forgotten(gone);
          },
      .yield = [this](std::size_t flow, std::uint64_t number,
                      bool now) { on_yield(flow, number, now); },
      .ignored = [this](std::size_t, const sources::Checkpoint& seen) { on_ignored(seen); },
      .dropped = [this](std::size_t flow, std::uint64_t number) { homes_[flow].erase(number); },
      .verify =
          [this](std::size_t flow, std::uint64_t number, std::uint64_t question) {
            tell(flow, number,
                 [number, question](sources::TailSet& tails) { tails.verify(number, question); });
          },
  };
}

// We say it through the first reactor. A file's own may have something to write about it still,
// and what it wrote may be on its way: both would come after what we say, and stay.
template <typename Say>
void Control::note(const std::string& key, base::Origin origin, Say say) {
  for (const auto& reactor : reactors_) {
    const bool always = reactor == reactors_.front();
    reactor->mailbox().post([=, &checkpointer = reactor->checkpointer()] {
      if (always || checkpointer.holds(key, origin)) say(checkpointer);
    });
  }
}

void Control::on_forgotten(const sources::Checkpoint& gone) {
  const std::string key = sources::checkpoint_key(gone.flow, gone.identity);
  note(key, gone.origin, [key, origin = gone.origin](sources::Checkpointer& checkpointer) {
    checkpointer.erase(key, origin);
  });
}

void Control::on_ignored(const sources::Checkpoint& seen) {
  if (seen.gone) {
    note(sources::checkpoint_key(seen.flow, seen.identity), seen.origin,
         [seen](sources::Checkpointer& checkpointer) { checkpointer.update(seen); });
    return;
  }
  // That a file was passed over stands nowhere else: without a note, and written to, it would be
  // new. No reactor has it.
  Reactor& reactor = *reactors_.front();
  reactor.mailbox().post([&reactor, seen] { reactor.checkpointer().update_synced(seen); });
}

void Control::on_yield(std::size_t flow, std::uint64_t number, bool now) {
  tell(flow, number, [number, now](sources::TailSet& tails) { tails.yield(number, now); });
}

void Control::every(base::Duration interval, std::move_only_function<void()> call) {
  report_interval_ = interval;
  report_ = std::move(call);
  next_report_ = environment_.clock.monotonic() + interval;
}

void Control::start() {
  started_ = environment_.clock.monotonic();
  (void)believed_.at(environment_.clock.wall(), started_);
  discovery_->start();
  if (socket_) socket_->start();
  // One without a file would sleep on and never say that it is at the end.
  for (const auto& reactor : reactors_) reactor->mailbox().post([] {});
  next_maintenance_ = environment_.clock.monotonic() + interval(options_.maintenance);
  next_care_ = environment_.clock.monotonic() + interval(options_.care);
}

void Control::on_found(std::size_t flow, sources::FoundFile found) {
  // The generations of one path follow each other on one thread: old tail before new head.
  auto& homes = homes_[flow];
  // With oldest_first so do all files of the flow.
  const std::string& together = found.in_order ? found.checkpoint.flow : found.checkpoint.path;
  std::uint32_t home = base::crc32c(together) % static_cast<std::uint32_t>(reactors_.size());
  for (const std::uint64_t older : found.after) {
    if (const auto it = homes.find(older); it != homes.end()) home = it->second;
  }
  if (const auto it = homes.find(found.formerly); it != homes.end()) home = it->second;
  if (const auto it = homes.find(found.number); it != homes.end()) home = it->second;
  homes[found.number] = home;
  found.marks = marks_[flow].take(found.checkpoint.origin, key_of(found));
  for (sources::Former& former : found.formers) {
    if (const auto* marks = marks_[flow].find(former.checkpoint.origin)) former.marks = *marks;
  }
  // Nothing of a flow is found any more when it is to go: it has its tails then.
  Reactor& reactor = *reactors_[home];
  reactor.mailbox().post(
      [&reactor, flow, f = std::move(found)]() mutable { reactor.tails(flow)->add(std::move(f)); });
}

// Who has the file; its flow may be gone there before we hear of it.
template <typename Message>
void Control::tell(std::size_t flow, std::uint64_t number, Message message) {
  Reactor& reactor = home_of(flow, number);
  reactor.mailbox().post([&reactor, flow, m = std::move(message)] {
    if (sources::TailSet* const tails = reactor.tails(flow)) m(*tails);
  });
}

Reactor& Control::home_of(std::size_t flow, std::uint64_t number) {
  const auto it = homes_[flow].find(number);
  ASSERT(it != homes_[flow].end());
  return *reactors_[it->second];
}

void Control::on_look(std::size_t flow, std::uint64_t number) {
  auto& hints = hints_[base::index(home_of(flow, number).id())];
  const Reactor::Hint hint{.flow = flow, .file = number};
  // A busy writer makes long runs of the same event.
  if (hints.empty() || !(hints.back() == hint)) hints.push_back(hint);
}

void Control::on_detached(std::size_t flow, std::uint64_t number, std::string new_path) {
  tell(flow, number, [number, path = std::move(new_path)](sources::TailSet& tails) {
    tails.detached(number, path);
  });
}

void Control::file_closed(std::size_t flow, std::uint64_t number,
                          const std::optional<sources::Checkpoint>& resume) {
  homes_[flow].erase(number);
  discovery_->closed(flow, number, resume ? &*resume : nullptr);
}

void Control::file_released(std::size_t flow, std::uint64_t number) {
  discovery_->released(flow, number);
}

void Control::file_rested(std::size_t flow, std::uint64_t number, const sources::Rest& rest) {
  if (!rest.marks.empty()) {
    marks_[flow].add(rest.checkpoint.origin, key_of(rest), rest.marks);
  }
  discovery_->rested(flow, number, rest);
}

void Control::generation_ended(std::size_t flow, const sources::Checkpoint& checkpoint,
                               const std::vector<std::uint64_t>& marks) {
  if (!marks.empty() && checkpoint.origin != base::Origin::none) {
    marks_[flow].add(checkpoint.origin, sources::checkpoint_key(flows_[flow], checkpoint.identity),
                     marks);
  }
  discovery_->ended(flow, checkpoint);
}

void Control::file_verified(const sources::Verified& answer) { discovery_->verified(answer); }

void Control::send_hints() {
  for (std::size_t i = 0; i < hints_.size(); ++i) {
    reactors_[i]->hint(hints_[i]);
    hints_[i].clear();
  }
}

void Control::tick() {
  environment_.io.run_once(time_to_sleep());
  doorbell_.awake();
  mailbox_.run_all();
  const base::Instant now = environment_.clock.monotonic();
  if (now >= next_report_) {
    next_report_ = now + report_interval_;
    report_();
  }
  surveyor_.tick(now);
  if (socket_) socket_->tick(now);
  if (phase_ == Phase::running && reload_) {
    if (reload_requested_.exchange(false)) reload_->request({});
    reload_->tick();
  }
  if (phase_ == Phase::running) {
    const std::uint64_t scans = discovery_->counters().scans.value();
    const bool at_rest = all(&Reactor::at_rest);  // before we send them anything
    discovery_->tick(now);
    send_hints();
    do_what_is_due(now, discovery_->counters().scans.value() != scans, at_rest);
    const bool told = stop_requested_.load(std::memory_order_acquire);
    bool all = !told && all_read();
    if (all) {
      not_read_ = count_not_read();
      all = all_read();  // none changed hands meanwhile
    }
    if (told || all) begin_stop(now);
    return;
  }
  if (phase_ != Phase::stopping) return;
  cut_short_ = !settled() && now >= stop_deadline_;
  if (settled() || cut_short_) phase_ = Phase::finished;
}

// Of an idle agent, what would soon wake it again is done with the search that woke it now.
void Control::do_what_is_due(base::Instant now, bool searched, bool at_rest) {
  const auto is_due = [&](base::Instant at, const Pace& pace) {
    return now >= at || (searched && idle_ && at - now <= pace.idle - pace.busy);
  };
  const bool care_is_due = is_due(next_care_, options_.care);
  if (is_due(next_maintenance_, options_.maintenance)) {
    note_activity(at_rest);
    next_maintenance_ = now + interval(options_.maintenance);
    maintain();
  }
  if (care_is_due) {
    next_care_ = now + interval(options_.care);
    for (const auto& reactor : reactors_) {
      reactor->mailbox().post([r = reactor.get()] { r->look_after_files(); });
    }
  }
}

void Control::note_activity(bool at_rest) {
  std::uint64_t records = 0;
  for (const auto& reactor : reactors_) records += reactor->home().records;
  idle_ = std::exchange(records_seen_, records) == records && at_rest;
}

// With `once`: nothing is left to do.
bool Control::all_read() const {
  return options_.once && all(&Reactor::at_end) && mailbox_.unfinished() == 0 &&
         discovery_->waiting() == 0;
}

std::size_t Control::count_not_read() const {
  std::size_t count = 0;
  for (const auto& reactor : reactors_) count += reactor->not_read();
  return count + discovery_->not_read();  // where those go that their reactors cannot read
}

bool Control::settled() const {
  return all(&Reactor::quiet) && mailbox_.unfinished() == 0 && discovery_->idle() &&
         (!socket_ || socket_->idle());
}

base::Duration Control::time_to_sleep() {
  base::Instant deadline = stop_deadline_;
  if (!doorbell_.announce_sleep()) return base::Duration::zero();
  if (phase_ == Phase::running) {
    deadline = std::min({discovery_->next_deadline(), next_care_, next_maintenance_});
    if (stop_requested_.load(std::memory_order_acquire) || all_read() ||
        (reload_ && reload_requested_.load())) {
      deadline = base::Instant::min();
    }
  } else if (settled()) {
    deadline = base::Instant::min();
  }
  if (mailbox_.unfinished() != 0) deadline = base::Instant::min();
  deadline = std::min({deadline, next_report_, surveyor_.next_deadline()});
  if (socket_) deadline = std::min(deadline, socket_->next_deadline());
  if (reload_) deadline = std::min(deadline, reload_->next_deadline());
  if (deadline == base::Instant::max()) return io::Io::kForever;
  const base::Instant now = environment_.clock.monotonic();
  return deadline <= now ? base::Duration::zero() : deadline - now;
}

void Control::request_stop() noexcept {
  stop_requested_.store(true, std::memory_order_release);
  environment_.io.wake();
}

void Control::request_reload() noexcept {
  reload_requested_.store(true);
  environment_.io.wake();
}

void Control::target_gone(const std::string& flow) {
  abandoned_.store(true, std::memory_order_release);
  for (const auto& reactor : reactors_) {
    reactor->mailbox().post([r = reactor.get(), flow] { r->abandon(flow); });
  }
  request_stop();
}

void Control::begin_stop(base::Instant now) {
  phase_ = Phase::stopping;
  stop_deadline_ = now + options_.shutdown_grace;
  discovery_->stop();
  if (reload_) reload_->stop();  // whoever asked for it is answered
  if (socket_) socket_->stop();
  for (const auto& reactor : reactors_) {
    reactor->mailbox().post([r = reactor.get()] { r->stop_sources(); });
  }
}

bool Control::all(bool (Reactor::*flag)() const) const {
  // A reactor with unread mail may be about to stop being what it says it is.
  return std::all_of(reactors_.begin(), reactors_.end(), [&](const auto& reactor) {
    return reactor->mailbox().unfinished() == 0 && (*reactor.*flag)();
  });
}

// First every reactor says until when everything it read is settled and noted, and the notes are
// made durable; the earliest of these bounds which marks the shards may forget, except those of
// files that were not yet read again as far since a restart. Then the shards retire what is too old
// or too much.
void Control::maintain() {
  if (covered_missing_ != 0 || notes_durable_missing_) return;  // the last round is not over
  covered_missing_ = reactors_.size();
  covered_until_ = base::Instant::max();
  marks_needed_.clear();
  note_own_marks();
  for (const auto& reactor : reactors_) {
    reactor->mailbox().post([this, r = reactor.get()] {
      const base::Instant until = r->covered();
      mailbox_.post(
          [this, until, needed = r->marks_needed(until)] { marks_covered(until, needed); });
    });
  }
}

// Of files that were not found again yet, of generations that ended, and of flows on their way.
void Control::note_own_marks() {
  for (const MarkTable& table : marks_) {
    const std::vector<base::Origin> origins = table.origins();
    marks_needed_.insert(marks_needed_.end(), origins.begin(), origins.end());
  }
  for (const auto& [flow, origins] : left_behind_) {
    marks_needed_.insert(marks_needed_.end(), origins.begin(), origins.end());
  }
  if (reload_) reload_->add_marks_needed(marks_needed_);
}

void Control::marks_covered(base::Instant until, const std::vector<base::Origin>& needed) {
  covered_until_ = std::min(covered_until_, until);
  marks_needed_.insert(marks_needed_.end(), needed.begin(), needed.end());
  if (--covered_missing_ != 0) return;
  note_own_marks();  // also those of generations that ended meanwhile
  // Who went from us to a reactor, or back, was named by both.
  std::ranges::sort(marks_needed_);
  const auto repeated = std::ranges::unique(marks_needed_);
  marks_needed_.erase(repeated.begin(), repeated.end());
  notes_durable_missing_ = true;
  Reactor& owner = *reactors_.front();
  owner.mailbox().post([this, &owner] {
    owner.checkpoint_log()->make_durable(
        [this](int error) { mailbox_.post([this, error] { forget_and_retire(error == 0); }); });
  });
}

void Control::forget_and_retire(bool notes_durable) {
  notes_durable_missing_ = false;
  if (!notes_durable) covered_until_ = base::Instant::min();
  const base::Timestamp now =
      believed_.at(environment_.clock.wall(), environment_.clock.monotonic());
  for (const auto& reactor : reactors_) {
    reactor->mailbox().post([this, r = reactor.get(), now, limit = covered_until_,
                             needed = marks_needed_] {
      std::vector<std::string> files = r->maintain(now, limit, needed);
      mailbox_.post([this, gone = std::move(files)]() mutable { remove_files(std::move(gone)); });
    });
  }
}

// Oldest first, and after a failure nothing newer of the same shard: a hole in the middle would
// look like a lost segment. What is left is tried again with the next maintenance.
void Control::remove_files(std::vector<std::string> paths) {
  std::move(paths.begin(), paths.end(), std::back_inserter(retired_));
  std::vector<std::string> left;
  std::set<std::string, std::less<>> stuck;  // directories
  for (std::string& path : retired_) {
    const std::string directory = path.substr(0, path.rfind('/'));
    if (!stuck.contains(directory)) {
      const auto removed = environment_.files.remove(path);
      if (removed || removed.error().system == ENOENT) {
        not_removable_.erase(directory);
        continue;
      }
      stuck.insert(directory);
      if (not_removable_.insert(directory).second) {
        environment_.log.warn("cannot remove old segment",
                              {{"path", path}, {"error", removed.error().message}});
      }
    }
    left.push_back(std::move(path));
  }
  retired_ = std::move(left);
}

void Control::describe(base::Samples& samples) const {
  agent::describe(samples, discovery_->counters());
  if (reload_) reload_->describe(samples);
}

}  // namespace agent
