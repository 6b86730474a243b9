// BlockGroup: turns runs into blocks: the bytes of one vectored write.
// decode_payload(): the way back.
//
//   begin ─▶ add_head? ─▶ add_run… ─▶ close ─▶ pack(0) … pack(n - 1) ─▶ finish ─▶ pieces
//                                              in any order, on any thread
//
// Runs are not copied when they are stored as they are; pieces() then views the caller's memory,
// which must stay until the write is done. The only file that knows LZ4.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/packed_record.h"
#include "store/format.h"
#include "store/options.h"

namespace store {

// Where the next block of a segment goes and what it must continue.
struct ChainEnd {
  std::uint64_t position = 0;  // in the segment file, bytes
  base::SequenceNumber sequence = 0;
  std::int64_t arrival_us = 0;  // of the last record
  std::uint32_t crc = 0;        // of the last header
};

// What a thread needs to pack blocks; one per thread. Keeps little of what a long block took.
class Packer {
 public:
  static constexpr std::size_t kKeepBytes = 1U << 20;

 private:
  friend class BlockGroup;
  std::vector<char> gathered_;  // runs that are not in one place
  std::vector<char> packed_;
};

class BlockGroup {
 public:
  // A block is cut when the next run would make it longer than this, before compression. It limits
  // what one damage can lose and what a reader must hold. A single longer run makes a longer block.
  static constexpr std::size_t kRawBlockBytes = 1U << 20;
  // LZ4 sees 64 KiB back and is fastest when its whole input fits there; a run of a busy shard is
  // a little shorter, so it need not be copied to join others. 256 KiB packed 8 % better, 8 % slower.
  static constexpr std::size_t kLz4BlockBytes = 64U << 10;
  // Scratch of which more than this was used is given back after the group.
  static constexpr std::size_t kScratchKeepBytes = 4U << 20;

  explicit BlockGroup(Compression compression) : compression_(compression) {}

  // Forgets what was there; the next block goes to `end` and says that all before `synced_end` is
  // delivered.
  void begin(const ChainEnd& end, std::uint64_t synced_end);
  // A new segment's head; only directly after begin() with position 0.
  void add_head(const SegmentHeader& header, std::span<const Mark> marks);
  // A whole run, header included.
  void add_run(std::string_view run);
  // A block that only says: everything before me is delivered. Alone.
  void add_settled();
  // No more runs. Their blocks are known now, and may be packed.
  void close();
  std::size_t block_count() const { return payloads_.size(); }  // those of runs
  // Checksum of one block, and its compression. Each once; different ones at the same time on
  // different threads. The owner's finish() must come after all of them (see packing.h).
  void pack(std::size_t block, Packer& packer);
  // Puts the blocks in a row behind the chain's end; afterwards pieces() is what to write.
  void finish();

  std::span<const std::string_view> pieces() const { return pieces_; }
  const ChainEnd& end() const { return end_; }
  std::uint64_t bytes() const { return bytes_; }  // of all pieces
  std::uint32_t blocks_written() const { return static_cast<std::uint32_t>(headers_.size()); }

 private:
  // A piece before its memory has its final place.
  struct Part {
    enum class In : std::uint8_t { memory, headers, scratch } in;
    const char* memory;
    std::size_t offset, bytes;
  };
  // A block of runs before its place in the chain is known.
  struct Payload {
    std::size_t first_run, run_count;  // in runs_
    std::uint64_t record_count;
    std::int64_t first_us, last_us;  // arrival
    std::size_t raw_bytes;
    // By pack():
    BlockCodec codec = BlockCodec::none;
    std::uint32_t crc = 0;
    std::size_t offset = 0, stored_bytes = 0;  // in scratch_, if it is compressed
  };
  void cut();
  void add_block(BlockHeader& header);
  void add_payload(const Payload& payload);
  std::string_view in_one_piece(const Payload& payload, Packer& packer) const;
  bool compress(Payload& payload, Packer& packer);
  void pad(std::size_t payload_bytes);

  Compression compression_;
  ChainEnd end_;
  std::uint64_t synced_end_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<BlockHeader> headers_;
  std::vector<Part> parts_;
  std::vector<std::string_view> pieces_;

  std::vector<std::string_view> runs_;
  std::vector<Payload> payloads_;
  std::uint64_t raw_bytes_ = 0;  // of payloads_
  // Of the block not yet cut.
  std::size_t open_run_ = 0, open_bytes_ = 0;
  std::uint64_t open_records_ = 0;
  std::int64_t open_first_us_ = 0;

  SegmentHeader segment_header_;
  std::vector<Mark> marks_;
  // Compressed payloads of the whole group, in the order in which they were done. Whoever has one
  // takes its room by adding to `scratch_used_`, which orders nothing else.
  std::unique_ptr<char[]> scratch_;
  std::size_t scratch_bytes_ = 0;
  std::atomic<std::size_t> scratch_used_{0};
};

// The payload as runs (or marks). `stored`: stored_bytes long; may be moved to `raw` or
// decompressed into it. False: the bytes do not match their checksum or do not decompress.
bool decode_payload(const BlockHeader& header, std::string_view stored, std::string& raw,
                    std::string_view& payload);

// The header of the run at the front of `payload`; false if there is no whole run.
bool front_run(std::string_view payload, base::RunHeader& header);

}  // namespace store
