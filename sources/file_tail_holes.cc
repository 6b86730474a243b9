// NULs that nobody wrote: holes in a file, passed over without being read.
#include <algorithm>
#include <cstring>
#include <utility>

#include "sources/file_tail.h"

namespace sources {
namespace {

// Where a hole can begin: file systems have blocks of a page, which is one of these.
constexpr std::uint64_t kBlockBytes[] = {std::uint64_t{4} << 10, std::uint64_t{64} << 10};

// Two compared with each other, as fast as memory: most often it is all or nothing.
std::size_t leading_nuls(std::string_view bytes) {
  if (!bytes.starts_with('\0')) return 0;
  if (std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0) return bytes.size();
  return std::min(bytes.find_first_not_of('\0'), bytes.size());
}

}  // namespace

// Bytes of the hole that begins at `at`, up to the next data or the file's end; 0: none there, or
// not worth passing over.
std::uint64_t FileTail::hole_bytes(std::uint64_t at) const {
  if (view() != nullptr) return 0;
  const auto data = parts_.environment.files.data_from(handle_, at);
  return data && *data >= at + kHoleBytesMin ? *data - at : 0;
}

// Do NULs lead from `at`, where `bytes` were read, into a hole? Depends on the file alone, not on
// how it was read, so that a restart cuts the same records.
bool FileTail::leads_into_hole(std::uint64_t at, std::string_view bytes) const {
  const std::size_t nuls = leading_nuls(bytes);
  return nuls > 0 && std::ranges::any_of(kBlockBytes, [&](std::uint64_t block) {
           const std::uint64_t rest_of_block = (block - at % block) % block;
           return rest_of_block <= nuls && hole_bytes(at + rest_of_block) > 0;
         });
}

// Is what comes next no text? `body`: read from the offset on. Behind a generation's start, where
// any NULs are none, those that lead into a hole (F07, F49) and begin where a record may begin:
// behind a delimiter, or behind the last NUL of a line that was cut.
bool FileTail::before_hole(std::string_view body) const {
  if (!body.starts_with('\0') || delimiter().has_nul()) return false;
  const std::string_view before(tail_.data(), prefix_bytes());
  if (before.empty()) return leads_into_hole(offset_, body);  // behind what cannot be read
  return (ends_line(before) || before.back() == '\0') && leads_into_hole(offset_, body);
}

// Where `body`, read from the offset on, ends for now if the NULs at its byte `at` lead into a
// hole: where before_hole() sees it. npos: they do not.
std::size_t FileTail::text_before(std::string_view body, std::size_t at) const {
  constexpr std::size_t kNone = std::string_view::npos;
  const std::size_t last = body.find_last_not_of('\0', at);
  if (last == kNone) return kNone;
  if (ends_line(body.substr(0, last + 1))) {
    return leads_into_hole(offset_ + last + 1, body.substr(last + 1)) ? last + 1 : kNone;
  }
  const pipeline::FramerOptions framer = parts_.intake.framer_options();
  if (framer.long_lines != pipeline::LongLines::split) return kNone;
  // The line goes on with NULs: its first piece that ends with one is its last.
  const std::size_t begin = delimiter().last_end(body.substr(0, last + 1));
  const std::size_t pieces = (last + 1 - begin) / framer.line_bytes_max + 1;
  const std::size_t end = begin + pieces * framer.line_bytes_max;
  // What makes the framer sure that it is a piece.
  const std::size_t shown = end + framer.certain_bytes() - framer.line_bytes_max;
  return shown < body.size() && leads_into_hole(offset_ + end, body.substr(end)) ? shown : kNone;
}

// What lies between `at` and the file's end, if that is a hole and what is left of a block.
std::uint64_t FileTail::reserved_bytes(std::uint64_t at) const {
  const auto status = this->status();
  if (!status || view() != nullptr) return 0;
  for (const std::uint64_t block : kBlockBytes) {
    const std::uint64_t from = at + (block - at % block) % block;
    if (from < status->size && from + hole_bytes(from) == status->size) return status->size - at;
  }
  return 0;
}

// Bytes that were seen behind the offset and not taken; room that nobody filled is none of them.
std::uint64_t FileTail::seen_unread() const {
  const std::uint64_t end = std::min(seen_end_, room_begin_);
  return end > offset_ ? end - offset_ : 0;
}

// How much of `body`, read from the offset on, was written: all, unless it breaks off in a line, or
// in a group of lines, and a hole follows up to the file's end. Whoever made room in advance has
// not come that far yet.
std::size_t FileTail::written_bytes(std::string_view body) const {
  if (!body.ends_with('\0') || delimiter().has_nul()) return body.size();
  const std::size_t last = body.find_last_not_of('\0');
  if (last == std::string_view::npos) return body.size();
  const bool grouping = parts_.intake.group_options() != nullptr;
  if (!grouping && ends_line(body.substr(0, last + 1))) return body.size();
  const std::size_t written = last + 1;
  const std::uint64_t reserved = reserved_bytes(offset_ + written);
  // All that is seen of it are NULs; what is not seen is a hole.
  const std::uint64_t in_block = kBlockBytes[1];
  const bool seen = body.size() - written >= std::min<std::uint64_t>(in_block, reserved) ||
                    (offset_ + body.size()) % kBlockBytes[0] == 0 ||
                    hole_bytes(offset_ + body.size()) > 0;
  return reserved > 0 && seen ? written : body.size();
}

// How much of `body`, read from the offset on, comes before a hole: most often all of it. A hole
// has a byte at a multiple of its least size, or goes on behind the body, so a few looks are
// enough.
std::size_t FileTail::text_bytes(std::string_view body) const {
  if (delimiter().has_nul()) return body.size();
  std::size_t at = (kHoleBytesMin - offset_ % kHoleBytesMin) % kHoleBytesMin;
  for (; !body.empty(); at += kHoleBytesMin) {
    at = std::min(at, body.size() - 1);
    const std::size_t text = body[at] == '\0' ? text_before(body, at) : std::string_view::npos;
    if (text != std::string_view::npos) return text;
    if (at == body.size() - 1) break;
  }
  return body.size();
}

// What a writer leaves that does not append: when its file is emptied it goes on where it was,
// behind a hole (F07); or one that seeks. The first byte that is no NUL is where text begins. As
// long as there is none, the offset stays: a file that was made of NULs in advance is written from
// there. `bytes`: read behind the NULs that are known.
void FileTail::pass_nuls(TailRead& read, std::string_view bytes) {
  const bool full = bytes.size() == read.buffer.size();
  const std::size_t more = leading_nuls(bytes);
  nuls_ += more;
  const bool unreadable = ends_unreadable(nuls_);
  const bool at_end = !unreadable && !full && ends_at(nuls_);
  untaken_ = group_open_ = hold_group_ = false;  // what was there before
  forget_open_lines();
  long_line_.reset();
  free(read, true);
  if (more < bytes.size() || unreadable) {
    if (tail_known_) parts_.counters.nul_bytes_skipped.add(nuls_ - offset_);
    passed_something_over();
    if (at_head()) head_ = nuls_;
    offset_ = std::exchange(nuls_, 0);
    seen_end_ = std::max(seen_end_, offset_);
    room_begin_ = kNoRoom;
    tail_.fill('\0');
    next(true);
    return;
  }
  const bool growing = compressed_ && compressed_->unfinished();
  if (at_end && !tail_known_ && !growing) {  // it has lost its text
    seen_end_ = offset_;
    nuls_ = 0;
    return start_over();
  }
  seen_end_ = std::max(seen_end_, nuls_);
  room_begin_ = offset_;
  if (!at_end) {
    if (bytes.empty() && std::exchange(end_doubted_, true)) {
      suspect(nuls_, nuls_ + 1);
      return back_off();
    }
    if (view() != nullptr) return next(true);  // holes are the file's, not the text's
    if (const auto data = parts_.environment.files.data_from(handle_, nuls_)) {
      nuls_ = std::max(nuls_, *data);
    }
    next(true);
    return;
  }
  if (letting_go_) parts_.counters.nul_bytes_skipped.add(nuls_ - offset_);
  nuls_ = 0;  // from the offset again: that is where something may appear
  next(false);
}

// In a line that is too long anyway, at its byte `at` of the file. The hole is part of the line,
// and counted with what is cut off of it.
void FileTail::scan_over_hole(std::uint64_t at) {
  if (delimiter().has_nul()) return;
  const std::uint64_t bytes = hole_bytes(at);
  if (bytes == 0) return;
  passed_something_over();
  long_line_->pass_nuls(bytes);
  seen_end_ = std::max(seen_end_, at + bytes);
}

}  // namespace sources
