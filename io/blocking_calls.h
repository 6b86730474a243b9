// The system calls on files that may block, plain: for the pool's threads. Every result is what the
// Operation's `done` gets: >= 0, or -errno.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "io/gather.h"

namespace io {

std::int64_t open_now(const char* path, int flags);
std::int64_t read_now(int file, std::span<char> into, std::uint64_t offset);
// fdatasync, or fsync of a directory.
std::int64_t sync_now(int file);
// Writes all of `pieces` to a regular file: at `offset`, or at Io::kAtEnd where the file ends.
// Result: bytes written, or -errno after any part of them.
std::int64_t write_all(int file, std::span<const std::string_view> pieces, std::uint64_t offset);
// `address`: a sockaddr of `bytes` bytes.
std::int64_t connect_now(int socket, const void* address, std::size_t bytes);

// Is a write to a regular file long enough that another thread should do it? Copying 256 KiB into
// the page cache takes 50 µs and more, for which a reactor that has files to read should not stand
// still; handing over costs some 5 µs, once for every kPiecesTogether.
bool long_write(std::span<const std::string_view> pieces);
constexpr std::size_t kPiecesTogether = 64;  // given to the kernel at once

bool is_regular(int file);
bool is_directory(int file);

}  // namespace io
