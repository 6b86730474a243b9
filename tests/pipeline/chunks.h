// Chunks for tests: bytes on the heap with exactly the promised padding, so that a sanitizer sees
// one byte too many, and reference answers that are slow and obvious.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/chunk.h"
#include "pipeline/framer.h"
#include "pipeline/record_block.h"

namespace pipeline_test {

class PaddedBytes {
 public:
  // `padding`: what lies behind the bytes; newlines would be found by a scan that goes too far.
  explicit PaddedBytes(std::string_view text, char padding = '\n')
      : memory_(std::make_unique_for_overwrite<char[]>(text.size() + pipeline::kPaddingBytes)),
        size_(text.size()) {
    if (!text.empty()) std::memcpy(memory_.get(), text.data(), text.size());
    std::memset(memory_.get() + size_, padding, pipeline::kPaddingBytes);
  }
  std::string_view view() const { return {memory_.get(), size_}; }

 private:
  std::unique_ptr<char[]> memory_;
  std::size_t size_;
};

struct Line {
  std::string data;
  std::uint64_t offset = 0;
  bool rejected = false;

  bool operator==(const Line&) const = default;
};

inline std::vector<Line> lines_of(const pipeline::RecordBlock& block) {
  std::vector<Line> lines;
  for (std::size_t i = 0; i < block.size(); ++i) {
    lines.push_back({std::string(block.data[i]), block.offset[i],
                     !block.reject.empty() && block.reject[i] != 0});
  }
  return lines;
}

// What the framer's header says, byte by byte, for a whole source.
inline std::vector<Line> expected_lines(std::string_view source,
                                        const pipeline::FramerOptions& options) {
  std::vector<Line> lines;
  std::size_t begin = 0;
  while (begin < source.size()) {
    const std::string_view delimiter = options.delimiter.bytes();
    std::size_t newline = begin;
    while (newline < source.size() && !source.substr(newline).starts_with(delimiter)) ++newline;
    std::string_view line = source.substr(begin, newline - begin);
    const bool ended = newline < source.size() && delimiter == "\n";
    if (ended && line.ends_with('\r')) line.remove_suffix(1);
    std::uint64_t offset = begin;
    if (line.size() > options.line_bytes_max && options.long_lines != pipeline::LongLines::split) {
      lines.push_back({std::string(line.substr(0, options.line_bytes_max)), offset,
                       options.long_lines == pipeline::LongLines::reject});
    } else {
      while (line.size() > options.line_bytes_max) {
        lines.push_back({std::string(line.substr(0, options.line_bytes_max)), offset, false});
        line.remove_prefix(options.line_bytes_max);
        offset += options.line_bytes_max;
      }
      lines.push_back({std::string(line), offset, false});
    }
    begin = newline + delimiter.size();
  }
  return lines;
}

}  // namespace pipeline_test
