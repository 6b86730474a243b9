// Is the file under a read still the one that was read? Its size and the bytes before the offset
// tell.
#include <algorithm>
#include <cstring>
#include <utility>

#include "sources/file_tail.h"

namespace sources {

// The file ends before byte `bytes`: was it cut, or was only the read short?
FileTail::Continuity FileTail::shorter_than(std::uint64_t bytes) const {
  const auto status = this->status();
  return status && status->size < bytes ? Continuity::refilled : Continuity::unclear;
}

// A read came to `end` and was not filled. Reads may be short for other reasons than the file's
// end.
bool FileTail::ends_at(std::uint64_t end) const {
  const auto status = this->status();
  return status ? status->size <= end : end == seen_end_;
}

// `bytes`: read from prefix_bytes() before the offset. Is the file under them still the one we
// read?
FileTail::Continuity FileTail::compare(std::string_view bytes) const {
  const std::size_t prefix = prefix_bytes();
  const std::string_view before = bytes.substr(0, std::min(prefix, bytes.size()));
  if (tail_known_ && std::memcmp(before.data(), tail_.data(), before.size()) != 0) {
    return Continuity::refilled;
  }
  if (at_head()) return compare_head(bytes);
  if (headed_) {
    if (const Continuity header = compare_header(bytes); header != Continuity::same) return header;
  }
  if (tail_known_) {
    if (prefix == 0) {  // behind what cannot be read there is only the size
      return shorter_than(offset_) == Continuity::refilled ? Continuity::refilled
                                                           : Continuity::same;
    }
    return before.size() < prefix ? shorter_than(offset_) : Continuity::same;
  }
  // A checkpoint's word is all there is.
  const std::size_t covered = checkpoint_.tail_bytes;
  if (before.size() < prefix) return shorter_than(offset_);
  if (covered == 0 || (covered > prefix && unreadable_end_ > 0)) {
    return shorter_than(offset_) == Continuity::refilled ? Continuity::refilled : Continuity::same;
  }
  const std::size_t compared = std::min(covered, prefix);
  const bool same = tail_hash(before.substr(prefix - compared)) == checkpoint_.tail_hash;
  return same ? Continuity::same : Continuity::refilled;
}

// Before its first byte of text is taken. `bytes`: as compare().
FileTail::Continuity FileTail::compare_head(std::string_view bytes) const {
  const std::size_t prefix = prefix_bytes();
  if (bytes.size() < prefix) return shorter_than(offset_);
  const std::string_view text = bytes.substr(prefix);
  const bool text_before =
      bytes.substr(0, prefix).find_first_not_of('\0') != std::string_view::npos;
  if (!tail_known_ && text_before) return Continuity::refilled;  // while its beginning was sought
  // With marks the first bytes were registered.
  if (tail_known_ && marks_.empty()) {
    return open_lines_.empty() ? Continuity::same : compare_open_lines(text);
  }
  const std::size_t covered = checkpoint_.tail_bytes;
  if (text.size() < covered) {
    if (ends_unreadable(offset_ + text.size())) return Continuity::same;  // nobody can tell
    return shorter_than(offset_ + covered);
  }
  const bool same = head_hash(text.substr(0, covered)) == checkpoint_.tail_hash;
  return same ? Continuity::same : Continuity::refilled;
}

// Behind its header nothing is taken: then the first bytes must be those that were registered, and
// what was seen behind it still there, for headers are alike. `bytes`: as compare().
FileTail::Continuity FileTail::compare_header(std::string_view bytes) const {
  const std::size_t prefix = prefix_bytes();
  const std::uint64_t header = offset_ - head_;
  const std::size_t covered = checkpoint_.tail_bytes;
  if (header <= prefix && bytes.size() >= prefix - header + covered &&
      head_hash(bytes.substr(prefix - header, covered)) != checkpoint_.tail_hash) {
    return Continuity::refilled;
  }
  const std::string_view text = bytes.substr(std::min(prefix, bytes.size()));
  if (text.size() < behind_header_bytes_) {
    if (ends_unreadable(offset_ + text.size())) return Continuity::same;  // nobody can tell
    return shorter_than(offset_ + behind_header_bytes_);
  }
  const bool same = head_hash(text.substr(0, behind_header_bytes_)) == behind_header_hash_;
  return same ? Continuity::same : Continuity::refilled;
}

// The first bytes of its text are all that is known of it, and `bytes`, its first ones, are none.
bool FileTail::begins_later(std::string_view bytes) const {
  return !tail_known_ && offset_ == 0 && bytes.starts_with('\0') && !delimiter().has_nul();
}

// True: it is not, or the read does not tell.
bool FileTail::is_another(TailRead& read, std::string_view bytes) {
  Continuity continuity = compare(bytes);
  const bool doubtful = continuity == Continuity::same && (at_head() || skipping());
  // Nothing was passed over yet, and so much is proven that it is not read again: the marks go.
  const bool proven = !at_head() && prefix_bytes() == kTailBytes;
  const bool only_marks = proven && offset_ > kReadAgainMax && (!tail_known_ || marks_new_);
  if (doubtful && !only_marks && contradicts_marks(bytes.substr(prefix_bytes()))) {
    continuity = Continuity::refilled;
  }
  if (continuity == Continuity::same) return false;
  free(read, true);
  if (continuity == Continuity::refilled) {
    start_over();
    return true;
  }
  const std::uint64_t end = offset_ - prefix_bytes() + bytes.size();
  suspect(end, end + 1);
  back_off();
  return true;
}

// So many that one read shows them, and whether there are more. No room behind them that is filled.
std::size_t FileTail::witness_bytes(std::string_view body) const {
  body = body.substr(0, std::min(kHeadBytes, parts_.chunks.buffer_bytes() - 1));
  return delimiter().has_nul() ? body.size() : body.find_last_not_of('\0') + 1;
}

// Until the first watermark is written, a restart knows the file by its first bytes, as many as
// there were when its origin was registered. If that was the beginning of a line, another content
// that begins alike would be taken for this one, and the marks would hide its lines. So before
// anything is delivered it is registered again with more of them.
bool FileTail::has_witness(std::string_view body) const {
  if (!at_head() || body.empty()) return true;
  if (checkpoint_.tail_bytes == 0) return false;
  if (!marks_.empty()) return true;
  // Nor if it was emptied and written anew since.
  const std::size_t known = checkpoint_.tail_bytes;
  return known <= body.size() && known >= witness_bytes(body) &&
         head_hash(body.substr(0, known)) == checkpoint_.tail_hash;
}

// After a restart the bytes before the offset, or its first ones, are what they were, but those may
// be a greeting that every run of a program begins with. A record of it that is stored ends within
// a line? Unless something else than lines ends records, its marks are of other bytes. `text`: from
// the offset on.
bool FileTail::contradicts_marks(std::string_view text) const {
  if (marks_.empty() || checkpoint_.goes_on) return false;
  // Nothing is stored of what is before the text.
  const auto before_text = [this](std::uint64_t mark) { return mark > 0 && mark <= head_; };
  if (std::ranges::any_of(marks_, before_text)) return true;
  const bool by_time = parts_.options.partial_line_timeout > base::Duration{0};
  const bool by_pages = parts_.options.on_read_error == OnReadError::skip;
  if (by_time || by_pages || parts_.options.once) return false;
  const pipeline::FramerOptions framer = parts_.intake.framer_options();
  return std::ranges::any_of(marks_, [&](std::uint64_t mark) {
    if (mark <= offset_ || mark - offset_ >= text.size()) return false;
    const std::string_view before = text.substr(0, static_cast<std::size_t>(mark - offset_));
    const std::size_t line = delimiter().last_end(before);
    const bool hole = before.ends_with('\0') || text[before.size()] == '\0';
    const bool piece = framer.long_lines == pipeline::LongLines::split &&
                       before.size() - line >= framer.line_bytes_max;
    return line < before.size() && !hole && !piece;
  });
}

// Nothing of it is delivered yet, but lines of a group were seen: are they still there?
FileTail::Continuity FileTail::compare_open_lines(std::string_view text) const {
  const std::size_t common = std::min(text.size(), open_lines_.size());
  if (text.substr(0, common) != std::string_view(open_lines_).substr(0, common)) {
    return Continuity::refilled;
  }
  return common < open_lines_.size() ? shorter_than(offset_ + open_lines_.size())
                                     : Continuity::same;
}

// Marks beyond the end speak of bytes the file no longer has: what comes there now is new and must
// not be skipped. From here on under a new origin.
bool FileTail::marks_beyond_file() const {
  const auto status = this->status();
  return status && status->size < *std::max_element(marks_.begin(), marks_.end());
}

// What was read comes to the file's end, and the marks do not.
bool FileTail::ends_below_marks(std::uint64_t end, bool at_end) const {
  if (!at_end || marks_.empty() || end >= *std::max_element(marks_.begin(), marks_.end())) {
    return false;
  }
  // The compressed form of one that is gone may not be written to its end yet.
  return !checkpoint_.goes_on || !compressed_ || !compressed_->unfinished();
}

// A compressed form that ends in the middle: nobody waits for the rest any more.
bool FileTail::has_all_it_will_get() const {
  return checkpoint_.goes_on && skipping() && compressed_ && !compressed_->unfinished() &&
         offset_ == seen_end_;
}

// It goes on as a generation that was read further than it goes: made before that generation's last
// lines were written. All of it is passed, what was stored under the marks; what it may get later
// is its own.
void FileTail::leave_marks(std::uint64_t end) {
  if (!checkpoint_.goes_on || offset_ != end) return;
  passed_something_over();
  marks_ = {};
  parts_.turns.caught_up.emplace_back(checkpoint_.origin, parts_.environment.clock.monotonic());
  marks_left_ = true;
}

// True: it is read once more first. It may have been truncated since this read, and then its marks
// say how far a copy of it is stored.
bool FileTail::doubt_marks(TailRead& read) {
  if (!std::exchange(marks_doubted_, true)) {
    free(read, true);
    make_ready();
    return true;
  }
  passed_something_over();  // perhaps: what is below the offset need not be what was read
  marks_ = {};
  return false;
}

// For a note that is made now, which may be long after the last look. What was noted without a
// look, while nobody deleted files, cannot be proved later.
bool FileTail::is_whole_now() {
  whole_ = whole_ && parts_.checkpointer.notes_whole();
  if (!whole_) return false;
  (void)status();
  doubt_rewritten(false);
  return whole_;
}

// Its last look shows another time, and the size it had at the one before: what was read may have
// been written anew, in place. A write sets the time before the size: unless `for_good`, one that
// is so recent is looked at again.
void FileTail::doubt_rewritten(bool for_good) {
  const bool written = end_.size == looked_.size && end_.modified_ns != looked_.modified_ns;
  if (written && end_.modified_ns != 0) {
    if (!for_good && distinct_time(looked_.modified_ns) == 0) return;
    const bool noted = checkpoint_.whole && checkpoint_.origin != base::Origin::none;
    passed_something_over();
    if (noted) parts_.checkpointer.update(checkpoint_);
  }
  end_ = looked_;
}

}  // namespace sources
