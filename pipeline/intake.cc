#include "pipeline/intake.h"

#include <utility>

#include "base/assert.h"
#include "base/packed_record.h"

namespace pipeline {

Intake::Intake(Parts parts)
    : program_(std::move(parts.program)),
      router_(std::move(parts.map)),
      aggregator_(static_cast<std::uint32_t>(parts.outlets.size()), parts.slabs),
      outlets_(std::move(parts.outlets)),
      slabs_(parts.slabs),
      parcels_(parts.parcels),
      budget_(parts.budget),
      reactor_(parts.reactor),
      ringer_(parts.ringer) {
  ASSERT(outlets_.size() == std::size_t{router_.map().size()} + 1);
}

Intake::Taken Intake::take(const Chunk& chunk, Source& source, Marks marks,
                           std::uint64_t credit_bytes, base::Instant now) {
  program_.run(chunk, block_);
  return send(chunk, source, marks, credit_bytes, now);
}

Intake::Taken Intake::take_long_line(const Chunk& chunk, std::uint64_t line_bytes, Source& source,
                                     Marks marks, std::uint64_t credit_bytes, base::Instant now) {
  program_.run_long_line(chunk, line_bytes, block_);
  return send(chunk, source, marks, credit_bytes, now);
}

Intake::Taken Intake::send(const Chunk& chunk, Source& source, Marks marks,
                           std::uint64_t credit_bytes, base::Instant now) {
  if (block_.consumed == 0) {
    budget_.give_back(credit_bytes);
    return {};
  }
  router_.route(block_);
  Parcel& parcel = parcels_.take(outlets_.size());
  parcel.source = &source;
  parcel.origin = chunk.origin;
  parcel.home = reactor_;
  parcel.begin_offset = chunk.offset;
  parcel.end_offset = chunk.offset + block_.consumed;
  parcel.taken = now;
  const GatherResult gathered = aggregator_.gather(block_, marks, parcel);
  counters_.records_skipped.add(gathered.records_skipped);
  counters_.records_in_flight_total.add(gathered.records);
  std::uint64_t bytes = 0;
  for (const Batch& batch : parcel.batches) bytes += batch.run.size() - base::kRunHeaderBytes;
  counters_.bytes_in_flight_total.add(bytes);
  parcel.credit_bytes = parcel.slab.size();
  if (parcel.credit_bytes > credit_bytes) {
    budget_.overdraw(parcel.credit_bytes - credit_bytes);
  } else {
    budget_.give_back(credit_bytes - parcel.credit_bytes);
  }
  // Set before the first push: from then on the batches may be on their way home.
  parcel.unsettled = static_cast<std::uint32_t>(parcel.batches.size());
  for (Batch& batch : parcel.batches) {
    outlets_[base::index(batch.shard)]->push(reactor_, batch, ringer_);
  }
  return {.consumed = block_.consumed, .parcel = &parcel};
}

Parcel* Intake::settle(Batch& batch) {
  Parcel& parcel = *batch.parcel;
  ASSERT(parcel.unsettled > 0);
  return --parcel.unsettled == 0 ? &parcel : nullptr;
}

void Intake::release(Parcel& parcel) {
  slabs_.give_back(std::exchange(parcel.slab, {}));
  budget_.give_back(std::exchange(parcel.credit_bytes, 0));
  parcels_.give_back(parcel);
}

}  // namespace pipeline
