// NewlineScan: where newlines are, or other bytes that end lines, found with the widest
// instructions the machine has.
//
// Pure. The variants give the same answer; the tests run each the machine can run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pipeline {

struct NewlineScan {
  const char* name;  // "avx2", "plain", …
  // Writes the positions of `wanted` in bytes[begin, end) to `out`, ascending, and returns the
  // end of what it wrote. Reads up to kReadAheadBytes past `end`; writes up to kWriteAhead values
  // past what it returns. `end - begin` at most kPieceBytes.
  std::uint32_t* (*find)(const char* bytes, std::uint32_t begin, std::uint32_t end, char wanted,
                         std::uint32_t* out);

  static constexpr std::uint32_t kPieceBytes = 8192;  // with its positions it stays in the L1 cache
  static constexpr std::size_t kReadAheadBytes = 63;
  static constexpr std::size_t kWriteAhead = 1;
};

// Those this machine can run, the best first; the last is the plain one.
std::span<const NewlineScan> newline_scans();

}  // namespace pipeline
