// What a read means: which lines are complete, what comes next. Whether it is the same file is in
// file_tail_continuity.cc, what reads as NULs in file_tail_holes.cc, what cannot be read in
// file_tail_errors.cc.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "sources/file_tail.h"

namespace sources {

std::size_t FileTail::prefix_bytes() const {
  return static_cast<std::size_t>(std::min<std::uint64_t>(offset_ - unreadable_end_, kTailBytes));
}

// With so many bytes in view from a group's beginning, its end is too: the longest group, and the
// longest line that could have belonged to it.
std::size_t FileTail::group_bytes() const {
  return parts_.intake.group_options()->bytes_max + parts_.intake.framer_options().certain_bytes();
}

std::size_t FileTail::large_buffer_bytes() const {
  std::size_t hold = 0;
  if (hold_group_) {
    hold = group_bytes();
  } else if (long_line_ && long_line_->step() != LongLine::Step::scan) {
    hold = long_line_->hold_bytes();
  } else {
    return 0;
  }
  const std::size_t bytes = prefix_bytes() + hold;
  return bytes > parts_.chunks.buffer_bytes() ? bytes : 0;
}

// Where an ordinary read begins.
std::uint64_t FileTail::next_read() const {
  if (long_line_ && long_line_->step() == LongLine::Step::scan) {
    return offset_ + long_line_->scan_offset();
  }
  return nuls_ > 0 ? nuls_ : offset_ - prefix_bytes();
}

void FileTail::start(TailRead& read) {
  ASSERT(phase_ == Phase::ready);
  phase_ = Phase::reading;
  only_asked_ = false;
  if (nuls_ == 0) look_again_ = false;  // else it looks behind what may have changed
  asked_ = probing_ && offset_ == 0 ? question_ : 0;
  // What is behind a line's beginning says nothing about what is before it.
  const bool scanning = long_line_ && long_line_->step() == LongLine::Step::scan;
  const bool only_asked = scanning && question_ != 0;
  const std::uint64_t from = only_asked ? offset_ - prefix_bytes() : next_read();
  if (start_probe(read, from) || start_other(read)) return;
  only_asked_ = only_asked;
  asked_ = from + prefix_bytes() == offset_ ? question_ : 0;
  read_at(read, from);
}

void FileTail::done(TailRead& read, std::int64_t result) {
  ASSERT(phase_ == Phase::reading);
  parts_.counters.reads.add();
  phase_ = Phase::idle;
  read_failed_ = result < 0;
  if (probes_) return probed_page(read, result);
  if (done_other(read, result)) return;
  if (result < 0) {
    const std::size_t bytes = read.buffer.size();
    const std::uint64_t from = search_       ? search_->next()->from
                               : probing_    ? 0
                               : only_asked_ ? offset_ - prefix_bytes()
                                             : next_read();
    free(read, true);
    failed(static_cast<int>(-result), from, bytes);
    return;
  }
  stale_since_ = base::Instant{};
  const std::string_view bytes(read.buffer.data(), static_cast<std::size_t>(result));
  if (only_asked_) {
    answer_only(read, bytes);
  } else if (long_line_ && long_line_->step() == LongLine::Step::scan) {
    scan(read, bytes);
  } else if (nuls_ > 0) {
    pass_nuls(read, bytes);
  } else {
    take_in(read, bytes);
  }
}

// Gives back what the read held. The credit is the intake's once it was given a chunk.
void FileTail::free(TailRead& read, bool credit_too) {
  if (credit_too) parts_.budget.give_back(read.credit_bytes);
  read.credit_bytes = 0;
  if (read.large) {
    read.large.reset();
  } else {
    parts_.chunks.give_back(read.buffer);
  }
  read.buffer = {};
  read.tail = nullptr;
}

// A read came to `end`. True: further than any before; or less far although the file ends there, so
// what is there now is new.
bool FileTail::note_growth(std::uint64_t end, bool at_end) {
  seen_end_ = end;
  const std::uint64_t before = std::exchange(text_end_, end);
  if (end == before || (end < before && !at_end)) return false;
  last_growth_ = parts_.environment.clock.monotonic();
  letting_go_ = end_doubted_ = false;
  return true;
}

// True: something else comes before the records of `body`, and is under way.
bool FileTail::not_yet(TailRead& read, std::string_view body, bool last) {
  if (past_footer_) return pass_footer(read, body, last);
  judge_header(body, prefix_bytes() + body.size() == read.buffer.size(), last);
  if (rename_origin(body)) {
    free(read, true);
    return true;
  }
  const bool nuls = at_head() && body.starts_with('\0') && !delimiter().has_nul();
  if (nuls && checkpoint_.origin != base::Origin::none) {  // nothing to know it by
    nuls_ = offset_;
    pass_nuls(read, body);
    return true;
  }
  if (nuls) body = {};
  if (checkpoint_.origin == base::Origin::none || !has_witness(body)) {
    enroll(body);
    free(read, true);
    return true;
  }
  if (!former_key_.empty()) {
    phase_ = Phase::registering;
    parts_.checkpointer.register_origin(checkpoint_, this);
    free(read, true);
    return true;
  }
  if (before_hole(body)) {
    nuls_ = offset_;
    pass_nuls(read, body);
    return true;
  }
  if (long_line_ && long_line_->step() == LongLine::Step::cut) {
    take_long_line(read, body);
    next(true);
    return true;
  }
  return pass_header(read, body) || pass_footer(read, body, last);
}

// It is the file its checkpoint says. `before`: the bytes before the offset.
void FileTail::know_tail(std::string_view before) {
  std::memcpy(tail_.data(), before.data(), before.size());
  tail_known_ = true;
  marks_new_ = !marks_.empty();
  parts_.counters.nul_bytes_skipped.add(head_);
}

void FileTail::take_in(TailRead& read, std::string_view bytes) {
  if (begins_later(bytes)) return pass_nuls(read, bytes);
  if (is_another(read, bytes)) return;
  const std::size_t prefix = prefix_bytes();
  if (!tail_known_) know_tail(bytes.substr(0, prefix));
  if (marks_new_ && !checkpoint_.goes_on &&
      (marks_beyond_file() || contradicts_marks(bytes.substr(prefix)))) {
    if (doubt_marks(read)) return;
    checkpoint_.origin = base::Origin::none;  // rather twice than never
  }
  marks_new_ = false;
  const std::size_t written = prefix + written_bytes(bytes.substr(prefix));
  const bool reserved = written < bytes.size();
  const bool full = !reserved && bytes.size() == read.buffer.size();
  bytes = bytes.substr(0, written);
  const std::string_view body = bytes.substr(prefix);
  const std::uint64_t end = offset_ + body.size();
  const bool unreadable = ends_unreadable(end);
  bool at_end = !unreadable && (reserved || (!full && ends_at(end)));
  answer();
  const bool grew = note_growth(end, at_end);
  room_begin_ = reserved ? end : kNoRoom;
  if (reserved) seen_end_ = std::max(seen_end_, end + reserved_bytes(end));

  const bool below_marks = ends_below_marks(end, at_end);
  if (below_marks && !checkpoint_.goes_on) {
    if (doubt_marks(read)) return;
    marks_left_ = true;  // it was cut while we caught up: what comes there now is new
  }
  marks_doubted_ = false;
  const Due due_here = unreadable || below_marks ? Due::everything : due(at_end);
  if (set_aside(read, body) || not_yet(read, body, due_here == Due::everything)) return;
  long_line_.reset();
  const std::uint64_t before = offset_;
  const bool marked = !marks_.empty();
  const std::size_t text = std::min<std::uint64_t>(text_bytes(body), footer_at_ - offset_);
  const bool cut = text < body.size();  // a hole, or a footer, ends what may be open
  if (cut) at_end = false;
  deliver(read, bytes.substr(0, prefix + text), cut ? Due::hole : due_here);
  if (below_marks) leave_marks(end);
  // All of a group and nothing that ends it: a line follows that is too long for any.
  if (offset_ == before && hold_group_ && body.size() >= group_bytes()) {
    deliver(read, bytes, Due::group);
  }
  const auto consumed = static_cast<std::size_t>(offset_ - before);
  if (consumed > 0) {
    hold_group_ = group_open_ = untaken_ = false;
    forget_open_lines();
  }
  if (consumed == 0 || at_end) note_open(body.substr(consumed), full && consumed == 0, at_end);
  if (unreadable && !cut && (offset_ == end || consumed == 0)) {
    const std::uint32_t header_lines = header_lines_in(body.substr(consumed));
    free(read, false);
    return pass_unreadable(header_lines);
  }
  free(read, false);
  if (grew || at_end || consumed > 0) gets_on();
  // Shorter than the file again and again, and nothing new: neither its end nor worth asking at
  // once.
  if (!full && !at_end && !grew && consumed == 0 && std::exchange(end_doubted_, true)) {
    suspect(end, end + 1);
    back_off();
    return;
  }
  // What was read may go on behind the mark it was cut at.
  next(!at_end || marks_left_ || (marked && marks_.empty() && offset_ < end));
}

// Time-outs count from the last growth; a read that grew the file finds none.
base::Instant FileTail::due_at() const {
  base::Instant at = base::Instant::max();
  if (!untaken_ || left_to_other()) return at;
  if (parts_.options.partial_line_timeout > base::Duration{0}) {
    at = last_growth_ + parts_.options.partial_line_timeout;
  }
  if (group_open_) {
    at = std::min(at, last_growth_ + parts_.intake.group_options()->timeout);
  }
  return at;
}

FileTail::Due FileTail::due(bool at_end) const {
  if (!at_end || left_to_other()) return Due::nothing;
  if (finishing()) return Due::everything;
  const base::Duration quiet = parts_.environment.clock.monotonic() - last_growth_;
  const base::Duration line = parts_.options.partial_line_timeout;
  if (line > base::Duration{0} && quiet >= line) return Due::everything;
  const pipeline::GroupOptions* const groups = parts_.intake.group_options();
  return groups != nullptr && quiet >= groups->timeout ? Due::group : Due::nothing;
}

// Something of what follows was stored up to the highest mark before a restart, and only time may
// have said that a record ended there. It must end there again, or its stored beginning would hide
// the rest.
std::string_view FileTail::up_to_mark(std::string_view body, Due& due) const {
  if (marks_.empty()) return body;
  const std::uint64_t mark = *std::max_element(marks_.begin(), marks_.end());
  if (mark <= offset_ || mark - offset_ > body.size()) return body;
  const std::string_view before = body.substr(0, static_cast<std::size_t>(mark - offset_));
  const bool whole = delimiter().last_end(before) == before.size();
  if (parts_.intake.group_options() == nullptr && whole) return body;
  due = Due::everything;
  return before;
}

// A line that was taken unfinished, and now its delimiter comes: no record of its own. `bytes`:
// from prefix_bytes() before the offset; so again afterwards.
void FileTail::skip_delimiter(std::string_view& bytes) {
  const std::size_t prefix = prefix_bytes();
  const std::string_view body = bytes.substr(prefix);
  if (prefix == 0 || tail_[prefix - 1] == '\0' || ends_line({tail_.data(), prefix})) return;
  const bool cr = delimiter().is_newline() && body.starts_with("\r\n");
  const std::size_t skipped = cr                                      ? 2
                              : body.starts_with(delimiter().bytes()) ? delimiter().size()
                                                                      : 0;
  if (skipped == 0) return;
  offset_ += skipped;
  parts_.counters.bytes_read.add(skipped);
  track(nullptr, bytes.substr(0, prefix + skipped));
  bytes.remove_prefix(prefix + skipped - prefix_bytes());
}

// True: first what is out must settle, then what follows gets an origin of its own. Under one
// origin the same bytes must give the same records; where time ended one, that is over. One whose
// marks are beyond the offset is left at once: after a restart they would hide what comes.
bool FileTail::rename_origin(std::string_view body) {
  if (!marks_left_ && (!timed_out_ || body.empty())) return false;
  if (!window_.empty()) {
    phase_ = Phase::settling;
    return true;
  }
  timed_out_ = marks_left_ = false;
  left_origin_ = std::exchange(checkpoint_.origin, base::Origin::none);
  return false;
}

// Hands the intake what follows the prefix.
void FileTail::deliver(TailRead& read, std::string_view bytes, Due due) {
  if (header_lines_ == 0) skip_delimiter(bytes);
  const std::size_t prefix = prefix_bytes();
  const std::string_view body = up_to_mark(bytes.substr(prefix), due);
  const std::size_t head = head_bytes(body);
  if (head == body.size()) {
    parts_.budget.give_back(std::exchange(read.credit_bytes, 0));
    return;
  }
  // Together with the first record, so that before it is delivered nothing has happened (F44).
  const std::uint64_t begin = offset_;
  offset_ += head;
  take_chunk({.bytes = body.substr(head),
              .origin = checkpoint_.origin,
              .offset = offset_,
              .arrival = parts_.environment.clock.wall(),
              .last = due == Due::everything,
              .quiet = due == Due::hole || due == Due::group},
             bytes.substr(0, prefix + head), std::exchange(read.credit_bytes, 0));
  if (due == Due::hole) timed_out_ = false;
  if (head == 0) return;
  if (offset_ == begin + head) {
    offset_ = begin;
  } else {
    took_head(head);
  }
}

// `before`: the bytes before the chunk's, in one piece with them.
void FileTail::take_chunk(const pipeline::Chunk& chunk, std::string_view before,
                          std::uint64_t credit) {
  const pipeline::Intake::Taken taken =
      parts_.intake.take(chunk, *this, marks_, credit, parts_.environment.clock.monotonic());
  ASSERT(taken.consumed <= chunk.bytes.size());
  if (taken.consumed == 0) return;
  const auto consumed = static_cast<std::size_t>(taken.consumed);
  const bool by_time = chunk.last || chunk.quiet;
  timed_out_ = by_time && (parts_.intake.group_options() != nullptr ||
                           delimiter().last_end(chunk.bytes.substr(0, consumed)) != consumed);
  offset_ += taken.consumed;
  parts_.counters.bytes_read.add(taken.consumed);
  track(taken.parcel, {before.data(), before.size() + consumed});
}

// A line too long to be held: its beginning is in `body`, the rest is passed over.
void FileTail::take_long_line(TailRead& read, std::string_view body) {
  const std::unique_ptr<LongLine> line = std::move(long_line_);
  const std::size_t shown = parts_.intake.framer_options().line_bytes_max;
  if (body.size() < shown) {  // it shrank, or the read was short: look again from the start
    free(read, true);
    return;
  }
  const pipeline::Chunk chunk{.bytes = body,
                              .origin = checkpoint_.origin,
                              .offset = offset_,
                              .arrival = parts_.environment.clock.wall(),
                              .last = !line->terminated()};
  const pipeline::Intake::Taken taken = parts_.intake.take_long_line(
      chunk, line->line_bytes(), *this, marks_, std::exchange(read.credit_bytes, 0),
      parts_.environment.clock.monotonic());
  const std::uint64_t consumed = line->line_bytes() + (line->terminated() ? delimiter().size() : 0);
  offset_ += consumed;
  seen_end_ = std::max(seen_end_, offset_);
  parts_.counters.bytes_read.add(consumed);
  timed_out_ = chunk.last;
  track(taken.parcel, line->tail());
  free(read, false);
}

// A parcel that ends at the offset is on its way. `before_end`: the bytes before it, kTailBytes or
// more unless the file has less.
void FileTail::track(pipeline::Parcel* parcel, std::string_view before_end) {
  const std::size_t prefix = prefix_bytes();
  ASSERT(before_end.size() >= prefix);
  const std::string_view tail = before_end.substr(before_end.size() - prefix);
  std::memcpy(tail_.data(), tail.data(), prefix);
  at_start_ = headed_ = header_open_ = false;
  live_ = reached_end_;
  // One time for both: as long as this parcel is unsettled, others' marks of the file are needed.
  const base::Instant now = parts_.environment.clock.monotonic();
  if (parts_.options.copies) parts_.turns.recent.add(checkpoint_.origin, offset_, before_end);
  if (!marks_.empty() && offset_ >= *std::max_element(marks_.begin(), marks_.end())) {
    marks_ = {};
    checkpoint_.goes_on = false;
    parts_.turns.caught_up.emplace_back(checkpoint_.origin, now);
  }
  if (parcel == nullptr) {
    if (window_.settle(window_.open(offset_, tail_hash(tail)))) report(now);
    return;
  }
  parcel->taken = now;
  parcel->ticket = window_.open(offset_, tail_hash(tail));
  if (parcel->unsettled > 0) {
    parts_.turns.ages.opened(parcel->taken);
    return;
  }
  if (window_.settle(parcel->ticket)) report(now);
  parts_.intake.release(*parcel);
}

// An idle file costs no buffer.
void FileTail::forget_open_lines() {
  constexpr std::size_t kSmall = 1024;
  if (open_lines_.capacity() > kSmall) {
    std::string().swap(open_lines_);
  } else {
    open_lines_.clear();
  }
}

// `rest`: what could not be taken of a read.
void FileTail::note_open(std::string_view rest, bool full, bool at_end) {
  const std::size_t head = head_bytes(rest);
  const std::string_view text = rest.substr(head);
  untaken_ = !text.empty() || may_be_record(rest);
  group_open_ = false;
  forget_open_lines();
  const bool grouping = parts_.intake.group_options() != nullptr;
  const std::size_t whole = grouping ? delimiter().last_end(text) : 0;
  if (whole == 0) {
    hold_group_ = false;
    if (text.empty() || (!full && rest.size() < kRescanBytes)) return;
    long_line_ = std::make_unique<LongLine>(rest, parts_.intake.framer_options());
    return;
  }
  if (at_end) {
    group_open_ = true;
    // Those of another origin are read again before they are anybody's.
    const bool kept = !timed_out_ && head + whole <= kOpenLinesBytesMax;
    if (kept) open_lines_ = rest.substr(0, head + whole);
  } else if (full) {
    hold_group_ = true;
  }
}

// Goes on with a long unfinished line: is its end here?
void FileTail::scan(TailRead& read, std::string_view bytes) {
  const std::string_view known = long_line_->tail();
  const bool full = bytes.size() == read.buffer.size();
  if (!bytes.starts_with(known)) {
    long_line_.reset();  // the ordinary read finds out why
    free(read, true);
    next(true);
    return;
  }
  gets_on();
  const std::string_view fresh = bytes.substr(known.size());
  const std::uint64_t end = offset_ + long_line_->scanned() + fresh.size();
  const bool unreadable = ends_unreadable(end);
  const bool at_end = !unreadable && !full && ends_at(end);
  const bool nul = fresh.ends_with('\0');
  long_line_->scan(fresh);
  free(read, true);
  seen_end_ = std::max(seen_end_, end);
  if (nul && !at_end && long_line_->step() == LongLine::Step::scan) scan_over_hole(end);
  if (!fresh.empty()) {
    last_growth_ = parts_.environment.clock.monotonic();
    letting_go_ = end_doubted_ = false;
  }
  const bool ends = unreadable || due(at_end) == Due::everything;
  if (ends && !long_line_->terminated()) long_line_->end();
  if (fresh.empty() && !at_end && !ends && std::exchange(end_doubted_, true)) {
    suspect(end, end + 1);
    return back_off();
  }
  next(!at_end || long_line_->step() != LongLine::Step::scan);
}

void FileTail::next(bool more) {
  if (!more) {
    given_up_ = false;
    pages_.end();
  } else if (open()) {
    const std::uint64_t position = view() != nullptr ? view()->raw_bytes() : next_read();
    pages_.read_on(parts_.environment.files, handle_, position, parts_.options.pages);
  }
  if (more && give_way()) return;
  if (more || std::exchange(look_again_, false)) {
    make_ready();
  } else {
    end_seen();
  }
}

}  // namespace sources
