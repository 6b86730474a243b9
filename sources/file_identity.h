// FileIdentity: which file is this? A path is a label, never an identity; device and inode alone are
// not one either, because file systems hand inodes out again (rules F15, F16).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "io/files.h"

namespace sources {

struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;  // 0: unknown

  bool operator==(const FileIdentity&) const = default;
};

FileIdentity identity_of(const io::FileStatus& status);

// The bytes just before an offset, remembered to see later whether the file under it is still the one
// that was read (F04, F05): copytruncate may have emptied and refilled it.
constexpr std::size_t kTailBytes = 64;
std::uint64_t tail_hash(std::string_view bytes_before_offset);  // at most the last kTailBytes count

}  // namespace sources
