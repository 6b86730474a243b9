// Delivery: one outlet's way from its queue to its sink: buffer, flush, retry, reject, settle. The
// only place that knows about retries.
//
//  idle ──due──▶ in flight ──delivered──▶ settle, idle
//                   │ ├──retry────▶ waiting ──deadline──▶ in flight (same batches, before newer
//                   ones) │ └──rejected─▶ halve ─▶ in flight … ─▶ one left: count, settle
//
// Belongs to the reactor that owns the outlet.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "io/clock.h"
#include "io/random.h"
#include "pipeline/batch_queue.h"
#include "pipeline/budget.h"
#include "pipeline/shard_buffer.h"
#include "sinks/retry.h"
#include "sinks/sink.h"

namespace sinks {

// Bytes are those of packed records: data, key, and two short lengths.
struct DeliveryCounters {
  base::Counter records_taken, bytes_taken;  // from the queue; every one is delivered or rejected
  base::Counter records_delivered, bytes_delivered;
  base::Counter records_retried, bytes_retried;  // given back by the sink, for any reason; each
                                                 // time anew
  base::Counter groups_delivered, groups_retried;
  base::Counter records_rejected, bytes_rejected;  // dropped{reason="rejected"}
};

class Delivery {
 public:
  struct Parts {
    std::string name;                           // "flow/shard", for log lines
    pipeline::BatchQueue& queue;                // ours to drain
    std::vector<pipeline::BatchQueue*> settle;  // by ReactorId: where batches go home
    pipeline::Budget& budget;                   // starving: flush although nothing is due
    pipeline::FlushPolicy policy;
    Sink& sink;
    io::Clock& clock;
    io::Random& random;
    base::Log& log;
    base::ReactorId reactor;   // ours
    pipeline::Ringer& ringer;  // the reactor's
    RetryPolicy retry;
  };
  explicit Delivery(Parts parts);
  // Groups that are still out must not be answered any more (their Io is not run again).
  ~Delivery();

  // Moves what is queued into the buffer, starts what is due. Once per tick; bounded work.
  void tick(base::Instant now);
  // When tick() must run next although nobody rings; Instant::min(): at once; Instant::max(): not
  // before somebody rings or an operation completes.
  base::Instant next_deadline() const;
  // From now on everything is due at once (shutdown, end of --once).
  void flush_always();
  // From now on starts nothing: the target is gone for good. What is queued stays unsettled.
  void abandon();
  // Nothing queued, buffered, waiting or in flight; when abandoned: nothing in flight.
  bool drained() const;
  // When the oldest of what was taken and is neither delivered nor rejected was read;
  // Instant::max(): there is none.
  base::Instant oldest() const;
  // Failing: the sink answered `retry` and has not delivered since.
  bool failing() const;
  const DeliveryCounters& counters() const { return counters_; }

 private:
  struct State;
  DeliveryCounters counters_;
  std::unique_ptr<State> state_;
};

}  // namespace sinks
