// StormLine: a line of the kill storm that says who wrote it and proves that it arrived whole.
//
//   <writer> <generation> <sequence> <crc32c of the rest, hex> <padding>
//
// Generation counts the writer's files, sequence its lines; both from 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace storm {

struct StormLine {
  std::uint32_t writer = 0;
  std::uint32_t generation = 0;
  std::uint64_t sequence = 0;

  bool operator==(const StormLine&) const = default;
};

// Appends the line and its newline. Padding differs from line to line, `padding_bytes` at most 256.
void append_line(const StormLine& line, std::size_t padding_bytes, std::string& out);

// Without newline. nullopt: not as it was written.
std::optional<StormLine> parse_line(std::string_view text);

}  // namespace storm
