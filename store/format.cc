#include "store/format.h"

#include "base/crc32c.h"

namespace store {

void seal(SegmentHeader& header) {
  header.crc = base::crc32c(bytes_of(header).substr(0, offsetof(SegmentHeader, crc)));
}

void seal(BlockHeader& header) {
  header.crc = base::crc32c(bytes_of(header).substr(offsetof(BlockHeader, first_sequence)));
}

HeaderState check(const SegmentHeader& header) {
  if (header.magic != kSegmentMagic) return HeaderState::damaged;
  if (base::crc32c(bytes_of(header).substr(0, offsetof(SegmentHeader, crc))) != header.crc) {
    return HeaderState::damaged;
  }
  const bool known = header.version == kSegmentVersion && header.header_bytes == kHeaderBytes;
  return known ? HeaderState::good : HeaderState::unknown_version;
}

bool check(const BlockHeader& header, std::uint64_t position) {
  return header.magic == kBlockMagic && header.synced_end <= position &&
         base::crc32c(bytes_of(header).substr(offsetof(BlockHeader, first_sequence))) == header.crc;
}

}  // namespace store
