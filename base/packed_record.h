// A record and its packed bytes: the unit every room agrees on, in memory and on disk.
//
//   run    := run_header packed_record*         all integers little-endian
//   run_header (32 bytes)                       packed_record
//     0 u64 origin       (0: none)                varint key_bytes << 1 | has_hash
//     8 u64 end_offset   in the source            varint data_bytes
//    16 i64 arrival_us   since the epoch          [16 bytes explicit hash key]
//    24 u32 record_count                          key, data
//    28 u32 bytes        of the packed records
//
// The Aggregator writes a run once; the store keeps those very bytes. docs/FORMAT.md has the worked
// example. An empty key means "no partition key": the record was routed at random.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "base/hash_key.h"
#include "base/ids.h"
#include "base/varint.h"

namespace base {

struct RunHeader {
  Origin origin = Origin::none;
  std::uint64_t end_offset = 0;  // everything of `origin` below this is in this run or earlier ones
  std::int64_t arrival_us = 0;
  std::uint32_t record_count = 0;
  std::uint32_t bytes = 0;  // packed records that follow, without this header
};
constexpr std::size_t kRunHeaderBytes = 32;
static_assert(sizeof(RunHeader) == kRunHeaderBytes);

struct Record {
  std::string_view key;
  std::string_view data;
  std::optional<HashKey> hash;  // explicit hash key, if the producer gave one
};

// Largest overhead of a packed record over its key and data, bytes.
constexpr std::size_t kPackedOverheadMax = 5 + 5 + 16;

// Bytes `record` takes when packed.
std::size_t packed_bytes(const Record& record);

// Writes `record` at `out`, which has room for packed_bytes(record). Returns the end of what it
// wrote.
char* pack(const Record& record, char* out);

// Reads one record at `at`. Returns the byte after it, or nullptr if [at, end) holds no whole
// record.
const char* unpack(const char* at, const char* end, Record& record);

}  // namespace base
