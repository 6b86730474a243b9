// verify(): reads every block of every segment of a data directory and says exactly what is lost.
// Never waits, never locks; run repair only while nobody writes (hold the DataDir lock).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "io/environment.h"
#include "store/segment_walk.h"

namespace store {

struct SegmentReport {
  std::string path;
  std::uint64_t bytes = 0;            // of the file
  std::uint64_t blocks = 0;           // intact
  std::uint64_t records = 0;          // in them
  std::vector<BadRange> bad;          // promised and lost
  std::uint64_t torn_bytes = 0;       // at the end, promised to nobody
  std::uint64_t records_missing = 0;  // between the segment before and this one, or at the end
  bool end_missing = false;           // `path` is the shard's directory, records_missing its end
  bool header_damaged = false;
  bool unknown_version = false;
  bool repaired = false;
  bool sound() const {
    return bad.empty() && records_missing == 0 && !header_damaged && !unknown_version;
  }
};

struct VerifyTotals {
  std::uint64_t shards = 0, segments = 0, blocks = 0, records = 0, bytes = 0;
  std::uint64_t bad_ranges = 0, records_lost = 0, segments_repaired = 0;
};

enum class Repair : std::uint8_t {
  no,
  // A damaged segment is written anew from its intact blocks; the old file is kept as *.damaged.
  // Sequence numbers stay: what is lost stays a gap, which readers count once and do not trip over.
  yes,
};

// `report` gets every segment as it is done (for progress); damaged ones are not sound().
// Numbers below were delivered once, by stream and shard: what was noted of Shard::next_sequence().
using KnownNumbers = std::map<std::pair<std::string, std::uint32_t>, base::SequenceNumber>;

// `known`: read before the call. A shard that ends before its number is reported once more, with
// `records_missing` and the path of its directory.
base::Result<VerifyTotals> verify(const io::Environment& environment, const std::string& data_dir,
                                  Repair repair, const KnownNumbers& known,
                                  const std::function<void(const SegmentReport&)>& report);

}  // namespace store
