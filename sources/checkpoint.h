// Checkpoint: how far one generation of one file is safe, as it is written down.
//
// A generation is the life of a file's content between truncations. Its origin is drawn at random
// and its checkpoint is durable before its first record is delivered; a checkpoint may be old, it
// is never ahead of what the shards hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "sources/file_identity.h"
#include "sources/link_target.h"

namespace sources {

// A place in a transcoded file where both offsets are known.
struct TextPoint {
  std::uint64_t offset = 0;  // of the text in UTF-8
  std::uint64_t raw = 0;     // of the file

  bool operator==(const TextPoint&) const = default;
};

// A place before the watermark where a line ended.
struct LineEnd {
  std::uint64_t offset = 0;
  std::uint64_t hash = 0;  // tail_hash of the bytes before, kTailBytes or all there are

  bool operator==(const LineEnd&) const = default;
};
constexpr std::size_t kLineEndsMax = 256;  // that are remembered of a generation that ended
// … of one that goes on, in the log; of all in one write.
constexpr std::size_t kNotedLineEndsMax = 64;
constexpr std::size_t kNotedLineEndsInWrite = 8192;

// `before` and behind them `later`, the last `most`; what a note of `offset` cannot say is left
// out.
std::vector<LineEnd> joined(const std::vector<LineEnd>& before, const std::vector<LineEnd>& later,
                            std::uint64_t offset, std::size_t most);

struct Checkpoint {
  std::string flow;
  FileIdentity identity;
  std::string path;        // last known, bytes
  LinkTarget target = {};  // where it lay, when `path` led there by a link
  base::Origin origin = base::Origin::none;
  std::uint64_t flow_fingerprint = 0;  // program and shard map; a change starts a new origin
  std::uint32_t generation = 0;
  std::uint64_t offset = 0;  // watermark: everything below is safe
  // What tail_hash covers: so many bytes before `offset`, at most kTailBytes; at offset 0 so many
  // of the file's first bytes, at most kHeadBytes, as they were when the origin was registered. The
  // first that is no NUL is the first: what is before a log's text is like any other's.
  // Without that, a file emptied and refilled before its first watermark was written would pass for
  // the one the shards' marks speak of. 0: nothing to compare.
  std::uint32_t tail_bytes = 0;
  std::uint64_t tail_hash = 0;
  // Wall clock when written, for forgetting files long gone; but of two checkpoints of one file the
  // later one has more, whatever the clock did, so that its generations have an order.
  std::int64_t seen_us = 0;
  // A compressed file, of which `offset` counts decompressed bytes: its size when all that was in
  // it was below `offset`, or passed over. 0: not compressed, or not read to its end.
  std::uint64_t compressed_bytes = 0;
  // A transcoded file, of which `offset` counts bytes of UTF-8: transcoding may begin at `point`,
  // which is not behind `offset`. `compressed_bytes` means the same as above.
  TextPoint point{};
  bool transcoded = false;
  // Deleted, and kept only to recognise its compressed form (sources/former_search.h).
  bool gone = false;
  // A copy or compressed form that goes on under the origin of one that is gone: the origin's marks
  // may be beyond its end, and then they are right all the same.
  bool goes_on = false;
  // A line ended the generation's records below `offset`: what is behind it is none.
  bool past_footer = false;
  // All below `offset` was read by this flow and fingerprint, from the generation's first byte on,
  // and nothing of it was passed over; and if `compressed_bytes` is not 0, nothing is missing
  // there. Only of such a file may somebody say that it was read (delete_after), so every doubt
  // takes it.
  bool whole = false;
  // A compressed file that is damaged, or ends in the middle, at `compressed_bytes`; not if those
  // are 0.
  bool cut = false;
  // Where copies may match, the last ones below `offset`: a copy of it may end there.
  std::vector<LineEnd> line_ends = {};  // ascending

  bool operator==(const Checkpoint&) const = default;
};

// Nobody read of it or passed over any of it.
bool is_fresh(const Checkpoint& checkpoint);
// Nothing of it was delivered or passed over: it may have been registered, when it was empty.
bool is_unread(const Checkpoint& checkpoint);
// Nothing of a file of this size is left to read.
bool covers(const Checkpoint& checkpoint, std::uint64_t file_bytes);
// What is left to read, in bytes of the file, as far as that can be said.
std::uint64_t unread_bytes(const Checkpoint& checkpoint, std::uint64_t file_bytes);

// When the last of them was seen: then the clock was as it said. Nothing: there are none.
std::optional<base::Timestamp> last_seen(std::span<const Checkpoint> checkpoints);
// Sets seen_us.
void mark_seen(Checkpoint& checkpoint, base::Timestamp now);

// The key in `_checkpoints`: flow and identity, so one file has one entry per flow. Readable:
// "<flow> <device> <inode> <birth_ns>". A flow's name may hold blanks.
std::string checkpoint_key(std::string_view flow, const FileIdentity& identity);
// The value, all integers little-endian:
//   0 u8 version (1)        17 u32 generation    33 u64 tail_hash     49 u32 path bytes
//   1 u64 origin            21 u64 offset        41 i64 seen_us       53 path
//   9 u64 flow_fingerprint  29 u32 tail_bytes
// 128 is added to the version of one that is `whole`.
// Version 2, written only where they say something: 49 u64 compressed_bytes, 57 u8 (1: gone,
// 2: goes_on, 4: past_footer, 8: cut), 58 u32 path bytes, 62 path. Version 3, of transcoded files:
// 58 u64 point.offset, 66 u64 point.raw, 74 u32 path bytes, 78 path. Version 4, of generations with
// line ends: 58 u16 how many, 60 of each u32 how far below the offset and u64 hash, then path bytes
// and path. Version 5, of files behind links: 1 u32 target bytes, 5 target, then a value of another
// version.
std::string encode(const Checkpoint& checkpoint);
// nullopt: not a checkpoint, or a newer version's.
std::optional<Checkpoint> decode_checkpoint(std::string_view key, std::string_view value);

}  // namespace sources
