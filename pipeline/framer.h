// Framer: bytes → lines. Pure: the same bytes always give the same lines, wherever reads cut them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipeline/record_block.h"

namespace pipeline {

// What to do with a line longer than `line_bytes_max`.
enum class LongLines : std::uint8_t {
  split,     // pieces of line_bytes_max bytes, each a record: nothing is lost (default)
  truncate,  // the first line_bytes_max bytes; the rest is counted as dropped
  reject,    // the first line_bytes_max bytes go to the dead letters, the rest is counted
};

struct FramerOptions {
  std::size_t line_bytes_max = std::size_t{1} << 20;  // 1 MiB, without the newline
  LongLines long_lines = LongLines::split;
};

struct FramerCounters {  // per chunk, added up by the caller
  std::uint64_t lines_split = 0;       // pieces made of too long lines, beyond the first
  std::uint64_t lines_truncated = 0;
  std::uint64_t lines_rejected = 0;
  std::uint64_t bytes_truncated = 0;   // cut away
};

// Newline framing: a line ends at LF; one CR before it is stripped. Empty lines are records too.
class NewlineFramer {
 public:
  explicit NewlineFramer(FramerOptions options) : options_(options) {}

  // Fills block.data, .offset, .reject (only when something is rejected) and .consumed from `chunk`.
  // What follows the last complete line is not consumed; it is offered again, longer.
  //
  // `chunk.last`: the unfinished rest is a line.
  // A rest longer than line_bytes_max: with `split` its leading pieces are consumed at once; with the
  // other policies it stays until its newline is in view: the caller scans ahead with find_newline()
  // and uses take_long_line(), so that an endless line costs no memory.
  void split(const Chunk& chunk, RecordBlock& block, FramerCounters& counters) const;

  // The one record of a line too long to be held: `chunk.bytes` is its first line_bytes_max bytes (or
  // more), `line_bytes` its whole length without the newline. Consumed: line_bytes + 1.
  void take_long_line(const Chunk& chunk, std::uint64_t line_bytes, RecordBlock& block,
                      FramerCounters& counters) const;

  const FramerOptions& options() const { return options_; }

 private:
  FramerOptions options_;
};

// Position of the first newline in `bytes`, or npos.
std::size_t find_newline(std::string_view bytes);

}  // namespace pipeline
