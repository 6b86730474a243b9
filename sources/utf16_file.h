// Utf16File: a UTF-16 file as the same text in UTF-8, byte order mark included.
//
// Transcoding can begin at any character, so nothing is kept of what was produced: reading an
// unfinished line again means transcoding it again, from the last point before it. Points are
// places where both offsets are known. They are close together near the end of what was read, and
// the one before the watermark is written down with it, so that a restart goes on there.
//
// What is cut off at the file's end, an odd byte or the first half of a pair, waits for the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "io/environment.h"
#include "sources/checkpoint.h"
#include "sources/file_view.h"
#include "sources/utf16.h"

namespace sources {

class Utf16File final : public FileView {
 public:
  static constexpr std::size_t kRawBytes = std::size_t{64} << 10;  // of one read of the file
  // Passed over at once on the way to an offset: as much as one turn should take.
  static constexpr std::size_t kSkipBytes = std::size_t{1} << 20;
  static constexpr std::size_t kPointDistance = std::size_t{8} << 10;  // raw bytes, at least
  static constexpr std::size_t kPointsMax = 64;

  struct Parts {
    const io::Environment& environment;  // outlives it
    io::Handle handle;                   // the file, not ours to close
    Encoding encoding;                   // not utf8
    base::Counter& replaced;             // outlives it
    TextPoint begin;                     // bytes before it read as NULs
    std::uint64_t offset = 0;            // what is before it was counted already
  };
  explicit Utf16File(Parts parts);

  // As Io::read(), in bytes produced: `answer` gets their number, 0 and less than asked for as
  // there, or -errno. -EAGAIN: it was busy getting to `from`; ask again. `spare`: kRawBytes to work
  // in, until then.
  void read(io::Operation& answer, std::span<char> into, std::uint64_t from, std::span<char> spare);

  // Where to begin after a restart to get to `offset`. As long as it is not forgotten.
  TextPoint point_before(std::uint64_t offset) const;
  // Nobody will ask for what is before `offset`.
  void forget_before(std::uint64_t offset);

  // The file has another content. No read is in flight.
  void start_over();
  // The same file, opened again. No read is in flight.
  void reopen(io::Handle handle) { parts_.handle = handle; }

  // At the file's end: raw bytes of a character that is not all there.
  std::uint64_t incomplete_bytes() const { return ended_ ? raw_end_ - at_.raw : 0; }

  std::uint64_t size(const io::FileStatus& raw) const override {
    return ended_ && raw.size == raw_end_ ? end_ : kUnknown;
  }
  std::uint64_t raw_end() const override { return ended_ ? raw_end_ : 0; }
  std::uint64_t end() const override { return end_; }
  std::uint64_t raw_bytes() const override { return at_.raw; }

 private:
  std::size_t filled() const;
  void start_raw();
  void raw_done(std::int64_t result);
  void find_order(std::string_view head);
  void transcode(std::string_view bytes);
  bool transcode_one(std::string_view bytes);
  void advance(const Transcoded& done);
  void thin_out();
  void at_end(std::size_t rest_bytes);
  void finish(std::int64_t result);

  Parts parts_;
  io::Operation operation_;
  std::optional<ByteOrder> order_;  // nullopt: the file's first bytes will tell
  std::vector<TextPoint> points_;   // ascending, at least one
  TextPoint at_;                    // where transcoding goes on
  std::uint64_t counted_;           // replacements before this offset are
  bool ended_ = false;              // raw_end_ and end_ say where
  std::uint64_t raw_end_ = 0;
  std::uint64_t end_ = 0;

  // The read in flight.
  io::Operation* answer_ = nullptr;
  std::span<char> into_;
  std::span<char> spare_;
  std::uint64_t from_ = 0;
  std::size_t skipped_ = 0;  // raw bytes on the way to from_
  bool full_ = false;
};

}  // namespace sources
