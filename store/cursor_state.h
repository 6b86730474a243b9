// Cursor::State: where a reader is. Private to cursor.cc and cursor_seek.cc.
//
// In a sealed segment (there is a later one) what is not a whole block is damage: skipped and
// counted. At the end of the last segment it may be a block that is just being written, so it is
// damage only if a later block says that all before it had been delivered.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/cursor.h"
#include "store/run_reader.h"
#include "store/segment_reader.h"

namespace store {

struct Cursor::State {
  State(io::Files& its_files, std::string its_directory)
      : files(its_files), directory(std::move(its_directory)) {}

  io::Files& files;
  const std::string directory;
  CursorCounters counters;

  base::SequenceNumber next = 0;  // of the next record to give
  std::int64_t skip_before_us = std::numeric_limits<std::int64_t>::min();  // at_time
  bool started = false;  // a gap before the first record read is not a loss

  std::optional<SegmentReader> segment;
  SegmentId id;
  std::uint64_t position = 0;  // of the next block
  bool chained = false;        // `crc` is that of the header before `position`
  std::uint32_t crc = 0;
  std::optional<SegmentId> successor;  // the segment is sealed, by this one
  std::uint64_t limit = 0;             // bytes of the segment that count
  bool limit_known = false;            // … as `successor` says, and they are there
  std::uint64_t tried_size = 0;        // the live end was looked at closely at this size

  RunReader records;
  bool in_block = false;

  // cursor.cc
  base::Result<bool> load_block();
  enum class Step : std::uint8_t { block, again, nothing };
  base::Result<Step> step();
  Step take(const BlockHeader& header);
  base::Result<Step> leave();
  Step step_over_damage();
  Step look_closely();
  void note_gap(base::SequenceNumber first);

  // cursor_seek.cc
  base::Result<void> start_at(const StartAt& start);
  base::Result<bool> enter_segment_of(base::SequenceNumber sequence);
  base::Result<std::optional<SegmentId>> choose(const std::vector<SegmentId>& ids,
                                                base::SequenceNumber sequence) const;
  base::Result<void> enter(SegmentId segment_id);
  base::Result<void> find_successor();
  void hop();
  base::Result<void> start_at_latest();
  base::Result<void> start_at_time(std::int64_t arrival_us);
  base::Result<bool> ready(SegmentId segment_id, std::optional<SegmentReader>& reader) const;
};

}  // namespace store
