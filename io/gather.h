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

}  // namespace io
