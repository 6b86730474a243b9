// What is on disk: the two headers of segment files, their names and their checks. docs/FORMAT.md
// has the tables and a worked example; a test keeps it true.
//
//   segment := SegmentHeader block*
//   block   := BlockHeader payload zero_padding_to_8
//   payload := run* (records), mark* (marks) or nothing (settled); records maybe as one LZ4 block
//
// All integers little-endian; the structs below are the bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/hash_key.h"
#include "base/ids.h"

namespace store {

static_assert(std::endian::native == std::endian::little, "the headers are written as they lie");

constexpr std::uint32_t kSegmentMagic = 0x47535254;  // "TRSG"
constexpr std::uint32_t kBlockMagic = 0x4B425254;    // "TRBK"
constexpr std::uint16_t kSegmentVersion = 1;
constexpr std::size_t kHeaderBytes = 64;
constexpr std::uint64_t kNoSegment = std::numeric_limits<std::uint64_t>::max();

struct SegmentHeader {
  std::uint32_t magic = kSegmentMagic;
  std::uint16_t version = kSegmentVersion;
  std::uint16_t header_bytes = kHeaderBytes;
  std::uint64_t first_sequence = 0;  // of the first record that this segment may hold
  std::uint64_t previous_end = 0;    // how many bytes of the segment before count
  std::int64_t created_us = 0;       // since the epoch
  std::uint64_t stream_id_low = 0;
  std::uint64_t stream_id_high = 0;
  std::uint64_t previous_first = kNoSegment;  // first_sequence of the segment before
  std::uint32_t shard = 0;
  std::uint32_t crc = 0;  // CRC32C of bytes 0 … 59
};
static_assert(sizeof(SegmentHeader) == kHeaderBytes);

enum class BlockKind : std::uint8_t {
  records = 0,
  marks = 1,    // the shard's marks when the segment began; always its first block
  settled = 2,  // no payload: synced_end is this block's own position
};
enum class BlockCodec : std::uint8_t { none = 0, lz4 = 1 };

struct BlockHeader {
  std::uint32_t magic = kBlockMagic;
  std::uint32_t crc = 0;  // CRC32C of bytes 8 … 63
  std::uint64_t first_sequence = 0;
  std::uint32_t record_count = 0;
  std::uint8_t codec = 0;  // BlockCodec
  std::uint8_t kind = 0;   // BlockKind
  std::uint16_t reserved = 0;
  std::uint32_t stored_bytes = 0;     // payload without padding
  std::uint32_t raw_bytes = 0;        // payload before compression
  std::int64_t first_arrival_us = 0;  // clamped: never less than the block before
  std::int64_t last_arrival_us = 0;
  std::uint32_t payload_crc = 0;   // CRC32C of the stored payload
  std::uint32_t previous_crc = 0;  // `crc` of the header before; of the segment's, for the first
  std::uint64_t synced_end = 0;  // bytes of this segment that had been delivered when this was made
};
static_assert(sizeof(BlockHeader) == kHeaderBytes);

struct Mark {
  std::uint64_t origin = 0;
  std::uint64_t end_offset = 0;
};
static_assert(sizeof(Mark) == 16);

constexpr std::uint64_t padded(std::uint64_t bytes) { return (bytes + 7) & ~std::uint64_t{7}; }
constexpr std::uint64_t block_bytes(const BlockHeader& header) {
  return kHeaderBytes + padded(header.stored_bytes);
}
constexpr std::uint64_t end_sequence(const BlockHeader& header) {
  return header.first_sequence + header.record_count;
}
template <typename T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// Sets the checksum. The last thing that happens to a header.
void seal(SegmentHeader& header);
void seal(BlockHeader& header);

enum class HeaderState : std::uint8_t {
  good,
  damaged,          // the checksum does not match
  unknown_version,  // intact, but written by a newer version
};
HeaderState check(const SegmentHeader& header);

// Intact and possible at `position` of a segment file.
bool check(const BlockHeader& header, std::uint64_t position);

}  // namespace store
