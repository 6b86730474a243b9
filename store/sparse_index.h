// SparseIndex: where in a segment a sequence number or a time is, to within kStrideBytes. Written
// beside a segment when it is sealed (<name>.idx); may be deleted at any time: readers then hop
// from block to block.
//
//   index := u32 magic, u32 crc32c of the entries, u64 segment bytes covered, entry*
//   entry := u64 position, u64 first_sequence, i64 first_arrival_us       of a records block
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "store/format.h"

namespace store {

struct IndexEntry {
  std::uint64_t position = 0;
  std::uint64_t sequence = 0;
  std::int64_t arrival_us = 0;
};
static_assert(sizeof(IndexEntry) == 24);

class SparseIndex {
 public:
  static constexpr std::uint64_t kStrideBytes = 64U << 10;
  static constexpr std::uint32_t kMagic = 0x49535254;  // "TRSI"
  static constexpr std::size_t kHeadBytes = 16;

  void clear() { entries_.clear(); }
  // Blocks in order.
  void add(std::uint64_t position, const BlockHeader& header);
  // The last entry at or before which the record must be; nullptr: none, start at the first block.
  const IndexEntry* before_sequence(base::SequenceNumber sequence) const;
  // No record before the entry arrived at or after `arrival_us`.
  const IndexEntry* before_time(std::int64_t arrival_us) const;

  std::string encode(std::uint64_t segment_bytes) const;
  // False: not a whole index, or of another length of the segment; then it is empty.
  bool decode(std::string_view bytes, std::uint64_t segment_bytes_max);

 private:
  std::vector<IndexEntry> entries_;
};

}  // namespace store
