// SegmentReader: one segment file, read block by block with blocking Files. Trusts nothing it has
// not checked. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/files.h"
#include "store/format.h"
#include "store/segment_list.h"

namespace store {

class SegmentReader {
 public:
  static base::Result<SegmentReader> open(io::Files& files, const std::string& path);

  // Bytes, when last looked at. refresh() looks again, and reads the segment header if it could not
  // be read before.
  std::uint64_t size() const { return size_; }
  base::Result<void> refresh();

  // `damaged` also when the file is still too short for one.
  HeaderState header_state() const { return header_state_; }
  const SegmentHeader& header() const { return header_; }  // only when good

  // The intact block header at `position`, all of whose block is below `limit`.
  std::optional<BlockHeader> header_at(std::uint64_t position, std::uint64_t limit) const;
  // The next intact block header at or after `from` (a multiple of 8).
  std::optional<std::uint64_t> find_header(std::uint64_t from, std::uint64_t limit,
                                           BlockHeader& header) const;
  // Is there any intact block header?
  bool holds_block() const;
  // Read ahead, so that hopping over small blocks does not cost a call each. For bytes that do not
  // change meanwhile, or a single pass; switching it either way forgets what was read.
  void read_ahead(bool on);
  // Reads and checks the payload of `header` at `position`. The view lives until the next call.
  bool payload(std::uint64_t position, const BlockHeader& header, std::string_view& payload);
  io::Handle handle() const { return handle_.get(); }

 private:
  static constexpr int kReadTries = 8;
  static constexpr std::size_t kAheadBytes = 64U << 10;
  std::size_t read(std::span<char> into, std::uint64_t position) const;
  std::size_t read_from_file(std::span<char> into, std::uint64_t position) const;
  bool copy_from_ahead(std::span<char> into, std::uint64_t position) const;
  SegmentReader(io::Files& files, io::UniqueHandle handle)
      : files_(&files), handle_(std::move(handle)) {}

  io::Files* files_;
  io::UniqueHandle handle_;
  std::uint64_t size_ = 0;
  HeaderState header_state_ = HeaderState::damaged;
  SegmentHeader header_;
  std::string stored_, raw_;
  bool reads_ahead_ = false;
  mutable std::string ahead_;  // bytes of the file from ahead_at_ on
  mutable std::uint64_t ahead_at_ = 0;
};

}  // namespace store
