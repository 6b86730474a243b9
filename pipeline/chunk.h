// Chunk: bytes just read, and where they came from. A value; lives until Program::run returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ids.h"

namespace pipeline {

constexpr std::size_t kPaddingBytes =
    64;  // readable past a chunk's end: SIMD loads, SIMDJSON_PADDING

struct Chunk {
  std::string_view bytes{};  // readable kPaddingBytes past its end
  base::Origin origin = base::Origin::none;
  std::uint64_t offset = 0;  // of bytes[0] within the source, bytes
  base::Timestamp arrival{};
  bool last = false;   // no more will come: an unfinished last line is a line, a group is complete
  bool quiet = false;  // none came for a while: a group of whole lines is complete
};

}  // namespace pipeline
