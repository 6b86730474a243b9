// Inflater: a stream of compressed bytes → its decompressed bytes, a piece at a time. No I/O.
//
// One for each format; members (gzip) and frames (zstd, skippable ones too) that follow each other
// are one stream. Memory: gzip 40 KiB; zstd its frame's window, at most kZstdWindowBytesMax, and
// two blocks of 128 KiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace sources {

enum class Compression : std::uint8_t { none, gzip, zstd };

// A frame that wants a larger window is refused: whoever wrote the file would decide about our
// memory (S22). What `zstd --long` writes at most without asking its reader for a larger one.
constexpr std::size_t kZstdWindowBytesMax = std::size_t{128} << 20;

// So many of a file's first bytes tell how it is compressed.
constexpr std::size_t kMagicBytes = 4;

// `head`: a file's first bytes, kMagicBytes of them or all there are.
Compression compression_of(std::string_view head);
// Too few to tell: more of them may make it a compressed file's.
bool may_become_compressed(std::string_view head);

struct Inflated {
  enum class State : std::uint8_t {
    between,  // a member has ended here; the stream may end, too
    inside,
    no_memory,  // at the moment. Nothing is wrong with the stream, but this inflater is of no use
                // any more, and what it gave with this call may be too little
    broken,     // what follows `taken` is no valid continuation; for good
  };
  std::size_t taken = 0;  // bytes of the input, from its beginning
  std::size_t given = 0;  // bytes of the output. All of it: there may be more without any input
  State state = State::between;
};

class Inflater {
 public:
  Inflater() = default;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  virtual ~Inflater() = default;

  // Stops at a member's end, even if there is room for more.
  virtual Inflated inflate(std::string_view in, std::span<char> out) = 0;
  // Why it is broken. Lives as long as this.
  virtual std::string_view error() const = 0;
};

// Before its first byte. nullptr: no memory.
std::unique_ptr<Inflater> make_inflater(Compression compression);
std::unique_ptr<Inflater> make_gzip_inflater();
std::unique_ptr<Inflater> make_zstd_inflater();

}  // namespace sources
