#include "store/block.h"

#include <lz4.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"
#include "base/crc32c.h"

namespace store {

namespace {

constexpr char kZeros[8] = {};
constexpr std::size_t kPageBytes = 4096;

}  // namespace

void BlockGroup::begin(const ChainEnd& end, std::uint64_t synced_end) {
  end_ = end;
  synced_end_ = synced_end;
  bytes_ = 0;
  headers_.clear();
  parts_.clear();
  pieces_.clear();
  open_runs_.clear();
  open_bytes_ = 0;
  open_records_ = 0;
  scratch_used_ = 0;
  if (scratch_bytes_ > kScratchKeepBytes) {
    scratch_.reset();
    scratch_bytes_ = 0;
  }
}

void BlockGroup::add_head(const SegmentHeader& header, std::span<const Mark> marks) {
  ASSERT(end_.position == 0 && headers_.empty());
  segment_header_ = header;
  seal(segment_header_);
  marks_.assign(marks.begin(), marks.end());
  parts_.push_back({Part::In::memory, bytes_of(segment_header_).data(), 0, kHeaderBytes});
  bytes_ += kHeaderBytes;
  end_.position = kHeaderBytes;
  end_.crc = segment_header_.crc;

  const std::string_view payload{reinterpret_cast<const char*>(marks_.data()),
                                 marks_.size() * sizeof(Mark)};
  BlockHeader block;
  block.kind = static_cast<std::uint8_t>(BlockKind::marks);
  block.stored_bytes = block.raw_bytes = static_cast<std::uint32_t>(payload.size());
  block.first_arrival_us = block.last_arrival_us = end_.arrival_us;
  block.payload_crc = base::crc32c(payload);
  add_block(block);
  parts_.push_back({Part::In::memory, payload.data(), 0, payload.size()});
  pad(payload.size());
}

void BlockGroup::add_run(std::string_view run) {
  base::RunHeader header;
  ASSERT(front_run(run, header) && base::kRunHeaderBytes + header.bytes == run.size());
  const std::size_t limit = compression_ == Compression::none ? kRawBlockBytes : kLz4BlockBytes;
  if (open_bytes_ > 0 && open_bytes_ + run.size() > limit) cut();
  // Time never goes back within a shard, whatever the clocks of those who read did.
  end_.arrival_us = std::max(end_.arrival_us, header.arrival_us);
  if (open_bytes_ == 0) open_first_us_ = end_.arrival_us;
  open_runs_.push_back(run);
  open_bytes_ += run.size();
  open_records_ += header.record_count;
}

void BlockGroup::add_settled() {
  ASSERT(open_bytes_ == 0 && synced_end_ == end_.position);
  BlockHeader block;
  block.kind = static_cast<std::uint8_t>(BlockKind::settled);
  block.first_arrival_us = block.last_arrival_us = end_.arrival_us;
  add_block(block);
}

void BlockGroup::cut() {
  if (open_bytes_ == 0) return;
  BlockHeader block;
  block.record_count = static_cast<std::uint32_t>(open_records_);
  block.raw_bytes = static_cast<std::uint32_t>(open_bytes_);
  block.first_arrival_us = open_first_us_;
  block.last_arrival_us = end_.arrival_us;
  if (compression_ == Compression::lz4 && compress(block)) {
    const std::size_t offset = scratch_used_ - block.stored_bytes;
    block.payload_crc = base::crc32c({scratch_.get() + offset, block.stored_bytes});
    add_block(block);
    parts_.push_back({Part::In::scratch, nullptr, offset, block.stored_bytes});
  } else {
    block.stored_bytes = block.raw_bytes;
    for (const std::string_view run : open_runs_) {
      block.payload_crc = base::crc32c(run, block.payload_crc);
    }
    add_block(block);
    for (const std::string_view run : open_runs_) {
      parts_.push_back({Part::In::memory, run.data(), 0, run.size()});
    }
  }
  pad(block.stored_bytes);
  open_runs_.clear();
  open_bytes_ = 0;
  open_records_ = 0;
}

// Seals the header at the chain's end and moves the end behind the block.
void BlockGroup::add_block(BlockHeader& header) {
  header.first_sequence = end_.sequence;
  header.previous_crc = end_.crc;
  header.synced_end = synced_end_;
  seal(header);
  parts_.push_back({Part::In::headers, nullptr, headers_.size() * kHeaderBytes, kHeaderBytes});
  headers_.push_back(header);
  end_.crc = header.crc;
  end_.sequence += header.record_count;
  end_.position += block_bytes(header);
  bytes_ += block_bytes(header);
}

bool BlockGroup::compress(BlockHeader& header) {
  std::string_view raw = open_runs_.front();
  if (open_runs_.size() > 1) {  // LZ4 wants its input in one place
    gathered_.clear();
    for (const std::string_view run : open_runs_) {
      gathered_.insert(gathered_.end(), run.begin(), run.end());
    }
    raw = {gathered_.data(), gathered_.size()};
  }
  if (raw.size() > LZ4_MAX_INPUT_SIZE) return false;
  const int bound = LZ4_compressBound(static_cast<int>(raw.size()));
  // As far from a page's start as in the file. Where a copy's source lies just before its target,
  // modulo a page, processors take its loads for ones of what was just stored, and wait.
  scratch_used_ += (end_.position + kHeaderBytes - scratch_used_) % kPageBytes;
  reserve_scratch(scratch_used_ + static_cast<std::size_t>(bound));
  const int size = LZ4_compress_default(raw.data(), scratch_.get() + scratch_used_,
                                        static_cast<int>(raw.size()), bound);
  // Less than a sixteenth gained is not worth everybody's decompression.
  if (size <= 0 || static_cast<std::size_t>(size) > raw.size() - raw.size() / 16) return false;
  header.codec = static_cast<std::uint8_t>(BlockCodec::lz4);
  header.stored_bytes = static_cast<std::uint32_t>(size);
  scratch_used_ += header.stored_bytes;
  return true;
}

void BlockGroup::reserve_scratch(std::size_t bytes) {
  if (bytes <= scratch_bytes_) return;
  const std::size_t grown =
      (std::max(bytes, scratch_bytes_ * 2) + kPageBytes - 1) / kPageBytes * kPageBytes;
  std::unique_ptr<char, Free> bigger(static_cast<char*>(std::aligned_alloc(kPageBytes, grown)));
  ASSERT(bigger != nullptr);
  if (scratch_bytes_ > 0) {
    std::memcpy(bigger.get(), scratch_.get(), std::min(scratch_used_, scratch_bytes_));
  }
  scratch_ = std::move(bigger);
  scratch_bytes_ = grown;
}

void BlockGroup::pad(std::size_t payload_bytes) {
  const std::size_t padding = padded(payload_bytes) - payload_bytes;
  if (padding > 0) parts_.push_back({Part::In::memory, kZeros, 0, padding});
}

void BlockGroup::finish() {
  cut();
  for (const Part& part : parts_) {
    if (part.bytes == 0) continue;
    const char* const from = part.in == Part::In::memory ? part.memory
                             : part.in == Part::In::scratch
                                 ? scratch_.get()
                                 : reinterpret_cast<const char*>(headers_.data());
    pieces_.emplace_back(from + part.offset, part.bytes);
  }
}

bool decode_payload(const BlockHeader& header, std::string_view stored, std::string& raw,
                    std::string_view& payload) {
  if (stored.size() != header.stored_bytes || base::crc32c(stored) != header.payload_crc)
    return false;
  if (header.codec == static_cast<std::uint8_t>(BlockCodec::none)) {
    payload = stored;
    return header.raw_bytes == header.stored_bytes;
  }
  if (header.codec != static_cast<std::uint8_t>(BlockCodec::lz4) ||
      header.raw_bytes > LZ4_MAX_INPUT_SIZE) {
    return false;
  }
  raw.resize(header.raw_bytes);
  const int size = LZ4_decompress_safe(stored.data(), raw.data(), static_cast<int>(stored.size()),
                                       static_cast<int>(raw.size()));
  payload = raw;
  return size >= 0 && static_cast<std::uint32_t>(size) == header.raw_bytes;
}

bool front_run(std::string_view payload, base::RunHeader& header) {
  if (payload.size() < base::kRunHeaderBytes) return false;
  std::memcpy(&header, payload.data(), sizeof header);
  return payload.size() - base::kRunHeaderBytes >= header.bytes;
}

}  // namespace store
