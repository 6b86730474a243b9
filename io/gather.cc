#include "io/gather.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/assert.h"
#include "io/io.h"

namespace io {
namespace {

// The kernel cuts one transfer at 2^31 less a page (MAX_RW_COUNT); asking for less keeps its sums
// simple.
constexpr std::size_t kTransferBytesMax = std::size_t{1} << 30;

constexpr std::size_t kLongWriteBytes = std::size_t{256} << 10;
constexpr std::size_t kLongWritePiecesMax = 64;

bool kind_is(int file, mode_t kind) {
  struct stat status{};
  return ::fstat(file, &status) == 0 && (status.st_mode & S_IFMT) == kind;
}

}  // namespace

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

std::int64_t write_all(int file, std::span<const std::string_view> pieces, std::uint64_t offset) {
  Gather gather(pieces);
  std::array<iovec, IOV_MAX> vectors;
  while (!gather.done()) {
    const int count = static_cast<int>(gather.fill(vectors, kTransferBytesMax));
    const ssize_t written = offset == Io::kAtEnd
                                ? ::writev(file, vectors.data(), count)
                                : ::pwritev(file, vectors.data(), count,
                                            static_cast<off_t>(offset + gather.written_bytes()));
    if (written > 0) {
      gather.advance(static_cast<std::uint64_t>(written));
    } else if (written == 0) {
      return -ENOSPC;  // no error and no progress: must not happen, must not spin
    } else if (errno != EINTR) {
      return -errno;
    }
  }
  return static_cast<std::int64_t>(gather.written_bytes());
}

bool long_write(std::span<const std::string_view> pieces) {
  if (pieces.size() > kLongWritePiecesMax) return false;
  std::size_t bytes = 0;
  for (const std::string_view piece : pieces) bytes += piece.size();
  return bytes >= kLongWriteBytes;
}

bool is_regular(int file) { return kind_is(file, S_IFREG); }
bool is_directory(int file) { return kind_is(file, S_IFDIR); }

}  // namespace io
