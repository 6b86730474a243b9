#include "pipeline/framer.h"

#include <algorithm>

#include "base/assert.h"

namespace pipeline {

// What split() fills, with the chunk it fills it from.
struct NewlineFramer::Output {
  const Chunk& chunk;
  RecordBlock& block;
  FramerCounters& counters;

  const char* bytes() const { return chunk.bytes.data(); }
  void add(std::size_t begin, std::size_t length, Reject reject) {
    block.data.emplace_back(bytes() + begin, length);
    block.offset.push_back(chunk.offset + begin);
    if (reject != Reject::none || !block.reject.empty()) {
      const std::size_t before = block.reject.size();
      block.reject.resize(block.data.size());
      std::fill(block.reject.begin() + static_cast<std::ptrdiff_t>(before), block.reject.end(),
                static_cast<std::uint8_t>(Reject::none));
      block.reject.back() = static_cast<std::uint8_t>(reject);
    }
  }
};

NewlineFramer::NewlineFramer(FramerOptions options, const NewlineScan& scan)
    : options_(options), scan_(&scan), newlines_(options.delimiter.is_newline()) {
  ASSERT(options_.line_bytes_max > 0);
}

void NewlineFramer::split(const Chunk& chunk, RecordBlock& block, FramerCounters& counters) const {
  ASSERT(chunk.bytes.size() < UINT32_MAX - NewlineScan::kPieceBytes);
  static_assert(NewlineScan::kReadAheadBytes <= kPaddingBytes);
  block.clear();
  block.chunk = &chunk;
  Output output{chunk, block, counters};
  std::uint32_t newlines[NewlineScan::kPieceBytes + NewlineScan::kWriteAhead];
  const auto end = static_cast<std::uint32_t>(chunk.bytes.size());
  std::size_t line = 0;
  for (std::uint32_t at = 0; at < end; at += NewlineScan::kPieceBytes) {
    const std::uint32_t piece_end = std::min(end, at + NewlineScan::kPieceBytes);
    const std::uint32_t* found =
        scan_->find(chunk.bytes.data(), at, piece_end, options_.delimiter.last(), newlines);
    const auto count = static_cast<std::size_t>(found - newlines);
    line = newlines_ ? add_lines(output, line, newlines, count)
                     : add_delimited(output, line, newlines, count);
  }
  block.consumed = line;
  if (line < chunk.bytes.size()) add_unfinished(output, line);
  if (!block.reject.empty()) block.reject.resize(block.size());
}

std::size_t NewlineFramer::add_lines(Output& output, std::size_t begin,
                                     const std::uint32_t* newlines, std::size_t count) const {
  if (count == 0) return begin;
  RecordBlock& block = output.block;
  if (!block.reject.empty()) return add_lines_one_by_one(output, begin, newlines, count);
  const std::size_t before = block.data.size();
  block.data.resize(before + count);
  block.offset.resize(before + count);
  std::string_view* data = block.data.data() + before;
  std::uint64_t* offset = block.offset.data() + before;
  const char* bytes = output.bytes();
  std::size_t longest = 0;
  std::size_t line = begin;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t newline = newlines[i];
    // The byte before an empty line's newline is no part of it; at 0 there is none to look at.
    const bool strip = newline != line && bytes[newline - 1] == '\r';
    const std::size_t length = newline - line - (strip ? 1 : 0);
    data[i] = {bytes + line, length};
    offset[i] = output.chunk.offset + line;
    longest = std::max(longest, length);
    line = newline + 1;
  }
  if (longest <= options_.line_bytes_max) [[likely]]
    return line;
  block.data.resize(before);
  block.offset.resize(before);
  return add_lines_one_by_one(output, begin, newlines, count);
}

std::size_t NewlineFramer::add_lines_one_by_one(Output& output, std::size_t begin,
                                                const std::uint32_t* newlines,
                                                std::size_t count) const {
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t raw_bytes = newlines[i] - begin;
    const bool strip = raw_bytes != 0 && output.bytes()[newlines[i] - 1] == '\r';
    add_line(output, begin, raw_bytes - (strip ? 1 : 0), raw_bytes);
    begin = std::size_t{newlines[i]} + 1;
  }
  return begin;
}

// A delimiter cannot begin before the line it ends.
std::size_t NewlineFramer::add_delimited(Output& output, std::size_t begin,
                                         const std::uint32_t* candidates, std::size_t count) const {
  const std::string_view delimiter = options_.delimiter.bytes();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = std::size_t{candidates[i]} + 1;
    if (end < begin + delimiter.size()) continue;
    const std::size_t line_end = end - delimiter.size();
    if (output.chunk.bytes.substr(line_end, delimiter.size()) != delimiter) continue;
    add_line(output, begin, line_end - begin, line_end - begin);
    begin = end;
  }
  return begin;
}

void NewlineFramer::add_line(Output& output, std::size_t begin, std::size_t bytes,
                             std::size_t raw_bytes) const {
  const std::size_t bytes_max = options_.line_bytes_max;
  if (bytes <= bytes_max) return output.add(begin, bytes, Reject::none);
  switch (options_.long_lines) {
    case LongLines::split:
      for (; bytes > bytes_max; begin += bytes_max, bytes -= bytes_max) {
        output.add(begin, bytes_max, Reject::none);
        ++output.counters.lines_split;
      }
      output.add(begin, bytes, Reject::none);
      return;
    case LongLines::truncate:
      output.add(begin, bytes_max, Reject::none);
      ++output.counters.lines_truncated;
      break;
    case LongLines::reject:
      output.add(begin, bytes_max, Reject::too_long);
      ++output.counters.lines_rejected;
      break;
  }
  output.counters.bytes_truncated += raw_bytes - bytes_max;
}

void NewlineFramer::add_unfinished(Output& output, std::size_t begin) const {
  const std::string_view rest = output.chunk.bytes.substr(begin);
  if (output.chunk.last) {
    add_line(output, begin, rest.size(), rest.size());
    output.block.consumed = output.chunk.bytes.size();
    return;
  }
  if (options_.long_lines != LongLines::split) return;
  // The newline may come next, and would strip a CR at the end, or the delimiter's last byte may:
  // only what is more than line_bytes_max without them makes a first piece certain, and leaves
  // something for the next one.
  const std::size_t doubtful =
      newlines_ ? (rest.ends_with('\r') ? 1 : 0) : options_.delimiter.size() - 1;
  std::size_t certain = rest.size() - std::min(rest.size(), doubtful);
  for (; certain > options_.line_bytes_max; certain -= options_.line_bytes_max) {
    output.add(begin, options_.line_bytes_max, Reject::none);
    ++output.counters.lines_split;
    begin += options_.line_bytes_max;
  }
  output.block.consumed = begin;
}

void NewlineFramer::take_long_line(const Chunk& chunk, std::uint64_t line_bytes, RecordBlock& block,
                                   FramerCounters& counters) const {
  ASSERT(options_.long_lines != LongLines::split);
  ASSERT(chunk.bytes.size() >= std::min<std::uint64_t>(line_bytes, options_.line_bytes_max));
  block.clear();
  block.chunk = &chunk;
  Output output{chunk, block, counters};
  // A CR that makes a line of exactly the limit look too long is seen if the chunk holds all of it.
  const bool strip = newlines_ && !chunk.last && line_bytes != 0 &&
                     line_bytes <= chunk.bytes.size() && chunk.bytes[line_bytes - 1] == '\r';
  add_line(output, 0, line_bytes - (strip ? 1 : 0), line_bytes);
  block.consumed = line_bytes + (chunk.last ? 0 : options_.delimiter.size());
}

}  // namespace pipeline
