// last_lines_offset: where the last N lines of a file begin, for `tail`.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "io/files.h"

namespace agent {

// Offset of the first byte of the last `lines` complete or incomplete lines. Reads backwards in
// blocks; looks at no more than kLastLinesBytesMax bytes.
base::Result<std::uint64_t> last_lines_offset(io::Files& files, io::Handle handle,
                                              std::uint64_t file_bytes, std::uint64_t lines);
constexpr std::uint64_t kLastLinesBytesMax = 16ULL << 20;

}  // namespace agent
