// What a reactor tells discovery of a file it follows.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "sources/checkpoint.h"

namespace sources {

// In whole seconds, for what is kept of every file.
using CoarseInstant =
    std::chrono::time_point<std::chrono::steady_clock, std::chrono::duration<std::int32_t>>;

// What is left of a followed file that has no descriptor. Its reactor makes it, discovery keeps it
// and opens the file again when it differs from this.
struct Rest {
  Checkpoint checkpoint;                  // where to go on; everything below is settled
  std::uint64_t size = 0;                 // bytes on the disk, when its descriptor was closed
  std::int64_t modified_ns = 0;           // the same; since the epoch
  bool more = false;                      // there was more to read
  bool failed = false;                    // because it could not be read
  CoarseInstant since{};                  // discovery's: it is as it is since then
  std::string former_key = {};            // as in FoundFile: it is still to be replaced
  std::vector<std::uint64_t> marks = {};  // … for whoever opens it again; empty: nothing to skip
};

// The answer to a question, and to all before it: the file was seen to be the one it was.
struct Verified {
  std::uint64_t number = 0;  // the file's
  std::uint64_t question = 0;
  base::Origin origin = base::Origin::none;  // of its present generation
  std::uint64_t offset = 0;                  // what is below is settled
  // There is nothing more to take before it changes: an unfinished line, or it is no text.
  bool exhausted = false;
};

}  // namespace sources
