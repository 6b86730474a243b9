// recover(): what a shard's directory holds after whatever happened to it, and the file to go on
// in.
//
// Walks the last segment only; older ones are trusted and checked when they are read. Bytes at the
// end that nobody was promised are cut. Damage to what was promised is counted and told, the
// segment is left as it is for readers to skip over, and writing goes on in a new one. Never
// refuses because of damage, never deletes what it does not understand.
//
// What is missing at the very end leaves no trace in the directory. Who opens may know from
// elsewhere up to which number records were delivered; what does not reach it is counted and told
// as well, and no number below it is given again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/environment.h"
#include "store/block.h"
#include "store/marks.h"
#include "store/segment_list.h"

namespace store {

struct Segment {
  SegmentId id;
  std::uint64_t bytes = 0;           // that count
  std::int64_t last_arrival_us = 0;  // no record in it arrived later
};

struct Recovered {
  std::vector<Segment> segments;  // oldest first; `tail` is the last, if there is one
  io::UniqueHandle tail;          // to append to; none: the next append makes a new segment
  std::int64_t tail_created_us = 0;
  ChainEnd end;    // where the next block goes; position 0 without tail
  SegmentId next;  // name for a new segment, if there is no tail
  std::vector<SegmentId>
      worthless;  // to remove once `next` is durable: never held a delivered record
  Marks marks;

  std::uint64_t torn_bytes = 0, torn_records = 0;
  std::uint64_t corrupt_blocks = 0, corrupt_records = 0, set_aside = 0;
  // At the end, below `known_next`; among corrupt_records, unless the directory may be removed.
  std::uint64_t records_missing = 0;
};

// Blocking. `sync`: make what is kept durable (not for SyncPolicy::os). `known_next`: numbers below
// were delivered, by what was noted elsewhere; 0: nothing is known. `may_be_removed`: that there is
// no directory at all is no loss, numbers go on all the same.
base::Result<Recovered> recover(const io::Environment& environment, const std::string& directory,
                                bool sync, base::SequenceNumber known_next = 0,
                                bool may_be_removed = false);

}  // namespace store
