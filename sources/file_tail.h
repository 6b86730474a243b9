// FileTail: follows one file: its present generation, from an offset, on one reactor.
//
// Reads always begin kTailBytes before the offset, so every read proves that the file under it is
// still the one that was read; a shorter or different answer means it was truncated or refilled, and
// a new generation starts at 0 under a new origin (F03, F04). No bytes are held between reads: an
// unfinished last line stays in the file and is read again with its end, so an idle file costs this
// struct and no buffer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/metrics.h"
#include "io/environment.h"
#include "pipeline/intake.h"
#include "pipeline/pools.h"
#include "pipeline/source.h"
#include "sources/ack_window.h"
#include "sources/checkpoint.h"
#include "sources/checkpointer.h"

namespace sources {

struct FileTailCounters {  // one set per flow and reactor
  base::Counter bytes_read;             // of complete records, delimiters included
  base::Counter reads;
  base::Counter files_opened, files_closed, files_truncated, files_rotated, files_deleted;
  base::Counter read_errors;
  base::Counter bytes_lost_unread;      // gone before we could read them: known part only
  base::Counter files_open;             // gauge
};

// A file discovery found, on its way to the reactor that will follow it.
struct FoundFile {
  std::uint64_t number = 0;             // discovery's name for it, in hints and answers
  io::Handle handle = io::kNoHandle;    // open for reading; the receiver owns it
  Checkpoint checkpoint;                // where to start; origin none: draw one and register it
  std::vector<std::uint64_t> marks;     // per outlet, empty when there is nothing to skip
  bool rotated = false;                 // known under an older name: read to its end, then let it go
  std::vector<std::uint64_t> after;     // numbers of older generations of the same path: theirs first
};

}  // namespace sources
