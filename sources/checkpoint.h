// Checkpoint: how far one generation of one file is safe, as it is written down.
//
// A generation is the life of a file's content between truncations. Its origin is drawn at random and
// its checkpoint is durable before its first record is delivered; a checkpoint may be old, it is never
// ahead of what the shards hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "sources/file_identity.h"

namespace sources {

struct Checkpoint {
  std::string flow;
  FileIdentity identity;
  std::string path;               // last known, bytes
  base::Origin origin = base::Origin::none;
  std::uint64_t flow_fingerprint = 0;  // program and shard map; a change starts a new origin
  std::uint32_t generation = 0;
  std::uint64_t offset = 0;       // watermark: everything below is safe
  std::uint32_t tail_bytes = 0;   // how many bytes before `offset` tail_hash covers
  std::uint64_t tail_hash = 0;
  std::int64_t seen_us = 0;       // wall clock when written, for forgetting files long gone

  bool operator==(const Checkpoint&) const = default;
};

// The key in `_checkpoints`: flow and identity, so one file has one entry per flow.
std::string checkpoint_key(std::string_view flow, const FileIdentity& identity);
std::string encode(const Checkpoint& checkpoint);
// nullopt: not a checkpoint, or a newer version's.
std::optional<Checkpoint> decode_checkpoint(std::string_view key, std::string_view value);

}  // namespace sources
