// The real backends as Worlds of the contract (contract.h), each with a directory of its own.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/log.h"
#include "io/backends.h"
#include "tests/test.h"

namespace io_test {

// A directory under the system's temporary one, removed with all that is in it.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tailrace-io-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

template <io::Backend kBackend>
class RealWorld {
 public:
  RealWorld() {
    auto made = io::make_io(kBackend, log_);
    REQUIRE(made.has_value());
    io_ = *std::move(made);
  }

  io::Io& io() { return *io_; }
  void destroy_io() { io_.reset(); }
  io::Files& files() { return *files_; }
  std::string directory() const { return directory_.path(); }

 private:
  base::Log log_{base::Log::Output{}};
  ScratchDirectory directory_;
  std::unique_ptr<io::Files> files_ = io::make_files();
  std::unique_ptr<io::Io> io_;
};

using UringWorld = RealWorld<io::Backend::io_uring>;
using EpollWorld = RealWorld<io::Backend::epoll>;

}  // namespace io_test
