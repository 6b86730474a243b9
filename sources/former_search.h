// FormerSearch: is this compressed file one that was read already, before it was compressed (F11)?
//
// Asked about those that are gone: are the bytes before their offsets here, too? Pure: says what to
// read next, in ascending order, so that one pass of inflating answers for all.
//
// What is a proof: kProofBytes equal bytes; or all bytes of the file, when there are fewer; or all
// that was read of a generation that was truncated. The first line of
// many a log is the same, so a name is none. The hash of a file's first bytes counts as well,
// because its origin may have marks already (see Checkpoint).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sources/checkpoint.h"

namespace sources {

struct Former {  // a file that is gone
  Checkpoint checkpoint;
  std::vector<std::uint64_t> marks;  // per outlet, of its origin; empty: nothing to skip
  bool likely = false;               // the names say so, too: decides between equals
  bool ended = false;                // a generation that was truncated: all bytes read are a proof
};

class FormerSearch {
 public:
  static constexpr std::size_t kProofBytes = 64;

  explicit FormerSearch(std::vector<Former> formers);

  struct Wanted {
    std::uint64_t from;  // decompressed bytes
    std::size_t bytes;   // at most kTailBytes + 1
  };
  std::optional<Wanted> next() const;  // nullopt: all were asked about
  // `bytes`: what was read there; fewer than wanted: there it ends.
  void answer(std::string_view bytes);

  // Once next() has no more: whose it is; nullptr: nobody's.
  Former* found();

 private:
  std::vector<Former> formers_;  // ascending by what is wanted
  std::size_t at_ = 0;
  std::optional<std::size_t> best_;
};

}  // namespace sources
