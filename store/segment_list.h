// The segment files of a shard's directory, in order, by their names alone.
//
//   00000000000000000042.seg     first sequence number, 20 digits
//   00000000000000000042-1.seg   the same again: a failed sync made the one before worthless before
//                                any of its records was delivered. The highest number counts that
//                                has an intact block.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "io/files.h"

namespace store {

struct SegmentId {
  base::SequenceNumber first_sequence = 0;
  std::uint32_t generation = 0;
  auto operator<=>(const SegmentId&) const = default;
};

std::string segment_path(const std::string& directory, SegmentId id);
bool parse_segment_name(std::string_view name, SegmentId& id);

// Ascending. A directory that is not there has none.
base::Result<std::vector<SegmentId>> list_segments(io::Files& files, const std::string& directory);

}  // namespace store
