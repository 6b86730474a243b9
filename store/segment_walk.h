// walk(): goes through a segment's blocks in order, over damage too, and says exactly what is whole
// and what is not. Recovery, verify and readers that lost their way are built on it.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "store/block.h"
#include "store/segment_reader.h"

namespace store {

// Bytes of a segment that are no intact block.
struct BadRange {
  std::uint64_t begin = 0, end = 0;  // positions
  std::uint64_t records = 0;         // known to be in it: from its own header or its neighbours'
};

struct WalkResult {
  ChainEnd end;                    // after the last intact block
  std::uint64_t promised_end = 0;  // highest synced_end: everything before it was delivered
  std::uint64_t blocks = 0;        // intact ones
  bool marks_intact = false;       // the first block is an intact marks block
  std::vector<BadRange> bad;       // ascending; a bad tail is the last
};

enum class Depth : std::uint8_t { headers, payloads };

using VisitBlock = std::function<void(std::uint64_t position, const BlockHeader& header,
                                      std::string_view payload)>;

// `first_sequence`: from the file's name. Looks at bytes below `limit` only. `visit` may be empty;
// its payload is empty at Depth::headers.
WalkResult walk(SegmentReader& segment, base::SequenceNumber first_sequence, std::uint64_t limit,
                Depth depth, const VisitBlock& visit = {});

}  // namespace store
