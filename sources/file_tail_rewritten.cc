// Files that were written anew in the place of another, by `sed -i`, an editor or rsync (F21). Who
// waits for whom is in tail_set_rewrites.cc.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "sources/file_tail.h"

namespace sources {

// Deleted, or renamed to what editors call the former version. One that went elsewhere was rotated.
FileTail::Replaced FileTail::replaced_by(const std::string& path) const {
  if (checkpoint_.path != path || view() != nullptr || probing_ || binary_) return Replaced::no;
  if (resting()) return Replaced::no;
  const bool kept = moved_to_ == path + "~";
  if (!moved_to_.empty() && !kept) return Replaced::no;
  if (phase_ == Phase::backing_off || (!kept && !deleted())) return Replaced::perhaps;
  const bool at_rest =
      phase_ == Phase::idle || phase_ == Phase::closing || phase_ == Phase::finished;
  // An open group is not lost if it is taken here; and it is, soon.
  if (!at_rest || !window_.empty() || group_open_) return Replaced::not_yet;
  if (timed_out_ && !ends_line({tail_.data(), prefix_bytes()})) return Replaced::no;  // torn
  const std::uint64_t proof = std::min<std::uint64_t>(offset_, kTailBytes);
  const bool known =
      checkpoint_.offset == offset_ && offset_ > 0 && checkpoint_.tail_bytes == proof;
  return known ? Replaced::yes : Replaced::no;
}

// What is behind the offset is in the other one, too, if it is anywhere: no marks.
Former FileTail::as_former() const {
  Former former{.checkpoint = checkpoint_,
                .marks = {},
                .likely = true,
                .ended = true,
                .rewritten = true,
                .number = number_};
  former.checkpoint.line_ends = {};
  return former;
}

// Blocking, of bytes that were read a moment ago: once for each file that is written anew.
void FileTail::leave_to(const FileTail& other) {
  constexpr std::size_t kOpenLineMax = 4096;
  std::array<char, kOpenLineMax> here{};
  std::array<char, kOpenLineMax> there{};
  const auto status = parts_.environment.files.status(handle_);  // perhaps nobody told of its end
  if (!status || status->size <= offset_ || status->size - offset_ > kOpenLineMax) return;
  const auto count = static_cast<std::size_t>(status->size - offset_);
  io::Files& files = parts_.environment.files;
  const auto read = files.read_at(handle_, std::span(here).first(count), offset_);
  const auto others = files.read_at(other.handle_, std::span(there).first(count), offset_);
  const bool same = read && *read == count && others && *others == count && here == there;
  if (same) left_end_ = status->size;
}

void FileTail::may_be_rewritten(std::vector<Former> formers) {
  std::ranges::move(formers, std::back_inserter(formers_));
}

bool FileTail::has_bytes(std::uint64_t count) const {
  const auto status = parts_.environment.files.status(handle_);
  return status && status->size >= count;
}

}  // namespace sources
