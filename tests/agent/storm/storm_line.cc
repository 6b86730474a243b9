#include "tests/agent/storm/storm_line.h"

#include <charconv>
#include <cstdio>

#include "base/crc32c.h"

namespace storm {

namespace {

std::uint32_t checksum(const StormLine& line, std::string_view padding) {
  const std::uint64_t numbers[] = {line.writer, line.generation, line.sequence};
  return base::crc32c(padding,
                      base::crc32c({reinterpret_cast<const char*>(numbers), sizeof(numbers)}));
}

template <typename Number>
bool take_number(std::string_view& text, Number& number, int radix) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, radix);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ') return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

}  // namespace

void append_line(const StormLine& line, std::size_t padding_bytes, std::string& out) {
  char padding[256];
  for (std::size_t i = 0; i < padding_bytes; ++i) {
    padding[i] = static_cast<char>('a' + (line.sequence * 7 + line.writer + i) % 26);
  }
  const std::string_view rest(padding, padding_bytes);
  char head[80];
  const int bytes =
      std::snprintf(head, sizeof(head), "%u %u %llu %08x ", line.writer, line.generation,
                    static_cast<unsigned long long>(line.sequence), checksum(line, rest));
  out.append(head, static_cast<std::size_t>(bytes)).append(rest) += '\n';
}

std::optional<StormLine> parse_line(std::string_view text) {
  StormLine line;
  std::uint32_t crc = 0;
  if (!take_number(text, line.writer, 10) || !take_number(text, line.generation, 10) ||
      !take_number(text, line.sequence, 10) || !take_number(text, crc, 16)) {
    return std::nullopt;
  }
  if (crc != checksum(line, text)) return std::nullopt;
  return line;
}

}  // namespace storm
