#include "sources/recent_bytes.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace sources {
namespace {

// Where the last delimiter ends that ends at or before `at`; 0: none does.
std::size_t last_end_until(std::string_view bytes, std::size_t at,
                           const pipeline::Delimiter& delimiter) {
  const std::string_view text = delimiter.bytes();
  if (at < text.size()) return 0;
  const std::size_t found = bytes.rfind(text, at - text.size());
  return found == std::string_view::npos ? 0 : found + text.size();
}

}  // namespace

void RecentBytes::forget_first() {
  first_ = (first_ + 1) % kPiecesMax;
  --count_;
}

void RecentBytes::add(base::Origin origin, std::uint64_t end, std::string_view before_end) {
  if (!bytes_) {
    bytes_ = std::make_unique_for_overwrite<char[]>(kBytes);
    pieces_.resize(kPiecesMax);
  }
  const std::string_view kept =
      before_end.substr(before_end.size() - std::min(before_end.size(), kPieceBytesMax));
  if (next_ + kept.size() > kBytes) {
    // What is behind here is older than what is at the beginning.
    while (count_ > 0 && piece(0).at >= next_) forget_first();
    next_ = 0;
  }
  const auto in_the_way = [&] {
    return piece(0).at < next_ + kept.size() && piece(0).at + piece(0).bytes > next_;
  };
  while (count_ == kPiecesMax || (count_ > 0 && in_the_way())) forget_first();
  std::memcpy(bytes_.get() + next_, kept.data(), kept.size());
  pieces_[(first_ + count_) % kPiecesMax] = {origin, end, next_, kept.size()};
  ++count_;
  next_ += kept.size();
}

void RecentBytes::rename(base::Origin before, base::Origin after) {
  for (std::size_t i = 0; i < count_; ++i) {
    Piece& each = pieces_[(first_ + i) % kPiecesMax];
    if (each.origin == before) each.origin = after;
  }
}

std::vector<LineEnd> RecentBytes::line_ends(base::Origin origin, std::uint64_t end,
                                            const pipeline::Delimiter& delimiter,
                                            std::size_t most) const {
  std::vector<LineEnd> ends;
  std::uint64_t below = end;  // what is not below is known
  for (std::size_t i = count_; i-- > 0 && ends.size() < most;) {
    const Piece& each = piece(i);
    if (each.origin != origin || each.bytes == 0) continue;
    const std::string_view bytes(bytes_.get() + each.at, each.bytes);
    const std::uint64_t begin = each.end - each.bytes;
    if (begin >= below) continue;
    std::size_t at = std::min<std::uint64_t>(below - begin, bytes.size() + 1) - 1;
    while (ends.size() < most && (at = last_end_until(bytes, at, delimiter)) > 0) {
      const std::uint64_t offset = begin + at;
      // Before a line that is too long for any: nobody wrote that in a moment.
      if (end - offset > std::numeric_limits<std::uint32_t>::max()) break;
      const std::size_t count = std::min<std::uint64_t>(offset, kTailBytes);
      if (count > at) break;
      ends.push_back({offset, tail_hash(bytes.substr(at - count, count))});
      below = offset;
      --at;
    }
  }
  std::ranges::reverse(ends);
  return ends;
}

}  // namespace sources
