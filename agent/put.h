// Put: records given by hand to a stream, and how they travel to a daemon that has it open.
//
// Request on the daemon's control socket (docs/OPERATING.md):
//   "put <stream> <records> <bytes>\n" then <bytes> of packed records (base/packed_record.h)
// Answer: one line per record "ok <shard> <sequence>\n", or one line "error <why>\n".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/packed_record.h"
#include "base/result.h"
#include "pipeline/shard_map.h"

namespace agent {

constexpr std::size_t kPutBytesMax = 16U << 20;       // of one request
constexpr std::size_t kPutRecordBytesMax = 1U << 20;  // key and data together, as the Kinesis API

struct PutRequest {
  std::string stream;
  std::uint32_t record_count = 0;
  std::string packed;
};

std::string encode(const PutRequest& request);
// ErrorCode::limit while `bytes` is not yet a whole request; ErrorCode::invalid: it never will be.
base::Result<PutRequest> decode_put(std::string_view bytes);

// The records of a request by shard: one run each, without origin (nothing to read again).
struct PutRuns {
  std::vector<std::string> run;  // per shard of the map; empty: no record
  struct Place {
    std::uint32_t shard;
    std::uint32_t index;  // within the shard's run
  };
  std::vector<Place> places;  // per record, in the request's order
};

// `random`: for records without a key. `arrival`: stamped on the runs.
base::Result<PutRuns> route_put(const PutRequest& request, const pipeline::ShardMap& map,
                                std::uint64_t random, base::Timestamp arrival);

// "ok <shard> <sequence>\n" per record. `first`: of each shard's run.
std::string answer_put(const PutRuns& runs, const std::vector<base::SequenceNumber>& first);

std::string control_socket_path(const std::string& data_dir);

}  // namespace agent
