// Delimiter: the bytes that end a line. A value; they lie inside it.
//
// Of delimiters that overlap, the first counts: "ABABAB" is one of "ABAB", and "AB". So what is
// said about a text holds only if a line begins where the text does.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"

namespace pipeline {

class Delimiter {
 public:
  static constexpr std::size_t kBytesMax = 16;

  // A newline; a CR before it is no part of the line.
  constexpr Delimiter() = default;
  explicit Delimiter(std::string_view bytes) : size_(static_cast<std::uint8_t>(bytes.size())) {
    ASSERT(!bytes.empty() && bytes.size() <= kBytesMax);
    std::ranges::copy(bytes, bytes_.begin());
  }

  std::string_view bytes() const { return {bytes_.data(), size_}; }
  std::size_t size() const { return size_; }
  char last() const { return bytes_[size_ - 1U]; }
  bool is_newline() const { return bytes() == "\n"; }
  // Then NULs are never what a hole reads as, but lines' ends.
  bool has_nul() const { return bytes().find('\0') != std::string_view::npos; }

  // Where the first one begins, or npos.
  std::size_t find(std::string_view text) const {
    return size_ == 1 ? text.find(bytes_[0]) : text.find(bytes());
  }
  // Where the last whole line of `text` ends, its delimiter included; 0: there is none.
  std::size_t last_end(std::string_view text) const {
    if (size_ == 1) return text.rfind(bytes_[0]) + 1;  // npos + 1 is 0
    std::size_t end = 0;
    for (std::size_t at = 0; (at = text.find(bytes(), end)) != std::string_view::npos;) {
      end = at + size_;
    }
    return end;
  }

  bool operator==(const Delimiter&) const = default;

 private:
  std::array<char, kBytesMax> bytes_{'\n'};
  std::uint8_t size_ = 1;
};

}  // namespace pipeline
