// UTF-16 → UTF-8, a piece at a time. Pure: it begins at any character and remembers nothing, so
// that pieces may be cut, and read again, wherever reads end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sources {

// How a flow's files are encoded. Records are always UTF-8.
enum class Encoding : std::uint8_t {
  utf8,     // bytes are kept as they are, whatever they are
  utf16le,  // little-endian
  utf16be,  // big-endian
  utf16,    // as its byte order mark says; without one little-endian, as Windows writes it
};

enum class ByteOrder : std::uint8_t { little, big };

struct Transcoded {
  std::size_t taken = 0;     // bytes of the input, from its beginning: whole characters
  std::size_t given = 0;     // bytes of the output
  std::size_t replaced = 0;  // halves of pairs without the other half, each now U+FFFD
};

// Takes characters as long as they are whole and there is room for them. What is left of `in` is
// fewer than four bytes, the beginning of a character, or a character for which there is no room.
// A byte order mark is a character like others.
Transcoded utf16_to_utf8(std::string_view in, ByteOrder order, std::span<char> out);

}  // namespace sources
