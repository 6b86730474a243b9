#include "store/segment_walk.h"

#include <algorithm>
#include <optional>

namespace store {

namespace {

// One walk's way through the file.
class Walker {
 public:
  Walker(SegmentReader& segment, std::uint64_t limit, Depth depth, const VisitBlock& visit)
      : segment_(segment), limit_(limit), depth_(depth), visit_(visit) {}

  WalkResult run(base::SequenceNumber first_sequence) {
    result_.end = {.position = std::min<std::uint64_t>(kHeaderBytes, limit_),
                   .sequence = first_sequence};
    if (segment_.header_state() == HeaderState::good) {
      chained_ = true;
      result_.end.crc = segment_.header().crc;
    }
    at_ = kHeaderBytes;
    sequence_ = first_sequence;
    crc_ = result_.end.crc;
    while (at_ < limit_) {
      const auto header = segment_.header_at(at_, limit_);
      // A chain that holds over a gap in the numbers is a repaired segment.
      const bool fits = header && header->first_sequence >= sequence_ &&
                        (!chained_ || header->previous_crc == crc_);
      if (fits) {
        take(*header);
      } else if (!jump()) {
        break;
      }
    }
    return std::move(result_);
  }

 private:
  void take(const BlockHeader& header) {
    std::string_view payload;
    const std::uint64_t next = at_ + block_bytes(header);
    if (depth_ == Depth::payloads && !segment_.payload(at_, header, payload)) {
      result_.bad.push_back({at_, next, header.record_count});
    } else {
      const bool marks = header.kind == static_cast<std::uint8_t>(BlockKind::marks);
      if (at_ == kHeaderBytes && marks) result_.marks_intact = true;
      ++result_.blocks;
      result_.end = {.position = next,
                     .sequence = end_sequence(header),
                     .arrival_us = header.last_arrival_us,
                     .crc = header.crc};
      if (visit_) visit_(at_, header, payload);
    }
    result_.promised_end = std::max(result_.promised_end, header.synced_end);
    at_ = next;
    sequence_ = end_sequence(header);
    crc_ = header.crc;
    chained_ = true;
  }

  // Over bytes that are no block, to the next that is. False: there is none.
  bool jump() {
    std::uint64_t from = at_;
    BlockHeader header;
    while (const auto found = segment_.find_header(from, limit_, header)) {
      if (*found > at_ && header.first_sequence >= sequence_) {
        result_.bad.push_back({at_, *found, header.first_sequence - sequence_});
        at_ = *found;
        sequence_ = header.first_sequence;
        chained_ = false;
        return true;
      }
      from = *found + 8;  // older than what we have: left over from a failed write
    }
    result_.bad.push_back({at_, limit_, 0});
    return false;
  }

  SegmentReader& segment_;
  std::uint64_t limit_;
  Depth depth_;
  const VisitBlock& visit_;
  WalkResult result_;
  std::uint64_t at_ = 0;
  base::SequenceNumber sequence_ = 0;
  std::uint32_t crc_ = 0;
  bool chained_ = false;  // crc_ is that of the header before at_
};

}  // namespace

WalkResult walk(SegmentReader& segment, base::SequenceNumber first_sequence, std::uint64_t limit,
                Depth depth, const VisitBlock& visit) {
  segment.read_ahead(true);
  WalkResult result = Walker(segment, limit, depth, visit).run(first_sequence);
  segment.read_ahead(false);
  return result;
}

}  // namespace store
