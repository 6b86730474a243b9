#include "agent/last_lines.h"

#include <algorithm>
#include <string>

namespace agent {

base::Result<std::uint64_t> last_lines_offset(io::Files& files, io::Handle handle,
                                              std::uint64_t file_bytes, std::uint64_t lines) {
  if (lines == 0 || file_bytes == 0) return file_bytes;
  constexpr std::uint64_t kBlockBytes = 64 * 1024;
  std::string block(kBlockBytes, '\0');
  std::uint64_t end = file_bytes;
  std::uint64_t found = 0;
  const std::uint64_t least = file_bytes - std::min(file_bytes, kLastLinesBytesMax);
  while (end > least) {
    const std::uint64_t begin = end - std::min(end - least, kBlockBytes);
    const std::size_t got = TRY(files.read_at(handle, {block.data(), end - begin}, begin));
    for (std::uint64_t at = got; at-- > 0;) {
      // The newline that ends the file ends its last line; it begins none.
      if (block[at] != '\n' || begin + at + 1 == file_bytes) continue;
      if (++found == lines) return begin + at + 1;
    }
    end = begin;
  }
  return least;
}

}  // namespace agent
