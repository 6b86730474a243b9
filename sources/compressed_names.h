// Names of compressed files: which of them a flow leaves alone, which it reads.
//
// A name decides only whether a file is matched by a pattern. How it is compressed, if it is, its
// first bytes tell (sources/inflater.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace sources {

enum class CompressedFiles : std::uint8_t {
  skip,  // names that end as compressed files' do are matched only by patterns that end so, too
  read,  // gzip and zstd files are read as what they were made of; others are skipped
  raw,   // all bytes are read as they are
};

// The end of `name` that says it is compressed, ".gz"; empty: it has none.
std::string_view compressed_suffix(std::string_view name);
// We can read what is in such a file.
bool can_inflate(std::string_view suffix);
// `name` without its compressed_suffix().
std::string_view without_compressed_suffix(std::string_view name);

// `name` is left alone although `last_part`, the last part of a pattern, matches it.
bool passed_over(CompressedFiles mode, std::string_view last_part, std::string_view name);

}  // namespace sources
