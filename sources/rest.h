// Rest: what is left of a followed file that has no descriptor. Its reactor makes it, discovery
// keeps it and opens the file again when it differs from this.
#pragma once

#include <cstdint>

#include "sources/checkpoint.h"

namespace sources {

struct Rest {
  Checkpoint checkpoint;         // where to go on; everything below is settled
  std::uint64_t size = 0;        // bytes on the disk, when its descriptor was closed
  std::int64_t modified_ns = 0;  // the same; since the epoch
  bool more = false;             // there was more to read
  bool failed = false;           // because it could not be read
};

}  // namespace sources
