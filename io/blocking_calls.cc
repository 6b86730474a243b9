#include "io/blocking_calls.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "io/io.h"
#include "io/open_flags.h"

namespace io {
namespace {

// The kernel cuts one transfer at 2^31 less a page (MAX_RW_COUNT); asking for less keeps its sums
// simple.
constexpr std::size_t kTransferBytesMax = std::size_t{1} << 30;

constexpr std::size_t kLongWriteBytes = std::size_t{256} << 10;

bool kind_is(int file, mode_t kind) {
  struct stat status{};
  return ::fstat(file, &status) == 0 && (status.st_mode & S_IFMT) == kind;
}

}  // namespace

std::int64_t open_now(const char* path, int flags) {
  while (true) {
    const int file = ::open(path, flags, kFileMode);
    if (file >= 0 || errno != EINTR) return file < 0 ? -errno : file;
  }
}

std::int64_t read_now(int file, std::span<char> into, std::uint64_t offset) {
  while (true) {
    const ssize_t got = ::pread(file, into.data(), into.size(), static_cast<off_t>(offset));
    if (got >= 0 || errno != EINTR) return got < 0 ? -errno : got;
  }
}

std::int64_t sync_now(int file) {
  const bool directory = is_directory(file);
  while (true) {
    const int result = directory ? ::fsync(file) : ::fdatasync(file);
    if (result == 0 || errno != EINTR) return result < 0 ? -errno : 0;
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
      return -EIO;  // no error and no progress: must not happen, must not spin
    } else if (errno != EINTR) {
      return -errno;
    }
  }
  return static_cast<std::int64_t>(gather.written_bytes());
}

std::int64_t connect_now(int socket, const void* address, std::size_t bytes) {
  while (true) {
    const int result =
        ::connect(socket, static_cast<const sockaddr*>(address), static_cast<socklen_t>(bytes));
    if (result == 0 || errno != EINTR) return result < 0 ? -errno : 0;
  }
}

bool long_write(std::span<const std::string_view> pieces) {
  std::size_t bytes = 0;
  for (const std::string_view piece : pieces) bytes += piece.size();
  const std::size_t turns = (pieces.size() + kPiecesTogether - 1) / kPiecesTogether;
  return bytes >= kLongWriteBytes && bytes >= kLongWriteBytes * turns;
}

bool is_regular(int file) { return kind_is(file, S_IFREG); }
bool is_directory(int file) { return kind_is(file, S_IFDIR); }

}  // namespace io
