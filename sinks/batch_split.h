// BatchSplit: a batch that a sink refuses as a whole, given to it again in smaller pieces, so that
// only the records it really refuses are lost. Rare, so it may copy and allocate.
//
// Belongs to the Delivery that made it.
#pragma once

#include <cstddef>
#include <vector>

#include "base/packed_record.h"
#include "pipeline/batch.h"
#include "sinks/bisection.h"

namespace sinks {

class BatchSplit {
 public:
  // `whole` outlives the split; it was refused and has more than one record.
  explicit BatchSplit(pipeline::Batch& whole);

  // The records to try next as a batch of its own: the same one until it is answered.
  //
  // Its run promises nothing about the source (end_offset 0) unless it ends with the last record:
  // what precedes a piece may have been refused, what follows is not stored yet.
  pipeline::Batch& piece() { return piece_; }
  // The piece is safe.
  void delivered();
  // The piece was refused. True when it was a single record: that one is passed over, and
  // `culprit` views it; valid as long as the whole batch.
  bool rejected(base::Record& culprit);
  // Every record is either safe or passed over; piece() must not be used any more.
  bool finished() const { return next_ == count(); }
  // The batch as it was. Its first_sequence is that of the first piece that was delivered.
  pipeline::Batch& whole() { return whole_; }

 private:
  std::size_t count() const { return starts_.size() - 1; }
  void cut();

  pipeline::Batch& whole_;
  std::vector<const char*> starts_;  // of every packed record, and the end
  std::size_t next_ = 0;             // first record of the piece
  Bisection bisection_;
  std::vector<char> run_;  // the piece's
  pipeline::Batch piece_;
  bool any_delivered_ = false;
};

}  // namespace sinks
