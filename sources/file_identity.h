// FileIdentity: which file is this? A path is a label, never an identity; device and inode alone
// are not one either, because file systems hand inodes out again (rules F15, F16).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "io/files.h"

namespace sources {

struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;  // 0: unknown

  bool operator==(const FileIdentity&) const = default;
};

// For hash tables of identities.
struct FileIdentityHash {
  std::size_t operator()(const FileIdentity& identity) const {
    std::uint64_t mixed = identity.inode * 0x9e3779b97f4a7c15;
    mixed ^= (identity.device + 1) * 0xbf58476d1ce4e5b9;
    mixed ^= static_cast<std::uint64_t>(identity.birth_ns) * 0x94d049bb133111eb;
    return static_cast<std::size_t>(mixed ^ (mixed >> 31));
  }
};

FileIdentity identity_of(const io::FileStatus& status);
// Of a generation whose file has another one by now; `number`: drawn. No file has it: devices are
// not 0.
FileIdentity identity_of_generation(std::uint64_t number);

// The bytes just before an offset, remembered to see later whether the file under it is still the
// one that was read (F04, F05): copytruncate may have emptied and refilled it.
// So many that a time is among them: lines of one length often end alike for a hundred bytes (a
// browser's name), and then a file refilled to the very offset looked like the old one.
constexpr std::size_t kTailBytes = 256;
std::uint64_t tail_hash(std::string_view bytes_before_offset);  // at most the last kTailBytes count
// At offset 0 a file's first bytes stand for them: more, because programs begin with a greeting.
constexpr std::size_t kHeadBytes = 1024;
std::uint64_t head_hash(std::string_view first_bytes);  // of kTailBytes and less it is tail_hash

}  // namespace sources
