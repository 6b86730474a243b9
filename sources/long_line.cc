#include "sources/long_line.h"

#include <algorithm>
#include <cstring>

namespace sources {

LongLine::LongLine(std::string_view beginning, const pipeline::FramerOptions& options)
    : options_(options), scanned_(beginning.size()) {
  remember(beginning);
  if (options_.long_lines == pipeline::LongLines::split && scanned_ > options_.line_bytes_max) {
    step_ = Step::hold;  // its first piece can be taken now
  }
}

std::string_view LongLine::tail() const { return {tail_.data(), tail_bytes_}; }

void LongLine::scan(std::string_view fresh) {
  std::uint64_t line_bytes = 0;
  const std::size_t end = end_of_line(fresh, line_bytes);
  if (end == 0) {
    scanned_ += fresh.size();
    remember(fresh);
    if (options_.long_lines == pipeline::LongLines::split && scanned_ > options_.line_bytes_max) {
      step_ = Step::hold;
    }
    return;
  }
  scanned_ = line_bytes;
  remember(fresh.substr(0, end));
  terminated_ = true;
  decide();
}

// How much of `fresh` belongs to the line and its delimiter; 0: the delimiter is not there. It may
// have begun before.
std::size_t LongLine::end_of_line(std::string_view fresh, std::uint64_t& line_bytes) const {
  const pipeline::Delimiter& delimiter = options_.delimiter;
  const std::size_t part = delimiter.size() - 1;  // at most so much of it is in either
  std::array<char, 2 * pipeline::Delimiter::kBytesMax> seam{};
  const std::string_view before = tail().substr(tail_bytes_ - std::min(tail_bytes_, part));
  const std::string_view behind = fresh.substr(0, part);
  std::ranges::copy(behind, std::ranges::copy(before, seam.begin()).out);
  const std::size_t seam_at = delimiter.find({seam.data(), before.size() + behind.size()});
  if (seam_at != std::string_view::npos) {
    line_bytes = scanned_ - (before.size() - seam_at);
    return seam_at + delimiter.size() - before.size();
  }
  const std::size_t at = delimiter.find(fresh);
  line_bytes = scanned_ + at;
  return at == std::string_view::npos ? 0 : at + delimiter.size();
}

void LongLine::pass_nuls(std::uint64_t bytes) {
  scanned_ += bytes;
  tail_.fill('\0');
  tail_bytes_ = kTailBytes;
}

void LongLine::end() { decide(); }

// A line of line_bytes_max and a CR is not too long: the framer strips it, so let the framer see.
void LongLine::decide() {
  const bool whole =
      scanned_ <= options_.line_bytes_max + (options_.delimiter.is_newline() ? 1 : 0);
  step_ = whole || options_.long_lines == pipeline::LongLines::split ? Step::hold : Step::cut;
}

void LongLine::remember(std::string_view bytes) {
  if (bytes.size() >= kTailBytes) {
    std::memcpy(tail_.data(), bytes.data() + bytes.size() - kTailBytes, kTailBytes);
    tail_bytes_ = kTailBytes;
    return;
  }
  const std::size_t kept = std::min(tail_bytes_, kTailBytes - bytes.size());
  std::memmove(tail_.data(), tail_.data() + (tail_bytes_ - kept), kept);
  if (!bytes.empty()) std::memcpy(tail_.data() + kept, bytes.data(), bytes.size());
  tail_bytes_ = kept + bytes.size();
}

}  // namespace sources
