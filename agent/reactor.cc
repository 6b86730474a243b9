#include "agent/reactor.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/packed_record.h"

namespace agent {

namespace {

void wake_io(void* io) noexcept { static_cast<io::Io*>(io)->wake(); }

}  // namespace

Reactor::Reactor(base::ReactorId id, std::size_t count, const io::Environment& environment,
                 bool once)
    : id_(id),
      once_(once),
      environment_(environment),
      doorbell_(&environment.io, &wake_io),
      mailbox_(doorbell_),
      settle_queue_(count, doorbell_),
      slabs_(kSlabKeepBytes),
      chunks_(kChunkBytes, kChunksMax) {}

void Reactor::own_checkpoint_log(std::unique_ptr<CheckpointLog> log) {
  checkpoint_log_ = std::move(log);
  checkpoint_log_->attach(environment_);
}

void Reactor::hint(const std::vector<Hint>& hints) {
  if (hints.empty()) return;
  {
    const std::scoped_lock lock(hints_mutex_);
    if (hints_.size() + hints.size() > kHintsMax) {
      hints_overflow_ = true;
      hints_.clear();
    } else if (!hints_overflow_) {
      hints_.insert(hints_.end(), hints.begin(), hints.end());
    }
    hinted_.store(true, std::memory_order_release);
  }
  doorbell_.ring();
}

void Reactor::hint_all() {
  {
    const std::scoped_lock lock(hints_mutex_);
    hints_overflow_ = true;
    hints_.clear();
    hinted_.store(true, std::memory_order_release);
  }
  doorbell_.ring();
}

void Reactor::tick() {
  wait_for_work();
  doorbell_.awake();
  if (mailbox_.unfinished() != 0) {
    // Whoever sees the mail as read must not see what we said of ourselves before reading it.
    quiet_.store(false, std::memory_order_relaxed);
    at_rest_.store(false, std::memory_order_relaxed);
    at_end_.store(false, std::memory_order_relaxed);
    mailbox_.run_all();
  }
  take_hints();
  take_home_settled_batches();
  run_due(environment_.clock.monotonic());
  publish();
}

// What the last turn started is often done at once (a read of what the page cache holds, a write):
// then there is no sleep, and nobody is made to pay for a wake-up.
void Reactor::wait_for_work() {
  const bool worked = environment_.io.run_once(base::Duration::zero());
  if (worked && packing_ != nullptr) packing_->set_free(false);
  if (ringer_.empty()) turns_owed_ = 0;
  if (worked && ++turns_owed_ < kTurnsOwedMax) return;
  turns_owed_ = 0;
  ringer_.ring_all();
  if (worked) return;
  const base::Duration sleep = time_to_sleep();
  const bool free = sleep != base::Duration::zero();
  if (packing_ != nullptr) packing_->set_free(free);
  if (free && packing_ != nullptr && packing_->help()) return;
  environment_.io.run_once(sleep);
}

base::Duration Reactor::time_to_sleep() {
  // A ring since the last look may mean credit: a budget is nothing one could look at here.
  if (!doorbell_.announce_sleep() || work_waiting()) {
    doorbell_.awake();
    return base::Duration::zero();
  }
  const base::Instant deadline = next_deadline();
  if (deadline == base::Instant::max()) return io::Io::kForever;
  const base::Instant now = environment_.clock.monotonic();
  return deadline <= now ? base::Duration::zero() : deadline - now;
}

bool Reactor::work_waiting() const {
  if (mailbox_.unfinished() != 0 || settle_queue_.maybe_ready() ||
      hinted_.load(std::memory_order_acquire)) {
    return true;
  }
  return std::any_of(outlets_.begin(), outlets_.end(),
                     [](const Outlet& outlet) { return outlet.queue->maybe_ready(); });
}

base::Instant Reactor::next_deadline() const {
  base::Instant first = std::min(trim_at_, checkpointer_->next_deadline());
  if (checkpoint_log_) first = std::min(first, checkpoint_log_->next_deadline());
  first = std::min(first, number_notes_.next_deadline());
  for (const store::Shard* shard : shards_) first = std::min(first, shard->next_deadline());
  for (const Outlet& outlet : outlets_) first = std::min(first, outlet.delivery->next_deadline());
  for (const FlowPart& flow : flows_) {
    first = std::min(first, flow.tails->next_deadline());
    if (flow.pipe) first = std::min(first, flow.pipe->next_deadline());
  }
  return first;
}

void Reactor::take_hints() {
  if (!hinted_.load(std::memory_order_acquire)) return;
  bool overflow = false;
  {
    const std::scoped_lock lock(hints_mutex_);
    hints_taken_.swap(hints_);
    overflow = std::exchange(hints_overflow_, false);
    hinted_.store(false, std::memory_order_relaxed);
  }
  if (overflow) {
    for (const FlowPart& flow : flows_) flow.tails->look_at_all();
  } else {
    for (const Hint& each : hints_taken_) {
      if (sources::TailSet* const its = tails(each.flow)) its->look(each.file);
    }
  }
  hints_taken_.clear();
}

void Reactor::take_home_settled_batches() {
  std::array<pipeline::Batch*, kSettledPerDrain> home{};
  while (const std::size_t count = settle_queue_.drain(home)) {
    for (std::size_t i = 0; i < count; ++i) {
      records_home_.add(home[i]->record_count);
      bytes_home_.add(home[i]->run.size() - base::kRunHeaderBytes);
      pipeline::Parcel* parcel = pipeline::Intake::settle(*home[i]);
      if (parcel != nullptr) parcel->source->settled(*parcel);
    }
    if (count < home.size()) break;
  }
}

void Reactor::run_due(base::Instant now) {
  for (store::Shard* shard : shards_) {
    if (shard->next_deadline() <= now) shard->tick(now);
  }
  for (Outlet& outlet : outlets_) {
    outlet.delivery->tick(now);
    if (outlet.sink->gone() && !std::exchange(outlet.gone_told, true) && gone_) gone_(outlet.flow);
  }
  // There are fewer chunk buffers than all flows can use, and who comes first takes what he can.
  first_flow_ = flows_.empty() ? 0 : (first_flow_ + 1) % flows_.size();
  for (std::size_t i = 0; i < flows_.size(); ++i) {
    FlowPart& flow = flows_[(first_flow_ + i) % flows_.size()];
    flow.tails->tick(now);
    trimmed_bytes_ += flow.tails->take_freed_bytes();
    if (flow.pipe) flow.pipe->tick(now);
  }
  tell_who_rests();
  end_parts_that_left();
  checkpointer_->tick(now);
  tell_noted();
  number_notes_.tick(now);
  if (checkpoint_log_) {
    checkpoint_log_->tick(now);
    // At once, and not when it is time for maintenance: of many short-lived files it is compacted
    // several times a second (F55).
    if (checkpoint_log_->may_retire() && retired_listener_)
      retired_listener_(checkpoint_log_->retire());
  }
  trim_pools(now);
}

void Reactor::trim_pools(base::Instant now) {
  std::uint64_t reads = 0;
  for (const FlowPart& flow : flows_) reads += flow.reads();
  const bool quiet = reads == reads_at_trim_;
  if (trim_at_ == base::Instant::max()) {
    if (!quiet) trim_at_ = now + kTrimEvery;
    return;
  }
  if (now < trim_at_) return;
  const std::size_t bytes =
      slabs_.trim() + parcels_.trim() + chunks_.trim() + checkpointer_->trim();
  trimmed_bytes_ += bytes;
  reads_at_trim_ = reads;
  // What is still out comes home later, and is unused from then on.
  const bool all_home = std::all_of(flows_.begin(), flows_.end(), [](const FlowPart& flow) {
    return flow.abandoned || flow.at_rest();
  });
  const bool done = quiet && bytes == 0 && all_home && checkpointer_->idle();
  trim_at_ = done ? base::Instant::max() : now + kTrimEvery;
}

void Reactor::publish() {
  const bool no_mail = mailbox_.unfinished() == 0 && !hinted_.load(std::memory_order_acquire);
  bool at_rest = no_mail && !number_notes_.pending() && checkpointer_->idle() &&
                 !settle_queue_.maybe_ready() && (!checkpoint_log_ || checkpoint_log_->idle());
  for (const Outlet& outlet : outlets_) at_rest = at_rest && outlet.delivery->drained();
  for (const store::Shard* shard : shards_) at_rest = at_rest && shard->idle();
  bool quiet = at_rest;
  for (const FlowPart& flow : flows_) {
    quiet = quiet && (flow.abandoned ? !flow.reading() : flow.idle());
    at_rest = at_rest && (flow.abandoned || flow.at_rest());
  }
  at_rest_.store(at_rest, std::memory_order_release);
  const bool end =
      once_ && no_mail &&
      std::all_of(flows_.begin(), flows_.end(), [](const FlowPart& flow) { return flow.at_end(); });
  if (end) {
    std::size_t not_read = 0;
    for (const FlowPart& flow : flows_) not_read += flow.not_read();
    not_read_.store(not_read, std::memory_order_release);
  }
  const bool quiet_changed = quiet_.exchange(quiet, std::memory_order_acq_rel) != quiet;
  const bool end_changed = at_end_.exchange(end, std::memory_order_acq_rel) != end;
  if ((quiet_changed || end_changed) && changed_) changed_();
}

void Reactor::count_lag() {
  std::uint64_t lag = 0;
  for (const FlowPart& flow : flows_) lag += flow.tails->lag_bytes();
  lag_bytes_.store(lag, std::memory_order_relaxed);
}

void Reactor::request_lag() {
  mailbox_.post([this] { count_lag(); });
}

void Reactor::stop_sources() {
  for (FlowPart& flow : flows_) {
    flow.tails->stop();
    if (flow.pipe) flow.pipe->stop();
  }
  for (Outlet& outlet : outlets_) outlet.delivery->flush_always();
  checkpointer_->flush_always();
  number_notes_.flush_always();
}

void Reactor::abandon(const std::string& flow) {
  for (FlowPart& part : flows_) {
    if (part.flow != flow) continue;
    part.abandoned = true;
    if (part.pipe) part.pipe->abandon();
  }
  for (Outlet& outlet : outlets_) {
    if (outlet.flow == flow) outlet.delivery->abandon();
  }
}

void Reactor::look_after_files() {
  const base::Instant now = environment_.clock.monotonic();
  for (const FlowPart& flow : flows_) {
    flow.tails->look_for_stalls(now);
    flow.tails->limit_deleted(now);
  }
}

std::vector<base::Origin> Reactor::marks_needed(base::Instant covered) {
  std::vector<base::Origin> origins;
  for (const FlowPart& flow : flows_) flow.tails->add_marks_needed(covered, origins);
  return origins;
}

base::Instant Reactor::covered() {
  base::Instant until = checkpointer_->covered(environment_.clock.monotonic());
  for (const FlowPart& flow : flows_) until = std::min(until, flow.tails->oldest_unsettled());
  return until;
}

std::vector<std::string> Reactor::maintain(base::Timestamp now, base::Instant marks_until,
                                           std::span<const base::Origin> marks_needed) {
  std::vector<std::string> files;
  for (store::Shard* shard : shards_) {
    shard->forget_marks_before(marks_until, marks_needed);
    for (std::string& path : shard->retire(now)) files.push_back(std::move(path));
  }
  if (checkpoint_log_) {
    for (std::string& path : checkpoint_log_->retire()) files.push_back(std::move(path));
  }
  return files;
}

ReactorSurvey Reactor::survey(bool all, std::size_t list_max) const {
  const base::Instant now = environment_.clock.monotonic();
  const base::Timestamp wall = environment_.clock.wall();
  const auto age = [now](base::Instant since) {
    return since > now ? base::Duration::zero() : now - since;  // max: there is nothing
  };
  ReactorSurvey survey;
  for (const FlowPart& part : flows_) {
    FlowSurvey flow;
    flow.flow = part.flow;
    flow.files = part.tails->survey(wall, all, list_max);
    list_max -= std::min(list_max, flow.files.list.size());
    flow.oldest_unsettled = age(part.tails->oldest_unsettled());
    for (const Outlet& outlet : outlets_) {
      if (outlet.flow != part.flow) continue;
      const sinks::DeliveryCounters& counters = outlet.delivery->counters();
      flow.queue_records += counters.records_taken.value() - counters.records_delivered.value() -
                            counters.records_rejected.value();
      flow.queue_bytes += counters.bytes_taken.value() - counters.bytes_delivered.value() -
                          counters.bytes_rejected.value();
      flow.queue_oldest = std::max(flow.queue_oldest, age(outlet.delivery->oldest()));
      if (outlet.delivery->failing()) ++flow.outlets_failing;
    }
    survey.flows.push_back(std::move(flow));
  }
  return survey;
}

}  // namespace agent
