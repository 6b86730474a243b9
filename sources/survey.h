// Survey: how files stand, when somebody asks. Goes over all of them, so nobody asks often;
// makes no system call, so that one that hangs keeps nobody from being told of the others.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace sources {

// One file that is followed, or would be if it could.
struct FileState {
  static constexpr std::size_t kNamesMax = 16;

  std::uint64_t number = 0;  // discovery's; 0: none
  std::string path;
  std::string state;            // in words, for people
  bool trouble = false;         // worth their attention
  std::uint64_t offset = 0;     // everything below is delivered; bytes
  std::uint64_t lag_bytes = 0;  // known and not yet read
  base::Duration lag{0};        // how long ago it was written, when there is some
  // When it has more than one, by Discovery::name_files: the first kNamesMax, `path` at first.
  std::vector<std::string> names = {};
  std::uint64_t names_left_out = 0;
};

struct FilesSurvey {
  std::uint64_t files = 0;      // all that are looked at here
  std::uint64_t idle = 0;       // of them: nothing to do
  std::uint64_t behind = 0;     // of them: with bytes that are not read
  std::uint64_t waiting = 0;    // of them: for a descriptor
  std::uint64_t lag_bytes = 0;  // of all
  base::Duration lag{0};        // the longest
  std::vector<FileState> list;  // those in trouble, or all; at most as many as were asked for
  std::uint64_t left_out = 0;   // would be in the list, but for that

  // `all`: the list is of all files. Counts `file` in, and lists it if it belongs there.
  void add(FileState file, bool all, std::size_t list_max) {
    ++files;
    lag_bytes += file.lag_bytes;
    if (file.lag_bytes > 0) ++behind;
    if (file.lag > lag) lag = file.lag;
    if (!all && !file.trouble) return;
    if (list.size() < list_max) {
      list.push_back(std::move(file));
    } else {
      ++left_out;
    }
  }
};

}  // namespace sources
