// What a stream's user may choose about its shards.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/ids.h"

namespace store {

enum class Compression : std::uint8_t { none, lz4 };

// When is an append "delivered"? docs/FORMAT.md and docs/OPERATING.md say what each loses.
enum class SyncPolicy : std::uint8_t {
  flush,       // written and synced: power cut loses nothing delivered (default)
  interval,    // the same, but one sync every `sync_interval` covers all appends since the last
  os,          // written: survives our death, not the machine's
  on_request,  // as `os`, but synced when an append asks for it; keyed logs only
};

struct ShardOptions {
  Compression compression = Compression::lz4;
  SyncPolicy sync = SyncPolicy::flush;
  base::Duration sync_interval = std::chrono::milliseconds(500);
  std::uint64_t unsynced_bytes_max = 8ULL << 20;  // `interval`: sync earlier when this much waits
  std::uint64_t segment_bytes_max = 64ULL << 20;
  base::Duration segment_age_max = std::chrono::hours(1);
  base::Duration retention_age = std::chrono::hours(24);  // 0: for ever
  std::uint64_t retention_bytes = 0;                      // of one shard, stored; 0: no limit

  bool operator==(const ShardOptions&) const = default;
};

}  // namespace store
