// CRC32C (Castagnoli, reflected polynomial 0x82F63B78), as RFC 3720 B.4 defines it.
#pragma once

#include <cstdint>
#include <string_view>

namespace base {

// Continues `crc` (0 to start) over `bytes`: crc32c(b, crc32c(a)) == crc32c(a followed by b).
// Uses the machine's instruction where there is one, three streams interleaved; chosen at start-up.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

// The plain table version, for tests and for machines without the instruction.
std::uint32_t crc32c_plain(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace base
