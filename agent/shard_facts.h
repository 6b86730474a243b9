// ShardFacts: what a reader can say about a shard without its writer, while a daemon runs or not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "io/files.h"

namespace agent {

struct ShardFacts {
  base::SequenceNumber first = 0;         // oldest kept
  base::SequenceNumber next = 0;          // of the record that comes next
  std::uint64_t stored_bytes = 0;         // of all segments on disk
  std::optional<base::Timestamp> oldest;  // arrival of the first record; none: empty or damaged
  std::optional<base::Timestamp> newest;

  std::uint64_t records() const { return next - first; }
};

// `directory`: the shard's. One that is not there yet is an empty shard.
base::Result<ShardFacts> look_at_shard(io::Files& files, const std::string& directory);

}  // namespace agent
