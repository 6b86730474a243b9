#include "io/gather.h"

#include <algorithm>

#include "base/assert.h"

namespace io {

std::size_t Gather::fill(std::span<iovec> vectors, std::size_t bytes_max) const {
  std::size_t count = 0;
  std::size_t skip = next_bytes_;
  for (std::size_t i = next_; i < pieces_.size() && count < vectors.size() && bytes_max != 0; ++i) {
    const std::string_view rest = pieces_[i].substr(skip);
    skip = 0;
    if (rest.empty()) continue;
    const std::size_t bytes = std::min(rest.size(), bytes_max);
    vectors[count++] = {.iov_base = const_cast<char*>(rest.data()), .iov_len = bytes};
    bytes_max -= bytes;
  }
  return count;
}

void Gather::advance(std::uint64_t bytes) {
  written_bytes_ += bytes;
  while (bytes != 0) {
    ASSERT(next_ < pieces_.size());
    const std::size_t rest = pieces_[next_].size() - next_bytes_;
    if (bytes < rest) {
      next_bytes_ += static_cast<std::size_t>(bytes);
      return;
    }
    bytes -= rest;
    ++next_;
    next_bytes_ = 0;
  }
  skip_empty();
}

void Gather::skip_empty() {
  while (next_ < pieces_.size() && next_bytes_ == pieces_[next_].size()) {
    ++next_;
    next_bytes_ = 0;
  }
}

}  // namespace io
