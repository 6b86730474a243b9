// RunReader: the records of one decoded payload, in order, with their numbers and clamped times.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ids.h"
#include "base/packed_record.h"
#include "store/format.h"

namespace store {

class RunReader {
 public:
  void start(const BlockHeader& header, std::string_view payload);
  void stop() { payload_ = run_ = {}; }

  // False: no more. A payload that is not what its header says ends early; sequence() tells.
  bool next(base::Record& record);

  base::SequenceNumber sequence() const { return sequence_; }  // of the record next() gives next
  base::SequenceNumber end_sequence() const { return end_sequence_; }
  std::int64_t arrival_us() const { return arrival_us_; }  // of the record just given
  base::Origin origin() const { return origin_; }

 private:
  bool next_run();

  std::string_view payload_;  // runs not yet begun
  std::string_view run_;      // records of this run not yet given
  std::uint32_t left_ = 0;    // so many
  base::SequenceNumber sequence_ = 0, end_sequence_ = 0;
  std::int64_t arrival_us_ = 0;
  base::Origin origin_ = base::Origin::none;
};

}  // namespace store
