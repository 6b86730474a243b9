#include "store/block.h"

#include <lz4.h>

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/crc32c.h"

namespace store {

namespace {

constexpr char kZeros[8] = {};

void trim(std::vector<char>& buffer) {
  if (buffer.capacity() > Packer::kKeepBytes) std::vector<char>().swap(buffer);
}

}  // namespace

void BlockGroup::begin(const ChainEnd& end, std::uint64_t synced_end) {
  end_ = end;
  synced_end_ = synced_end;
  bytes_ = 0;
  headers_.clear();
  parts_.clear();
  pieces_.clear();
  runs_.clear();
  payloads_.clear();
  raw_bytes_ = 0;
  open_run_ = open_bytes_ = 0;
  open_records_ = 0;
  if (scratch_used_.exchange(0, std::memory_order_relaxed) > kScratchKeepBytes) {
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
  runs_.push_back(run);
  open_bytes_ += run.size();
  open_records_ += header.record_count;
}

void BlockGroup::add_settled() {
  ASSERT(runs_.empty() && synced_end_ == end_.position);
  BlockHeader block;
  block.kind = static_cast<std::uint8_t>(BlockKind::settled);
  block.first_arrival_us = block.last_arrival_us = end_.arrival_us;
  add_block(block);
}

void BlockGroup::cut() {
  if (open_bytes_ == 0) return;
  payloads_.push_back({.first_run = open_run_,
                       .run_count = runs_.size() - open_run_,
                       .record_count = open_records_,
                       .first_us = open_first_us_,
                       .last_us = end_.arrival_us,
                       .raw_bytes = open_bytes_});
  raw_bytes_ += open_bytes_;
  open_run_ = runs_.size();
  open_bytes_ = 0;
  open_records_ = 0;
}

void BlockGroup::close() {
  cut();
  if (compression_ == Compression::none || raw_bytes_ <= scratch_bytes_) return;
  // As much as could be used, since nobody knows yet how much will be; what is not costs nothing.
  scratch_ = std::make_unique_for_overwrite<char[]>(raw_bytes_);
  scratch_bytes_ = raw_bytes_;
}

void BlockGroup::pack(std::size_t block, Packer& packer) {
  Payload& payload = payloads_[block];
  if (compression_ == Compression::lz4 && compress(payload, packer)) return;
  payload.stored_bytes = payload.raw_bytes;
  for (std::size_t i = 0; i < payload.run_count; ++i) {
    payload.crc = base::crc32c(runs_[payload.first_run + i], payload.crc);
  }
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

// LZ4 wants its input in one place.
std::string_view BlockGroup::in_one_piece(const Payload& payload, Packer& packer) const {
  if (payload.run_count == 1) return runs_[payload.first_run];
  packer.gathered_.clear();
  for (std::size_t i = 0; i < payload.run_count; ++i) {
    const std::string_view run = runs_[payload.first_run + i];
    packer.gathered_.insert(packer.gathered_.end(), run.begin(), run.end());
  }
  return {packer.gathered_.data(), packer.gathered_.size()};
}

bool BlockGroup::compress(Payload& payload, Packer& packer) {
  if (payload.raw_bytes > LZ4_MAX_INPUT_SIZE) return false;
  const std::string_view raw = in_one_piece(payload, packer);
  const int bound = LZ4_compressBound(static_cast<int>(raw.size()));
  if (packer.packed_.size() < static_cast<std::size_t>(bound)) {
    packer.packed_.resize(static_cast<std::size_t>(bound));
  }
  const int size =
      LZ4_compress_default(raw.data(), packer.packed_.data(), static_cast<int>(raw.size()), bound);
  // Less than a sixteenth gained is not worth everybody's decompression.
  const bool worth = size > 0 && static_cast<std::size_t>(size) <= raw.size() - raw.size() / 16;
  if (worth) {
    payload.codec = BlockCodec::lz4;
    payload.stored_bytes = static_cast<std::size_t>(size);
    payload.crc = base::crc32c({packer.packed_.data(), payload.stored_bytes});
    payload.offset = scratch_used_.fetch_add(payload.stored_bytes, std::memory_order_relaxed);
    std::memcpy(scratch_.get() + payload.offset, packer.packed_.data(), payload.stored_bytes);
  }
  trim(packer.gathered_);
  trim(packer.packed_);
  return worth;
}

void BlockGroup::add_payload(const Payload& payload) {
  BlockHeader block;
  block.record_count = static_cast<std::uint32_t>(payload.record_count);
  block.raw_bytes = static_cast<std::uint32_t>(payload.raw_bytes);
  block.stored_bytes = static_cast<std::uint32_t>(payload.stored_bytes);
  block.codec = static_cast<std::uint8_t>(payload.codec);
  block.payload_crc = payload.crc;
  block.first_arrival_us = payload.first_us;
  block.last_arrival_us = payload.last_us;
  add_block(block);
  if (payload.codec == BlockCodec::none) {
    for (std::size_t i = 0; i < payload.run_count; ++i) {
      const std::string_view run = runs_[payload.first_run + i];
      parts_.push_back({Part::In::memory, run.data(), 0, run.size()});
    }
  } else {
    parts_.push_back({Part::In::scratch, nullptr, payload.offset, payload.stored_bytes});
  }
  pad(payload.stored_bytes);
}

void BlockGroup::pad(std::size_t payload_bytes) {
  const std::size_t padding = padded(payload_bytes) - payload_bytes;
  if (padding > 0) parts_.push_back({Part::In::memory, kZeros, 0, padding});
}

void BlockGroup::finish() {
  for (const Payload& payload : payloads_) add_payload(payload);
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
