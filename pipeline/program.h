// Program: a flow's framer and stages, in order: Chunk → RecordBlock with data, offsets and keys.
// One per flow and reactor; pure computation, no I/O, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/metrics.h"
#include "pipeline/framer.h"
#include "pipeline/key_reader.h"
#include "pipeline/line_groups.h"
#include "pipeline/partition_key.h"
#include "pipeline/record_block.h"

namespace pipeline {

// What to do with records without a byte. A line of nothing but CR LF is one.
enum class EmptyLines : std::uint8_t {
  keep,  // they are records like others (default)
  skip,  // they are counted and left out
};

struct ProgramOptions {
  FramerOptions framer;
  PartitionKey partition_key;
  GroupOptions groups{};
  EmptyLines empty_lines = EmptyLines::keep;

  bool operator==(const ProgramOptions&) const = default;
};

struct ProgramCounters {
  base::Counter records;  // lines, or groups of them
  base::Counter bytes;    // consumed, delimiters included
  base::Counter lines_split;
  base::Counter lines_truncated;
  base::Counter lines_rejected;
  base::Counter bytes_truncated;      // dropped{reason="truncated"}
  base::Counter lines_skipped_empty;  // lines_skipped{reason="empty"}
  base::Counter lines_grouped;        // beyond the first of each record
  base::Counter groups_cut;           // ended by max_lines or max_bytes
  base::Counter keys_missing;         // records whose key field was missing or that are not JSON
};

class Program {
 public:
  explicit Program(ProgramOptions options);

  // Frames `chunk` and fills keys. `block` is cleared first; its views live as long as the chunk
  // and until the next run.
  void run(const Chunk& chunk, RecordBlock& block);
  // See NewlineFramer::take_long_line.
  void run_long_line(const Chunk& chunk, std::uint64_t line_bytes, RecordBlock& block);

  const FramerOptions& framer_options() const { return framer_.options(); }
  // nullptr: a line is a record.
  const GroupOptions* group_options() const { return groups_ ? &groups_->options() : nullptr; }
  const ProgramCounters& counters() const { return counters_; }

 private:
  void leave_out_empty(RecordBlock& block);
  void fill_keys(RecordBlock& block);
  void count(const RecordBlock& block, const FramerCounters& framer);

  NewlineFramer framer_;
  std::optional<LineGroups> groups_;
  EmptyLines empty_lines_;
  std::string shared_key_;               // with padding behind it
  std::size_t shared_key_bytes_ = 0;     // without
  std::optional<KeyReader> key_reader_;  // if the key is a field's value
  ProgramCounters counters_;
};

}  // namespace pipeline
