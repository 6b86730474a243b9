// Unsigned LEB128, at most 5 bytes for 32 bits: seven bits a byte, low bits first, high bit = more.
#pragma once

#include <cstddef>
#include <cstdint>

namespace base {

constexpr std::size_t varint_bytes(std::uint32_t value) {
  return value < (1U << 7)    ? 1
         : value < (1U << 14) ? 2
         : value < (1U << 21) ? 3
         : value < (1U << 28) ? 4
                              : 5;
}

// Returns the byte after what it wrote.
inline char* write_varint(char* out, std::uint32_t value) {
  while (value >= 0x80U) {
    *out++ = static_cast<char>(value | 0x80U);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

// Returns the byte after the varint, or nullptr if [at, end) holds none that fits 32 bits.
inline const char* read_varint(const char* at, const char* end, std::uint32_t& value) {
  std::uint64_t result = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (at == end) return nullptr;
    const auto byte = static_cast<unsigned char>(*at++);
    result |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if ((byte & 0x80U) == 0) {
      if (result > UINT32_MAX) return nullptr;
      value = static_cast<std::uint32_t>(result);
      return at;
    }
  }
  return nullptr;
}

}  // namespace base
