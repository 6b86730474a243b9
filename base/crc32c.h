// CRC32C (Castagnoli, reflected polynomial 0x82F63B78), as RFC 3720 B.4 defines it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace base {

// Continues `crc` (0 to start) over `bytes`: crc32c(b, crc32c(a)) == crc32c(a followed by b).
// Uses the machine's instruction where there is one, three streams interleaved; chosen at start-up.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

// The plain table version, for tests and for machines without the instruction.
std::uint32_t crc32c_plain(std::string_view bytes, std::uint32_t crc = 0);

struct Crc32cVariant {
  const char* name;  // "sse4.2", "plain", …
  std::uint32_t (*compute)(std::string_view bytes, std::uint32_t crc);
};
// Those this machine can run, the best first; the last is the plain one.
std::span<const Crc32cVariant> crc32c_variants();

}  // namespace base
