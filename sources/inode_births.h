// InodeBirths: which birth an inode number had when it was last a file of ours, to tell that it was
// given to another file (F15). Only a count depends on it, so it may forget: all, when it is full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "sources/file_identity.h"

namespace sources {

class InodeBirths {
 public:
  static constexpr std::size_t kInodesMax = 16384;

  // True: the same number with another birth was seen before. Never where a file system does not
  // say when files were born.
  bool reused(const FileIdentity& identity) {
    if (identity.birth_ns == 0) return false;
    if (births_.size() >= kInodesMax) births_.clear();
    FileIdentity inode = identity;
    inode.birth_ns = 0;
    const auto [at, first] = births_.try_emplace(inode, identity.birth_ns);
    if (first || at->second == identity.birth_ns) return false;
    at->second = identity.birth_ns;
    return true;
  }

 private:
  std::unordered_map<FileIdentity, std::int64_t, FileIdentityHash> births_;
};

}  // namespace sources
