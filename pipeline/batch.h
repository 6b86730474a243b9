// Batch and Parcel: what leaves the pipeline.
//
// A parcel is all batches cut from one chunk and the slab of memory under them. A batch has one
// chunk behind it and one shard ahead of it. Batches change hands through queues only; a parcel is
// read and written by its home reactor alone, except the fields a batch's holder is told it may
// read.
//
// When the last batch of a parcel is home, three things happen in the same instant because they are
// the same fact: its memory is free, its budget is returned, its source's watermark may advance.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/ids.h"

namespace pipeline {

struct Parcel;
class Source;

struct Batch {
  Parcel* parcel = nullptr;
  base::ShardNumber shard{};  // outlet within the flow's target
  std::uint32_t record_count = 0;
  std::span<char> run;  // base::RunHeader, then packed records: a slice of the slab
  base::SequenceNumber first_sequence = 0;  // written by the sink when delivered
};

struct Parcel {
  Source* source = nullptr;
  base::Origin origin = base::Origin::none;
  base::ReactorId home{};          // the only thread that reads or writes `unsettled`
  std::uint64_t begin_offset = 0;  // of the chunk in its source, bytes
  std::uint64_t end_offset = 0;    // watermark once all batches are settled, bytes
  std::uint64_t record_count = 0;  // all batches together
  std::uint32_t unsettled = 0;     // batches not yet home
  base::Instant taken{};           // when the chunk was read, for ages and for pruning marks; also
                                   // for who holds a batch
  std::uint64_t credit_bytes = 0;  // what settlement returns to the flow's Budget
  std::vector<Batch> batches;      // never grows while any batch is out
  std::span<char> slab;            // from the home reactor's SlabPool
  std::uint64_t ticket = 0;        // its place in the source's AckWindow
  Parcel* next = nullptr;          // for the pool's free list
  std::size_t pool_index = 0;      // where the pool holds it
};

}  // namespace pipeline
