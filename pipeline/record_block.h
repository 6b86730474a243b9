// RecordBlock: the records of one chunk as arrays, so that each step is one loop over one array.
//
// Owned by a Program's reactor and reused from chunk to chunk: after the first few chunks nothing here
// allocates. Views point into the chunk or into `scratch`.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "pipeline/chunk.h"

namespace pipeline {

// Why a line is not an ordinary record. Rejected records go to the dead-letter outlet.
enum class Reject : std::uint8_t { none, too_long };

struct RecordBlock {
  const Chunk* chunk = nullptr;
  std::vector<std::string_view> data;    // without the delimiter
  std::vector<std::uint64_t> offset;     // of the record's first byte in its source
  std::vector<std::string_view> key;     // empty array: no record has a key (routed at random)
  std::vector<std::uint8_t> reject;      // empty array: none is rejected; else Reject, one per record
  std::vector<base::ShardNumber> shard;  // filled by Router::route
  std::uint64_t consumed = 0;            // bytes of the chunk the records cover, delimiters included

  void clear() {
    chunk = nullptr;
    data.clear();
    offset.clear();
    key.clear();
    reject.clear();
    shard.clear();
    consumed = 0;
  }
  std::size_t size() const { return data.size(); }
};

}  // namespace pipeline
