// RecordBlock: the records of one chunk as arrays, so that each step is one loop over one array.
//
// Owned by a Program's reactor and reused from chunk to chunk: after the first few chunks nothing
// here allocates. Views point into the chunk or into what the Program keeps until its next run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ids.h"
#include "pipeline/chunk.h"
#include "pipeline/column.h"

namespace pipeline {

// Why a line is not an ordinary record. Rejected records go to the dead-letter outlet.
enum class Reject : std::uint8_t { none, too_long };

struct RecordBlock {
  const Chunk* chunk = nullptr;
  Column<std::string_view> data;    // without the delimiter; readable kPaddingBytes past the end
  Column<std::uint64_t> offset;     // of the record's first byte in its source
  Column<std::string_view> key;     // empty array: all records have `shared_key`; padded like data
  std::string_view shared_key;      // empty: no record has a key (routed at random); padded
  Column<std::uint8_t> reject;      // empty array: none is rejected; else Reject, one per record
  Column<base::ShardNumber> shard;  // filled by Router::route
  bool one_shard = false;           // all of `shard` are equal and there is at least one
  std::uint64_t consumed = 0;       // bytes of the chunk the records cover, delimiters included

  void clear() {
    chunk = nullptr;
    data.clear();
    offset.clear();
    key.clear();
    shared_key = {};
    reject.clear();
    shard.clear();
    one_shard = false;
    consumed = 0;
  }
  std::size_t size() const { return data.size(); }
};

}  // namespace pipeline
