// UTF-16 test data, made the slow and obvious way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sources/utf16.h"

namespace utf16 {

inline std::string unit(std::uint32_t value, sources::ByteOrder order) {
  const char low = static_cast<char>(value & 0xffU);
  const char high = static_cast<char>(value >> 8 & 0xffU);
  return order == sources::ByteOrder::little ? std::string{low, high} : std::string{high, low};
}

inline std::string character(std::uint32_t value, sources::ByteOrder order) {
  if (value < 0x10000) return unit(value, order);
  value -= 0x10000;
  return unit(0xd800 + (value >> 10), order) + unit(0xdc00 + (value & 0x3ffU), order);
}

inline std::string utf8(std::uint32_t value) {
  const auto tail = [value](int shift) {
    return static_cast<char>(0x80U | (value >> shift & 0x3fU));
  };
  if (value < 0x80) return {static_cast<char>(value)};
  if (value < 0x800) return {static_cast<char>(0xc0U | value >> 6), tail(0)};
  if (value < 0x10000) return {static_cast<char>(0xe0U | value >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0U | value >> 18), tail(12), tail(6), tail(0)};
}

// Valid UTF-8 → UTF-16, without a byte order mark.
inline std::string encode(std::string_view text,
                          sources::ByteOrder order = sources::ByteOrder::little) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    std::uint32_t value = bytes == 1 ? first : first & (0x7fU >> bytes);
    for (std::size_t j = 1; j < bytes; ++j) {
      value = value << 6 | (static_cast<unsigned char>(text[i + j]) & 0x3fU);
    }
    out += character(value, order);
    i += bytes;
  }
  return out;
}

inline std::string mark(sources::ByteOrder order) { return unit(0xfeff, order); }

}  // namespace utf16
