// Gather: how far a list of pieces has been written, and the iovecs for what is left of it.
//
// The kernel may take any part of a vectored write, and at most IOV_MAX pieces of it; both backends
// go on from here until nothing is left.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace io {

class Gather {
 public:
  Gather() = default;
  explicit Gather(std::span<const std::string_view> pieces) : pieces_(pieces) { skip_empty(); }

  bool done() const { return next_ == pieces_.size(); }
  std::uint64_t written_bytes() const { return written_bytes_; }
  // Fills `vectors` with what is left, at most `bytes_max` together. Result: how many were filled.
  std::size_t fill(std::span<iovec> vectors, std::size_t bytes_max) const;
  void advance(std::uint64_t bytes);

 private:
  void skip_empty();

  std::span<const std::string_view> pieces_;
  std::size_t next_ = 0;        // first piece not wholly written
  std::size_t next_bytes_ = 0;  // of it, written
  std::uint64_t written_bytes_ = 0;
};

// Writes all of `pieces` to a regular file, blocking: at `offset`, or at Io::kAtEnd where the file
// ends. Result: bytes written, or -errno after any part of them.
std::int64_t write_all(int file, std::span<const std::string_view> pieces, std::uint64_t offset);

// Is a write to a regular file long enough that another thread should do it (a worker of the
// ring's, or of the pool's)? Copying 256 KiB into the page cache takes 50 µs and more, for which a
// reactor that has files to read should not stand still; handing over costs some 5 µs. Many small
// pieces would be handed over too often.
bool long_write(std::span<const std::string_view> pieces);

bool is_regular(int file);
bool is_directory(int file);

}  // namespace io
