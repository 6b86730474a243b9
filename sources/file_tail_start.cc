// What stands at a generation's beginning and is no record: a byte order mark, header lines; and
// files that are no text at all.
#include <algorithm>
#include <cstring>
#include <utility>

#include "sources/binary_guard.h"
#include "sources/file_tail.h"

namespace sources {

namespace {
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // UTF-8's
}  // namespace

// Whoever reads on from behind the beginning has passed it: a checkpoint is never inside.
void FileTail::expect_start() {
  header_lines_ = offset_ == 0 ? parts_.options.header_lines : 0;
  header_open_ = offset_ == 0 && parts_.edges.has_header();
  at_start_ = offset_ == 0 && marks_.empty();
  headed_ = false;
}

void FileTail::expect_footer() {
  past_footer_ = checkpoint_.past_footer = checkpoint_.past_footer && parts_.edges.has_footer();
  footer_at_ = past_footer_ ? 0 : ~std::uint64_t{0};
}

// How much of `body`, read from the offset on, is no part of a record. All of it: what there is of
// a header, and it is not complete.
std::size_t FileTail::head_bytes(std::string_view body) const {
  std::size_t end = 0;
  for (std::uint32_t lines = header_lines_; lines > 0; --lines) {
    const std::size_t at = delimiter().find(body.substr(end));
    if (at == std::string_view::npos) return body.size();
    end += at + delimiter().size();
  }
  if (header_lines_ > 0) return end;
  if (offset_ != 0 || !body.starts_with(kByteOrderMark)) return 0;
  // A line that is too long with its mark keeps it, whichever way it is read.
  const std::size_t line_bytes = std::min(delimiter().find(body), body.size());
  const bool fits = line_bytes <= parts_.intake.framer_options().line_bytes_max;
  return fits ? kByteOrderMark.size() : 0;
}

// Whole lines of the header that `body`, read from the offset on, has.
std::uint32_t FileTail::header_lines_in(std::string_view body) const {
  std::uint32_t lines = 0;
  for (; lines < header_lines_; ++lines) {
    const std::size_t at = delimiter().find(body);
    if (at == std::string_view::npos) break;
    body.remove_prefix(at + delimiter().size());
  }
  return lines;
}

// A record behind the head is on its way.
void FileTail::took_head(std::size_t bytes) {
  if (header_lines_ > 0) {
    parts_.counters.header_lines_skipped.add(std::exchange(header_lines_, 0));
  } else {
    parts_.counters.bom_bytes_skipped.add(bytes);
  }
}

// A header waits in the file for the first record behind it, so that nothing has happened before
// (F44). One that fills a buffer cannot wait; the checkpoint stays before it all the same. `body`:
// in one piece with the bytes before it.
bool FileTail::pass_header(TailRead& read, std::string_view body) {
  const bool full = prefix_bytes() + body.size() == read.buffer.size();
  if (header_lines_ == 0 || (!full && body.size() < kRescanBytes)) return false;
  std::size_t end = 0;
  std::uint32_t lines = 0;
  for (; lines < header_lines_; ++lines) {
    const std::size_t at = delimiter().find(body.substr(end));
    if (at == std::string_view::npos) break;
    end += at + delimiter().size();
  }
  // With its first record in view, and no hole before that, it waits for it. The lines of a group
  // may need all the room.
  const std::size_t text = text_bytes(body);
  const bool all = lines == header_lines_ && end < text;
  const bool grouping = parts_.intake.group_options() != nullptr;
  const auto record = all ? delimiter().find(body.substr(end, text - end)) : std::string_view::npos;
  if (!grouping && record != std::string_view::npos) return false;
  // A delimiter may have begun. What may still be a record stays.
  const bool cut = lines < header_lines_ && !header_open_;
  if (cut) end = std::max(end, body.size() - (delimiter().size() - 1));
  if (end == 0) return false;
  parts_.counters.header_lines_skipped.add(lines);
  header_lines_ -= lines;
  at_start_ = false;
  const std::string_view before(body.data() - prefix_bytes(), prefix_bytes() + end);
  std::string_view behind = body.substr(end, std::min(text - std::min(end, text), kHeadBytes));
  // Room that was made in advance is filled.
  if (!delimiter().has_nul()) behind = behind.substr(0, behind.find_last_not_of('\0') + 1);
  behind_header_bytes_ = static_cast<std::uint32_t>(behind.size());
  behind_header_hash_ = head_hash(behind);
  offset_ += end;
  headed_ = true;
  std::memcpy(tail_.data(), before.data() + (before.size() - prefix_bytes()), prefix_bytes());
  free(read, true);
  next(true);
  return true;
}

// With a pattern: how many of the first lines of `body`, read from the offset on, are a header's;
// one more while the next may be, and then all of it waits. The same bytes give the same answer,
// and they may change until something of them is taken. `last`: an unfinished line is a line.
void FileTail::judge_header(std::string_view body, bool full, bool last) {
  if (!header_open_) return;
  header_lines_ = 0;
  std::string_view rest = body;
  if (offset_ == 0 && rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  while (true) {
    const std::size_t at = delimiter().find(rest);
    const bool whole = at != std::string_view::npos;
    if (!whole && full && header_lines_ == 0) {
      header_open_ = false;  // no read shows all of it: too long for a header
      return;
    }
    if (!whole && (!last || rest.empty())) {
      ++header_lines_;
      return;
    }
    if (!parts_.edges.is_header(rest.substr(0, at), delimiter().is_newline())) return;
    ++header_lines_;
    if (!whole) return;
    rest.remove_prefix(at + delimiter().size());
  }
}

// `body` may end with a record although all of it waits as if it were a header.
bool FileTail::may_be_record(std::string_view body) const {
  if (!header_open_) return false;
  const std::string_view line = body.substr(delimiter().last_end(body));
  return !line.empty() && !parts_.edges.is_header(line, delimiter().is_newline());
}

// Where in `body`, read from the offset on, the line begins that ends the generation's records;
// npos: it is not there. What is longer than a record may be is none, for it may be read in pieces.
std::size_t FileTail::find_footer(std::string_view body, bool last) const {
  constexpr std::size_t kNone = std::string_view::npos;
  const std::string_view before(tail_.data(), prefix_bytes());
  std::size_t begin = head_bytes(body);
  if (begin == 0 && !at_head() && !ends_line(before)) {  // in the middle of a line
    const std::size_t end = delimiter().find(body);
    if (end == kNone) return kNone;
    begin = end + delimiter().size();
  }
  while (begin < body.size()) {
    const std::size_t bytes = delimiter().find(body.substr(begin));
    if (bytes == kNone && !last) break;
    const std::string_view line = body.substr(begin, bytes);
    const bool fits = line.size() <= parts_.intake.framer_options().line_bytes_max;
    if (fits && parts_.edges.is_footer(line, delimiter().is_newline())) return begin;
    if (bytes == kNone) break;
    begin += bytes + delimiter().size();
  }
  return kNone;
}

// True: nothing of `body` is before the line that ended the records, and it is passed over. `last`
// as above.
bool FileTail::pass_footer(TailRead& read, std::string_view body, bool last) {
  if (!parts_.edges.has_footer()) return false;
  std::size_t begin = 0;
  if (!past_footer_) {
    const std::string_view text = body.substr(0, text_bytes(body));
    begin = find_footer(text, last && text.size() == body.size());
    footer_at_ = begin == std::string_view::npos ? begin : offset_ + begin;
    if (begin == std::string_view::npos || head_bytes(body.substr(0, begin)) < begin) return false;
    if (delimiter().find(text.substr(begin)) == std::string_view::npos && may_go_on()) {
      wait_for_end(read);
      return true;
    }
    if (begin > 0) took_head(begin);
    const std::size_t line = delimiter().find(text.substr(begin));
    const bool alone =
        line == std::string_view::npos || begin + line + delimiter().size() == body.size();
    if (!alone) passed_something_over();  // what is behind it was read by nobody
    past_footer_ = true;
    header_open_ = false;
    parts_.counters.footers.add();
  } else if (!body.empty()) {
    passed_something_over();
  }
  parts_.counters.footer_bytes_skipped.add(body.size() - begin);
  offset_ += body.size();
  const std::size_t known = prefix_bytes();
  if (!body.empty()) track(nullptr, {body.data() + body.size() - known, known});
  untaken_ = group_open_ = hold_group_ = timed_out_ = false;
  forget_open_lines();
  free(read, true);
  next(!body.empty());
  return true;
}

// Half a line may be any line's beginning. Whoever takes it for what ends the records loses all
// that follows, so time alone does not make it one, only that nobody can write the rest.
bool FileTail::may_go_on() const {
  if (parts_.options.once) return false;
  const auto status = parts_.environment.files.status(handle_);
  return !status || status->links > 0;
}

// What is left stays in the file until it grows, or is gone.
void FileTail::wait_for_end(TailRead& read) {
  untaken_ = group_open_ = hold_group_ = false;
  forget_open_lines();
  free(read, true);
  next(false);
}

// It stays where it is, at its beginning, and is looked at again when it changes.
bool FileTail::set_aside(TailRead& read, std::string_view body) {
  const bool binary = at_start_ && !parts_.options.allow_binary && view() == nullptr &&
                      looks_binary(body, delimiter());
  if (!binary) {
    binary_ = false;
    if (at_start_) parts_.turns.binary.erase(checkpoint_.identity);
    return false;
  }
  binary_ = true;
  if (parts_.turns.binary.size() >= TailTurns::kBinaryMax) parts_.turns.binary.clear();
  if (parts_.turns.binary.insert(checkpoint_.identity).second) {
    parts_.counters.files_binary.add();
    parts_.environment.log.warn("file is no text, set aside; allow_binary reads it",
                                {{"path", checkpoint_.path}});
  }
  const auto status = this->status();
  if (status) seen_end_ = text_end_ = std::max(seen_end_, status->size);
  untaken_ = group_open_ = hold_group_ = false;
  forget_open_lines();
  long_line_.reset();
  free(read, true);
  next(false);
  return true;
}

}  // namespace sources
