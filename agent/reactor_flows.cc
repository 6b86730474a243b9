// Flows that come and go on a reactor, and what all of them have counted.
#include <algorithm>
#include <utility>

#include "agent/describe.h"
#include "agent/reactor.h"
#include "base/assert.h"

namespace agent {

namespace {

// As Reactor::out() counts it.
void add_to(Reactor::Out& out, const Outlet& outlet) {
  const sinks::DeliveryCounters& counters = outlet.delivery->counters();
  out.dropped +=
      {.records = counters.records_rejected.value(), .bytes = counters.bytes_rejected.value()};
  const Amount taken{.records = counters.records_delivered.value(),
                     .bytes = counters.bytes_delivered.value()};
  switch (outlet.kind) {
    case Outlet::Kind::target:
      out.delivered += taken;
      break;
    case Outlet::Kind::dead_letters:
      out.dead_letters += taken;
      break;
    case Outlet::Kind::discarding:
      out.dropped += taken;
      break;
  }
}

Amount handed_by(const FlowPart& part) {
  return {.records = part.intake->counters().records_in_flight_total.value(),
          .bytes = part.intake->counters().bytes_in_flight_total.value()};
}

// What was counted stays so; what is now is no more.
void keep_counters(base::Samples& kept, base::Samples last) {
  std::erase_if(last, [](const base::Sample& each) {
    return each.kind != base::Sample::Kind::counter || each.value == 0;
  });
  kept.insert(kept.end(), last.begin(), last.end());
  kept = base::added_up(std::move(kept));
}

}  // namespace

void Reactor::own_shard(store::Shard& shard) {
  shard.attach(environment_, packing_);
  const std::scoped_lock lock(parts_mutex_);
  shards_.push_back(&shard);
  number_notes_.add(shard);
}

void Reactor::add_outlet(Outlet outlet) {
  const std::scoped_lock lock(parts_mutex_);
  outlets_.push_back(std::move(outlet));
}

void Reactor::add_flow(FlowPart part) {
  const std::scoped_lock lock(parts_mutex_);
  if (places_.size() <= part.number) places_.resize(part.number + 1, kNowhere);
  ASSERT(places_[part.number] == kNowhere);
  places_[part.number] = flows_.size();
  flows_.push_back(std::move(part));
}

sources::TailSet* Reactor::tails(std::size_t flow) {
  if (flow >= places_.size() || places_[flow] == kNowhere) return nullptr;
  return flows_[places_[flow]].tails.get();
}

void Reactor::leave(std::size_t flow, FlowPart::Rests rests) {
  FlowPart& part = flows_[places_[flow]];
  ASSERT(!part.rests);
  ASSERT(!part.pipe);  // a read of it may never be answered
  part.tails->leave();
  part.rests = std::move(rests);
  for (Outlet& outlet : outlets_) {
    if (outlet.flow == part.flow) outlet.delivery->flush_always();
  }
}

void Reactor::end(std::size_t flow, FlowPart::Left left) {
  FlowPart& part = flows_[places_[flow]];
  ASSERT(part.rests && !part.left);
  part.tails->leave();  // looks once more, before the files are let go
  part.left = std::move(left);
}

void Reactor::tell_who_rests() {
  for (FlowPart& part : flows_) {
    if (!part.rests) continue;
    const bool rests = part.tails->left();
    if (std::exchange(part.said_to_rest, rests) != rests) part.rests(rests);
  }
}

void Reactor::retire(const FlowPart& part) {
  retired_.records_read += part.intake->program_counters().records.value();
  retired_.records_skipped += part.intake->counters().records_skipped.value();
  retired_.handed += handed_by(part);
  base::Samples last;
  agent::describe(last, part);
  keep_counters(retired_.samples, std::move(last));
}

void Reactor::retire(const Outlet& outlet) {
  add_to(retired_.out, outlet);
  base::Samples last;
  agent::describe(last, outlet);
  keep_counters(retired_.samples, std::move(last));
}

void Reactor::end_parts_that_left() {
  for (std::size_t i = 0; i < flows_.size();) {
    if (flows_[i].left && flows_[i].tails->left()) {
      end_part(i);
    } else {
      ++i;
    }
  }
}

void Reactor::end_part(std::size_t at) {
  std::vector<base::Origin> needed;
  flows_[at].tails->add_marks_needed(covered(), needed);
  FlowPart::Left left = std::exchange(flows_[at].left, nullptr);
  {
    const FlowPart part = [&] {
      const std::scoped_lock lock(parts_mutex_);
      retire(flows_[at]);
      FlowPart its = std::move(flows_[at]);
      flows_.erase(flows_.begin() + static_cast<std::ptrdiff_t>(at));
      places_[its.number] = kNowhere;
      for (std::size_t i = at; i < flows_.size(); ++i) places_[flows_[i].number] = i;
      return its;
    }();
  }
  left(std::move(needed));
}

void Reactor::drop_outlets(const std::string& flow) {
  std::deque<Outlet> kept, gone;
  const std::scoped_lock lock(parts_mutex_);
  for (Outlet& outlet : outlets_) {
    if (outlet.flow == flow) {
      ASSERT(outlet.delivery->drained());
      retire(outlet);
    }
    (outlet.flow == flow ? gone : kept).push_back(std::move(outlet));
  }
  outlets_ = std::move(kept);
}

void Reactor::when_noted(std::move_only_function<void()> noted) {
  waiting_.push_back({.since = environment_.clock.monotonic(), .noted = std::move(noted)});
}

void Reactor::tell_noted() {
  if (waiting_.empty()) return;
  // What was reported between two ticks counts as of the first.
  const base::Instant until = checkpointer_->covered(environment_.clock.monotonic());
  const bool all = checkpointer_->idle();
  std::vector<Waiting> told;
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    if (!all && until <= each->since) {
      ++each;
      continue;
    }
    told.push_back(std::move(*each));
    each = waiting_.erase(each);
  }
  for (Waiting& each : told) each.noted();
}

std::uint64_t Reactor::records_read() const {
  const std::scoped_lock lock(parts_mutex_);
  std::uint64_t sum = retired_.records_read;
  for (const FlowPart& part : flows_) sum += part.intake->program_counters().records.value();
  return sum;
}

std::uint64_t Reactor::records_skipped() const {
  const std::scoped_lock lock(parts_mutex_);
  std::uint64_t sum = retired_.records_skipped;
  for (const FlowPart& part : flows_) sum += part.intake->counters().records_skipped.value();
  return sum;
}

Amount Reactor::handed() const {
  const std::scoped_lock lock(parts_mutex_);
  Amount sum = retired_.handed;
  for (const FlowPart& part : flows_) sum += handed_by(part);
  return sum;
}

Reactor::Out Reactor::out() const {
  const std::scoped_lock lock(parts_mutex_);
  Out out = retired_.out;
  for (const Outlet& outlet : outlets_) add_to(out, outlet);
  return out;
}

void Reactor::describe(base::Samples& samples) const {
  samples.push_back({"backend", "io=\"" + std::string(environment_.io.name()) + "\"", 1,
                     base::Sample::Kind::gauge});
  const std::scoped_lock lock(parts_mutex_);
  samples.insert(samples.end(), retired_.samples.begin(), retired_.samples.end());
  for (const FlowPart& part : flows_) agent::describe(samples, part);
  for (const Outlet& outlet : outlets_) agent::describe(samples, outlet);
  for (const store::Shard* shard : shards_) agent::describe(samples, *shard);
  if (checkpoint_log_) agent::describe(samples, checkpoint_log_->counters());
}

}  // namespace agent
