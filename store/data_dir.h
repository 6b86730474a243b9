// DataDir: a data directory and the lock that gives it one writer at a time.
#pragma once

#include <string>

#include "base/result.h"
#include "io/environment.h"

namespace store {

class DataDir {
 public:
  // Creates the directory if missing, takes <path>/LOCK and writes our process id into it.
  // ErrorCode::busy names the holder: "/var/lib/tailrace is in use by pid 4711".
  static base::Result<DataDir> lock(const io::Environment& environment, const std::string& path);

  const std::string& path() const { return path_; }

 private:
  DataDir(std::string path, io::UniqueHandle lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  io::UniqueHandle lock_;
};

}  // namespace store
