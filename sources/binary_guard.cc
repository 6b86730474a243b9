#include "sources/binary_guard.h"

#include <algorithm>

namespace sources {
namespace {

bool is_control(char byte) {
  constexpr std::string_view kText = "\t\n\r\f\x1b";
  const auto value = static_cast<unsigned char>(byte);
  return (value < 0x20 || value == 0x7f) && kText.find(byte) == std::string_view::npos;
}

// NULs from `at` on that nobody wrote as text or data: blocks a crash has left empty, room that was
// made in advance. 0: too few for that.
std::size_t empty_bytes(std::string_view head, std::size_t at) {
  constexpr std::size_t kLeast = 16;
  const std::size_t end = std::min(head.find_first_not_of('\0', at), head.size());
  return end - at >= kLeast || end == head.size() ? end - at : 0;
}

}  // namespace

bool looks_binary(std::string_view head, const pipeline::Delimiter& delimiter) {
  head = head.substr(0, kBinaryHeadBytes);
  const std::string_view ends = delimiter.bytes();
  std::size_t bytes = 0;
  std::size_t controls = 0;
  for (std::size_t at = 0; at < head.size(); ++at) {
    if (head[at] == '\0') {
      at += empty_bytes(head, at);
      if (at == head.size()) break;
    }
    ++bytes;
    controls += is_control(head[at]) && ends.find(head[at]) == std::string_view::npos ? 1 : 0;
  }
  return bytes >= kBinaryLeastBytes && controls * 100 > bytes * kBinaryPercent;
}

}  // namespace sources
