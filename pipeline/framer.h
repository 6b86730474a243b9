// Framer: bytes → lines. Pure: the same bytes always give the same lines, wherever reads cut them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipeline/delimiter.h"
#include "pipeline/newline_scan.h"
#include "pipeline/record_block.h"

namespace pipeline {

// What to do with a line longer than `line_bytes_max`.
enum class LongLines : std::uint8_t {
  split,     // pieces of line_bytes_max bytes, each a record: nothing is lost (default)
  truncate,  // the first line_bytes_max bytes; the rest is counted as dropped
  reject,    // the first line_bytes_max bytes go to the dead letters, the rest is counted
};

struct FramerOptions {
  std::size_t line_bytes_max = std::size_t{1} << 20;  // 1 MiB, without CR and LF; at least 1
  LongLines long_lines = LongLines::split;
  Delimiter delimiter{};

  // So many bytes in view from a line's beginning, and it is certain whether it is too long: behind
  // the longest that is not, CR LF or the delimiter.
  std::size_t certain_bytes() const { return line_bytes_max + 1 + delimiter.size(); }

  bool operator==(const FramerOptions&) const = default;
};

struct FramerCounters {           // per chunk, added up by the caller
  std::uint64_t lines_split = 0;  // pieces made of too long lines, beyond the first of each call
  std::uint64_t lines_truncated = 0;
  std::uint64_t lines_rejected = 0;
  std::uint64_t bytes_truncated = 0;  // cut away, without the newline
};

// Newline framing: a line ends at LF; one CR before it is stripped. Empty lines are records too.
// What follows the last LF of a source that has ended is a line as it stands, a CR at its end
// included. With another delimiter the same, without the CR.
class NewlineFramer {
 public:
  // `scan`: one of newline_scans().
  explicit NewlineFramer(FramerOptions options, const NewlineScan& scan = newline_scans().front());

  // Fills block.data, .offset, .reject (only when something is rejected) and .consumed from
  // `chunk`. What follows the last complete line is not consumed; it is offered again, longer.
  //
  // `chunk.last`: the unfinished rest is a line.
  // A rest longer than line_bytes_max: with `split` its leading pieces are consumed as soon as it
  // is certain that something follows them, for which certain_bytes() in view always suffice;
  // reading on from the end of a piece gives the same further pieces. With the other policies the
  // rest stays until its newline is in view: the caller scans ahead for it and uses
  // take_long_line(), so that an endless line costs no memory.
  void split(const Chunk& chunk, RecordBlock& block, FramerCounters& counters) const;

  // The one record of a line too long to be held, not for `split`: `chunk.bytes` is its first
  // line_bytes_max bytes (or more), `line_bytes` its whole length without the newline. Consumed:
  // line_bytes and the delimiter; with `chunk.last`, when none ends it, line_bytes.
  void take_long_line(const Chunk& chunk, std::uint64_t line_bytes, RecordBlock& block,
                      FramerCounters& counters) const;

  const FramerOptions& options() const { return options_; }

 private:
  struct Output;
  // Both take the lines between `begin` and the given newlines and return where the next line
  // begins.
  std::size_t add_lines(Output& output, std::size_t begin, const std::uint32_t* newlines,
                        std::size_t count) const;
  std::size_t add_lines_one_by_one(Output& output, std::size_t begin, const std::uint32_t* newlines,
                                   std::size_t count) const;
  // The same for delimiters that are no newlines, given the places of their last bytes.
  std::size_t add_delimited(Output& output, std::size_t begin, const std::uint32_t* candidates,
                            std::size_t count) const;
  // The line of `bytes` bytes at `begin`, `raw_bytes` with its CR.
  void add_line(Output& output, std::size_t begin, std::size_t bytes, std::size_t raw_bytes) const;
  void add_unfinished(Output& output, std::size_t begin) const;

  FramerOptions options_;
  const NewlineScan* scan_;
  bool newlines_;  // the delimiter is one
};

}  // namespace pipeline
