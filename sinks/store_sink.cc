#include "sinks/store_sink.h"

#include <utility>

#include "base/assert.h"
#include "base/result.h"

namespace sinks {

StoreSink::StoreSink(store::Shard& shard)
    : shard_(shard),
      flights_(shard.options().sync == store::SyncPolicy::interval ? kIntervalGroupsMax : 1) {
  for (Flight& flight : flights_) flight.sink = this;
}

void StoreSink::deliver(Group& group) {
  Flight& flight = flights_[next_];
  next_ = (next_ + 1) % flights_.size();
  ASSERT(flight.group == nullptr);
  flight.group = &group;
  flight.runs.clear();
  for (const pipeline::Batch* batch : group.batches) {
    flight.runs.emplace_back(batch->run.data(), batch->run.size());
  }
  flight.append = store::Append{};
  flight.append.runs = flight.runs;
  flight.append.owner = &flight;
  flight.append.done = [](void* owner, store::Append&, int error) {
    Flight& answered = *static_cast<Flight*>(owner);
    answered.sink->on_appended(answered, error);
  };
  shard_.append(flight.append);
}

void StoreSink::on_appended(Flight& flight, int error) {
  Group& group = *std::exchange(flight.group, nullptr);
  Outcome outcome = Outcome::delivered;
  if (error == 0) {
    base::SequenceNumber sequence = flight.append.first_sequence;
    for (pipeline::Batch* batch : group.batches) {
      batch->first_sequence = sequence;
      sequence += batch->record_count;
    }
  } else {
    outcome = Outcome::retry;
    reason_ = base::fail_system(error, shard_.directory()).error().message;
  }
  group.done(group.owner, group, outcome, base::Duration(0));
}

}  // namespace sinks
