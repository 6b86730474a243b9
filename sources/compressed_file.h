// CompressedFile: a gzip or zstd file as the bytes it was made of. FileTail reads through it, so
// that everything it knows about offsets, lines and witnesses is about decompressed bytes.
//
// Reading is forward. What was given since the anchor of the last read stays, so that an unfinished
// line can be read again; an offset before that means inflating from the file's beginning and
// throwing away. No state of the inflater is ever written down: going on after a restart costs one
// pass over what was read already (docs/design/0007-compressed-input.md).
//
// As FileTail does with its bytes, every read of the compressed file begins with a few that are
// known, and others in their place mean that it was written anew: then it is inflated from its
// beginning. Belongs to its FileTail and reactor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "base/result.h"
#include "io/environment.h"
#include "sources/file_view.h"
#include "sources/inflater.h"

namespace sources {

class CompressedFile final : public FileView {
 public:
  static constexpr std::size_t kRawBytes = std::size_t{64} << 10;  // of one read of the file
  static constexpr std::size_t kRawWitnessBytes = 64;
  // Inflated at once. One turn of a file that is skipped over should not take long (4 ms).
  static constexpr std::size_t kStepBytes = std::size_t{2} << 20;
  // Kept since the anchor. A longer line is inflated once more from the file's beginning.
  static constexpr std::size_t kKeptBytesMax = std::size_t{4} << 20;

  struct Parts {
    const io::Environment& environment;  // outlives it
    io::Handle handle;                   // the file, not ours to close
    Compression compression;
    std::string path;               // for the log
    base::Counter& errors;          // outlives it
    std::uint64_t passed_over = 0;  // while the file is no longer than this it is as if empty
  };
  explicit CompressedFile(Parts parts);
  ~CompressedFile() override;  // no read is in flight, or its Io is gone

  struct Range {
    std::uint64_t from;    // decompressed bytes
    std::uint64_t anchor;  // at most `from`: nobody will ask for what is before
  };
  // As Io::read(): `answer` gets the number of bytes, 0 and less than asked for as there, or
  // -errno. -EAGAIN: it was busy getting to `from`; ask again, it goes on from where it is.
  // -ENOMEM: there is no memory to inflate it, now.
  void read(io::Operation& answer, std::span<char> into, Range range);

  // Where it is damaged it ends.
  std::uint64_t size(const io::FileStatus& raw) const override;
  std::uint64_t raw_end() const override {
    return parts_.passed_over > 0 ? parts_.passed_over : raw_end_;
  }
  std::uint64_t end() const override { return parts_.passed_over > 0 ? 0 : end_; }
  std::uint64_t raw_bytes() const override {
    return parts_.passed_over > 0 ? parts_.passed_over : raw_;
  }
  // At its end, nothing is missing of what was begun.
  bool complete() const { return state_ == Inflated::State::between; }
  // What raw_end() says is the end of its last member. Also when it gave up its memory since.
  bool ends_whole() const { return ends_whole_ && parts_.passed_over == 0; }
  // What raw_end() says is not all there should be.
  bool ends_cut() const { return !ends_whole_ && parts_.passed_over == 0; }
  bool damaged() const { return state_ == Inflated::State::broken; }
  // At its end, in the middle of a member, and that was not said yet.
  bool unfinished() const { return state_ == Inflated::State::inside && raw_ != said_at_; }
  void say_unfinished();
  // It holds an inflater and its window. Else as good as nothing.
  bool holds_memory() const { return inflater_ != nullptr; }
  // No read may be in flight. The next one begins at the file's beginning.
  void give_up_memory();

 private:
  std::size_t known_bytes() const;
  void start_over();
  void begin_again();
  void start_raw();
  void raw_done(std::int64_t result);
  bool same_as_before(std::string_view known) const;
  void inflate(std::string_view bytes);
  bool inflate_piece(std::string_view& fresh, std::size_t& step_bytes);
  void broke(std::string_view why, std::uint64_t at);
  void keep(std::string_view bytes);
  void drop_before_anchor();
  void at_end();
  void finish(std::int64_t result);

  Parts parts_;
  io::Operation operation_;
  std::unique_ptr<Inflater> inflater_;
  std::unique_ptr<char[]> buffer_;                    // kRawBytes
  std::uint64_t raw_ = 0;                             // compressed bytes taken
  std::array<char, kRawWitnessBytes> raw_witness_{};  // those before raw_, known_bytes() of them
  std::uint64_t produced_ = 0;                        // decompressed bytes given
  std::string kept_;                                  // those before produced_
  Inflated::State state_ = Inflated::State::between;
  bool flushed_ = true;  // without further input there are no further bytes

  std::uint64_t raw_end_ = 0;            // see raw_end()
  std::uint64_t end_ = 0;                // decompressed bytes before it
  bool ends_whole_ = false;              // … and that nothing is missing there
  std::int64_t broken_modified_ns_ = 0;  // the file's, when it was found damaged
  std::uint64_t said_at_ = kUnknown;     // where a damage was said

  // The read in flight.
  io::Operation* answer_ = nullptr;
  std::span<char> into_;
  Range range_{};
  std::size_t filled_ = 0;
  bool lacks_memory_ = false;  // to go on
};

}  // namespace sources
