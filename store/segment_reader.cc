#include "store/segment_reader.h"

#include <algorithm>
#include <cstring>

#include "store/block.h"

namespace store {

base::Result<SegmentReader> SegmentReader::open(io::Files& files, const std::string& path) {
  SegmentReader reader(files, io::UniqueHandle(files, TRY(files.open(path, io::Open::read))));
  TRY_VOID(reader.refresh());
  return reader;
}

void SegmentReader::read_ahead(bool on) {
  reads_ahead_ = on;
  ahead_.clear();
}

bool SegmentReader::copy_from_ahead(std::span<char> into, std::uint64_t position) const {
  if (position < ahead_at_ || position + into.size() > ahead_at_ + ahead_.size()) return false;
  std::memcpy(into.data(), ahead_.data() + (position - ahead_at_), into.size());
  return true;
}

// Bytes read; fewer than asked: the file ends, or cannot be read there.
std::size_t SegmentReader::read(std::span<char> into, std::uint64_t position) const {
  if (!reads_ahead_ || into.size() > kAheadBytes / 2) return read_from_file(into, position);
  if (copy_from_ahead(into, position)) return into.size();
  ahead_.resize(kAheadBytes);
  ahead_.resize(read_from_file({ahead_.data(), ahead_.size()}, position));
  ahead_at_ = position;
  // At the file's end, or before a place that cannot be read: only what is asked for matters.
  return copy_from_ahead(into, position) ? into.size() : read_from_file(into, position);
}

// A device that fails once may answer the next time, and what it answers then must not be lost as
// damage; one that keeps failing is damage.
std::size_t SegmentReader::read_from_file(std::span<char> into, std::uint64_t position) const {
  for (int tries = 0; tries < kReadTries; ++tries) {
    const auto count = files_->read_at(handle_.get(), into, position);
    if (count) return *count;
  }
  return 0;
}

base::Result<void> SegmentReader::refresh() {
  size_ = TRY(files_->status(handle_.get())).size;
  if (header_state_ == HeaderState::damaged && size_ >= kHeaderBytes) {
    char bytes[kHeaderBytes];
    if (read(bytes, 0) == kHeaderBytes) {
      std::memcpy(&header_, bytes, sizeof header_);
      header_state_ = check(header_);
    }
  }
  return {};
}

std::optional<BlockHeader> SegmentReader::header_at(std::uint64_t position,
                                                    std::uint64_t limit) const {
  if (position + kHeaderBytes > limit) return std::nullopt;
  char bytes[kHeaderBytes];
  if (read(bytes, position) != kHeaderBytes) return std::nullopt;
  BlockHeader header;
  std::memcpy(&header, bytes, sizeof header);
  if (!check(header, position) || position + block_bytes(header) > limit) return std::nullopt;
  return header;
}

std::optional<std::uint64_t> SegmentReader::find_header(std::uint64_t from, std::uint64_t limit,
                                                        BlockHeader& header) const {
  constexpr std::size_t kStepBytes = 1U << 18;
  std::string buffer(kStepBytes + kHeaderBytes, '\0');
  for (std::uint64_t at = from; at + kHeaderBytes <= limit; at += kStepBytes) {
    const std::size_t want = std::min<std::uint64_t>(buffer.size(), limit - at);
    const std::size_t count = read({buffer.data(), want}, at);
    if (count < kHeaderBytes) continue;  // an unreadable sector: look behind it
    for (std::size_t i = 0; i < kStepBytes && i + kHeaderBytes <= count; i += 8) {
      std::uint32_t magic = 0;
      std::memcpy(&magic, buffer.data() + i, sizeof magic);
      if (magic != kBlockMagic) continue;
      std::memcpy(&header, buffer.data() + i, sizeof header);
      if (check(header, at + i) && at + i + block_bytes(header) <= limit) return at + i;
    }
  }
  return std::nullopt;
}

bool SegmentReader::holds_block() const {
  BlockHeader header;
  return header_at(kHeaderBytes, size_) || find_header(kHeaderBytes, size_, header);
}

bool SegmentReader::payload(std::uint64_t position, const BlockHeader& header,
                            std::string_view& payload) {
  stored_.resize(header.stored_bytes);
  if (read({stored_.data(), stored_.size()}, position + kHeaderBytes) != stored_.size())
    return false;
  return decode_payload(header, stored_, raw_, payload);
}

}  // namespace store
