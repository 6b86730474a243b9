// Cursor: reads a shard's records in order, from this process or another, while its writer writes
// or not. Needs only the directory. Never writes, never locks.
//
// What it may return: records in blocks that are whole and check out. A block that is being written
// is not yet there; bytes that a failed sync made worthless (previous_end) are skipped.
//
// Blocking (Files::read_at); for the command line, tests and threads of their own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/packed_record.h"
#include "base/result.h"
#include "io/files.h"

namespace store {

struct StartAt {
  enum class Kind : std::uint8_t { trim_horizon, latest, at_sequence, after_sequence, at_time };
  Kind kind = Kind::trim_horizon;
  base::SequenceNumber sequence = 0;  // at_sequence, after_sequence
  base::Timestamp time{};             // at_time: first record that arrived at or after it
};

struct StoredRecord {
  base::SequenceNumber sequence = 0;
  base::Timestamp arrival{};
  base::Origin origin = base::Origin::none;
  base::Record record;  // views, valid until the next call of next()
};

struct CursorCounters {
  std::uint64_t records = 0;
  std::uint64_t corrupt_blocks = 0;   // skipped: bytes do not match their checksum
  std::uint64_t corrupt_records = 0;  // records known to be lost with them or with missing segments
};

class Cursor {
 public:
  // `directory`: the shard's. An empty or not yet existing shard is fine: next() finds nothing yet.
  static base::Result<Cursor> open(io::Files& files, const std::string& directory, StartAt start);
  ~Cursor();
  Cursor(Cursor&&) noexcept;
  Cursor& operator=(Cursor&&) noexcept;

  // The next record, or false: nothing more for now (call again later; new segments are found).
  // Damaged blocks are skipped and counted.
  base::Result<bool> next(StoredRecord& record);

  base::SequenceNumber sequence() const;  // of the next record
  const CursorCounters& counters() const;

 private:
  struct State;
  explicit Cursor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace store
