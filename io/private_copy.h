// PrivateCopy: a file and those that belong to it, copied into a new directory that only we may
// enter, and removed with it. For libraries that write beside what they are asked to read.
//
// Blocking, for the command line. The directory is made where TMPDIR says, or in /tmp, and stays
// there when a signal ends the process.
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
  struct Locks {              // whoever has any of these bytes locked, which need not exist
    ByteRange writers;        // of the file, for writing
    std::string_view ending;  // of what lies beside it, path + "-shm", if it is there …
    ByteRange users;          // … for reading or writing
  };
  struct Kind {                                 // of files
    std::string_view magic;                     // how one begins that is not empty
    std::span<const std::string_view> endings;  // of what may lie beside it: path + "-wal"
    Locks locks;
  };

  // Copies the regular file behind `path` and what lies beside it. ErrorCode::corrupt: it is not of
  // that kind, and nothing was copied; busy: another process holds one of the locks (man 2 fcntl),
  // or changed a file meanwhile.
  static base::Result<PrivateCopy> make(const std::string& path, const Kind& kind);
  PrivateCopy(PrivateCopy&& other) noexcept;
  PrivateCopy& operator=(PrivateCopy&&) = delete;
  ~PrivateCopy();

  std::string path() const;  // the copy of `path`

 private:
  explicit PrivateCopy(std::string directory) : directory_(std::move(directory)) {}

  std::string directory_;  // empty: moved from
};

}  // namespace io
