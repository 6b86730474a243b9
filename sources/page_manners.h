// PageManners: what the kernel is told about a file's pages while the file is caught up with, so
// that a backlog of gigabytes does not push everything else out of memory (F68).
//
// One per FileTail, on its reactor. Let go behind the reader are only pages that it brought into
// memory itself. Those that were there are others' (who wrote them, or reads them, too), and to let
// them go costs more than to read them: 0.4 ms for 8 MiB. Of what is read as the file grows nothing
// is said, and nothing per read.
#pragma once

#include <cstdint>

#include "io/files.h"

namespace sources {

class PageManners {
 public:
  struct Options {
    std::uint64_t step_bytes = std::uint64_t{8} << 20;  // looked at once per so many that were
                                                        // read, and only while as many are left
    // Pages of larger files are let go.
    std::uint64_t file_bytes_max = std::uint64_t{64} << 20;

    bool operator==(const Options&) const = default;
  };

  // `handle` was read up to `position`, a place in the file on the disk, and there is more.
  void read_on(io::Files& files, io::Handle handle, std::uint64_t position, const Options& options);
  // It was read to its end: what comes next is new.
  void end() { from_ = kNone; }
  // It has another descriptor from now on.
  void reopened() {
    end();
    sequential_ = false;
  }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  std::uint64_t from_ = kNone;  // the present step begins; kNone: nothing is caught up with
  bool ours_ = false;           // its pages were not in memory when it began
  bool sequential_ = false;     // that it is read in one go was said
};

}  // namespace sources
