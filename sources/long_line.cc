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
  const std::size_t newline = pipeline::find_newline(fresh);
  if (newline == std::string_view::npos) {
    scanned_ += fresh.size();
    remember(fresh);
    if (options_.long_lines == pipeline::LongLines::split && scanned_ > options_.line_bytes_max) {
      step_ = Step::hold;
    }
    return;
  }
  scanned_ += newline;
  remember(fresh.substr(0, newline + 1));
  terminated_ = true;
  decide();
}

void LongLine::pass_nuls(std::uint64_t bytes) {
  scanned_ += bytes;
  tail_.fill('\0');
  tail_bytes_ = kTailBytes;
}

void LongLine::end() { decide(); }

// A line of line_bytes_max and a CR is not too long: the framer strips it, so let the framer see.
void LongLine::decide() {
  const bool whole = scanned_ <= options_.line_bytes_max + 1;
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
