// RecentBytes: the last bytes that the files of one set delivered, all files together, to say where
// lines ended in them.
//
// For copies of logs (docs/design/0008-copies.md): lines that are written after a copy was made and
// read before the original is truncated make the copy end before the last watermark. That is a
// matter of milliseconds, so a bounded memory of what came last is enough, and an idle file costs
// nothing. Nothing is allocated before the first bytes, and nothing after. One per set, on its
// reactor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "pipeline/delimiter.h"
#include "sources/checkpoint.h"

namespace sources {

class RecentBytes {
 public:
  static constexpr std::size_t kBytes = std::size_t{256} << 10;
  // The last of one chunk. A log that is read in full chunks has gaps between them.
  static constexpr std::size_t kPieceBytesMax = std::size_t{16} << 10;
  static constexpr std::size_t kPiecesMax = 1024;

  // All of a generation below `end` is on its way, and these bytes are before it.
  void add(base::Origin origin, std::uint64_t end, std::string_view before_end);
  // What follows in this generation is of another origin.
  void rename(base::Origin before, base::Origin after);
  // The last places below `end` where lines of this generation end, as far as they are remembered;
  // ascending, at most `most`.
  std::vector<LineEnd> line_ends(base::Origin origin, std::uint64_t end,
                                 const pipeline::Delimiter& delimiter,
                                 std::size_t most = kLineEndsMax) const;

 private:
  struct Piece {
    base::Origin origin = base::Origin::none;
    std::uint64_t end = 0;
    std::size_t at = 0;
    std::size_t bytes = 0;
  };
  const Piece& piece(std::size_t index) const { return pieces_[(first_ + index) % kPiecesMax]; }
  void forget_first();

  std::unique_ptr<char[]> bytes_;  // the pieces lie in it one behind the other, and round again
  std::vector<Piece> pieces_;      // a ring; the oldest first
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::size_t next_ = 0;  // where the next one goes
};

}  // namespace sources
