// PrivateCopy: a file and those that belong to it, copied into a new directory that only we may
// enter, and removed with it. For libraries that write beside what they are asked to read.
//
// Blocking, for the command line. The directory is made where TMPDIR says, or in /tmp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "io/files.h"

namespace io {

class PrivateCopy {
 public:
  // Copies the regular file behind `path` and, with the `endings` that exist, what lies beside it
  // (path + "-wal"). ErrorCode::busy: another process has `locked`, bytes of `path` that need not
  // exist, locked for writing (man 2 fcntl), or changed a file meanwhile.
  static base::Result<PrivateCopy> make(const std::string& path,
                                        std::span<const std::string_view> endings,
                                        ByteRange locked);
  PrivateCopy(PrivateCopy&& other) noexcept;
  PrivateCopy& operator=(PrivateCopy&&) = delete;
  ~PrivateCopy();

  std::string path() const;  // the copy of `path`

 private:
  explicit PrivateCopy(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;  // empty: moved from
};

}  // namespace io
