// Intake: what a source calls with a chunk: run the program, route, gather, queue the batches.
//
// One per flow and reactor. The middle of the data's way, whole:
//   program.run → router.route → aggregator.gather → queue of each shard touched.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/metrics.h"
#include "pipeline/aggregator.h"
#include "pipeline/batch_queue.h"
#include "pipeline/budget.h"
#include "pipeline/pools.h"
#include "pipeline/program.h"
#include "pipeline/router.h"

namespace pipeline {

struct IntakeCounters {
  base::Counter records_in_flight_total;  // handed to shard queues since start
  base::Counter bytes_in_flight_total;    // the same; of packed records
  base::Counter records_skipped;          // durable before a restart, not stored again
};

class Intake {
 public:
  // What the wiring gives an intake. References outlive it. `outlets[i]`: queue of shard i's owner;
  // the last one is the dead-letter outlet's.
  struct Parts {
    ProgramOptions program;
    ShardMap map;
    std::vector<BatchQueue*> outlets;
    SlabPool& slabs;
    ParcelPool& parcels;
    Budget& budget;
    base::ReactorId reactor;
    Ringer& ringer;  // the reactor's
  };
  explicit Intake(Parts parts);

  struct Taken {
    std::uint64_t consumed = 0;  // bytes of the chunk covered by complete records
    Parcel* parcel = nullptr;    // nullptr: nothing was consumed. With no batches (all skipped, or
                                 // only bytes to pass over) it is already settled: unsettled == 0
                                 // and it was not sent anywhere.
  };
  // `source`: told when the parcel settles. `credit_bytes`: what the caller took from the budget
  // for this chunk; the difference to the slab's size is returned or overdrawn here, and all of it
  // when no parcel results. `marks`: see Aggregator. The parcel, when it has batches, is on its way
  // when this returns: the source must have it in its AckWindow before the next tick.
  Taken take(const Chunk& chunk, Source& source, Marks marks, std::uint64_t credit_bytes,
             base::Instant now);
  // The record of a line too long to be held; see NewlineFramer::take_long_line.
  Taken take_long_line(const Chunk& chunk, std::uint64_t line_bytes, Source& source, Marks marks,
                       std::uint64_t credit_bytes, base::Instant now);

  // A batch of one of our parcels is home. Returns the parcel when it was the last one out, else
  // nullptr. The caller tells the source, which release()s it.
  static Parcel* settle(Batch& batch);
  // Frees the slab, returns the credit, gives the parcel back to its pool.
  void release(Parcel& parcel);

  const FramerOptions& framer_options() const { return program_.framer_options(); }
  const GroupOptions* group_options() const { return program_.group_options(); }
  const ProgramCounters& program_counters() const { return program_.counters(); }
  const IntakeCounters& counters() const { return counters_; }

 private:
  Taken send(const Chunk& chunk, Source& source, Marks marks, std::uint64_t credit_bytes,
             base::Instant now);

  Program program_;
  Router router_;
  Aggregator aggregator_;
  std::vector<BatchQueue*> outlets_;
  SlabPool& slabs_;
  ParcelPool& parcels_;
  Budget& budget_;
  base::ReactorId reactor_;
  Ringer& ringer_;
  RecordBlock block_;
  IntakeCounters counters_;
};

}  // namespace pipeline
