// What a read means: is it the same file, which lines are complete, what comes next.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "sources/file_tail.h"

namespace sources {

std::size_t FileTail::prefix_bytes() const {
  return static_cast<std::size_t>(std::min<std::uint64_t>(offset_, kTailBytes));
}

std::size_t FileTail::large_buffer_bytes() const {
  if (!long_line_ || long_line_->step() == LongLine::Step::scan) return 0;
  const std::size_t bytes = prefix_bytes() + long_line_->hold_bytes();
  return bytes > parts_.chunks.buffer_bytes() ? bytes : 0;
}

void FileTail::start(TailRead& read) {
  ASSERT(phase_ == Phase::ready);
  phase_ = Phase::reading;
  look_again_ = false;
  const bool scanning = long_line_ && long_line_->step() == LongLine::Step::scan;
  const std::uint64_t from =
      scanning ? offset_ + long_line_->scan_offset() : offset_ - prefix_bytes();
  parts_.environment.io.read(read.operation, handle_, read.buffer, from);
}

void FileTail::done(TailRead& read, std::int64_t result) {
  ASSERT(phase_ == Phase::reading);
  parts_.counters.reads.add();
  phase_ = Phase::idle;
  if (result < 0) {
    free(read, true);
    failed(static_cast<int>(-result));
    return;
  }
  const std::string_view bytes(read.buffer.data(), static_cast<std::size_t>(result));
  if (long_line_ && long_line_->step() == LongLine::Step::scan) {
    scan(read, bytes);
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

// The file ends before byte `bytes`: was it cut, or was only the read short?
FileTail::Continuity FileTail::shorter_than(std::uint64_t bytes) const {
  const auto status = parts_.environment.files.status(handle_);
  return status && status->size < bytes ? Continuity::refilled : Continuity::unclear;
}

// A read came to `end` and was not filled. Reads may be short for other reasons than the file's
// end.
bool FileTail::ends_at(std::uint64_t end) const {
  const auto status = parts_.environment.files.status(handle_);
  return status ? status->size <= end : end == seen_end_;
}

// `bytes`: read from prefix_bytes() before the offset. Is the file under them still the one we
// read?
FileTail::Continuity FileTail::compare(std::string_view bytes) const {
  const std::size_t prefix = prefix_bytes();
  const std::string_view before = bytes.substr(0, std::min(prefix, bytes.size()));
  if (tail_known_) {
    if (std::memcmp(before.data(), tail_.data(), before.size()) != 0) return Continuity::refilled;
    return before.size() < prefix ? shorter_than(offset_) : Continuity::same;
  }
  // A checkpoint's word is all there is.
  const std::size_t covered = checkpoint_.tail_bytes;
  if (offset_ == 0) {
    if (bytes.size() < covered) return shorter_than(covered);
    const bool same = tail_hash(bytes.substr(0, covered)) == checkpoint_.tail_hash;
    return same ? Continuity::same : Continuity::refilled;
  }
  if (before.size() < prefix) return shorter_than(offset_);
  if (covered == 0) return Continuity::same;
  const std::size_t compared = std::min(covered, prefix);
  const bool same = tail_hash(before.substr(prefix - compared)) == checkpoint_.tail_hash;
  return same ? Continuity::same : Continuity::refilled;
}

// Marks beyond the end speak of bytes the file no longer has: what comes there now is new and must
// not be skipped. From here on under a new origin: rather twice than never.
void FileTail::distrust_marks() {
  if (marks_.empty()) return;
  const auto status = parts_.environment.files.status(handle_);
  const std::uint64_t mark = *std::max_element(marks_.begin(), marks_.end());
  if (!status || status->size >= mark) return;
  marks_ = {};
  checkpoint_.origin = base::Origin::none;
}

void FileTail::take_in(TailRead& read, std::string_view bytes) {
  const Continuity continuity = compare(bytes);
  if (continuity != Continuity::same) {
    free(read, true);
    continuity == Continuity::refilled ? start_over() : back_off();
    return;
  }
  backoff_ = base::Duration{0};
  const std::size_t prefix = prefix_bytes();
  if (!tail_known_) {
    std::memcpy(tail_.data(), bytes.data(), prefix);
    tail_known_ = true;
    distrust_marks();
  }
  const std::string_view body = bytes.substr(prefix);
  const std::uint64_t end = offset_ + body.size();
  const bool full = bytes.size() == read.buffer.size();
  const bool at_end = !full && ends_at(end);
  const bool grew = end > seen_end_;
  seen_end_ = end;
  if (grew) last_growth_ = parts_.environment.clock.monotonic();
  if (grew && letting_go_) letting_go_ = false;
  if (grew) end_doubted_ = false;

  // A file that was empty when it was registered has shown nothing to know it by yet.
  const bool without_witness = offset_ == 0 && checkpoint_.tail_bytes == 0 && !body.empty();
  if (checkpoint_.origin == base::Origin::none || without_witness) {
    free(read, true);
    enroll(body);
    return;
  }
  if (long_line_ && long_line_->step() == LongLine::Step::cut) {
    take_long_line(read, body);
    next(true);
    return;
  }
  long_line_.reset();
  const std::uint64_t before = offset_;
  deliver(read, bytes, finishing() && at_end);
  const auto consumed = static_cast<std::size_t>(offset_ - before);
  if (consumed == 0) note_rest(body, full);
  free(read, false);
  next(!at_end);
}

// Hands the intake what follows the prefix.
void FileTail::deliver(TailRead& read, std::string_view bytes, bool last) {
  const std::size_t prefix = prefix_bytes();
  const std::string_view body = bytes.substr(prefix);
  if (body.empty()) {
    parts_.budget.give_back(std::exchange(read.credit_bytes, 0));
    return;
  }
  const pipeline::Chunk chunk{.bytes = body,
                              .origin = checkpoint_.origin,
                              .offset = offset_,
                              .arrival = parts_.environment.clock.wall(),
                              .last = last};
  const pipeline::Intake::Taken taken =
      parts_.intake.take(chunk, *this, marks_, std::exchange(read.credit_bytes, 0),
                         parts_.environment.clock.monotonic());
  ASSERT(taken.consumed <= body.size());
  if (taken.consumed == 0) return;
  offset_ += taken.consumed;
  parts_.counters.bytes_read.add(taken.consumed);
  track(taken.parcel, bytes.substr(0, prefix + static_cast<std::size_t>(taken.consumed)));
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
  const std::uint64_t consumed = line->line_bytes() + (line->terminated() ? 1 : 0);
  offset_ += consumed;
  seen_end_ = std::max(seen_end_, offset_);
  parts_.counters.bytes_read.add(consumed);
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
  if (!marks_.empty() && offset_ >= *std::max_element(marks_.begin(), marks_.end())) {
    marks_ = {};
  }
  if (parcel == nullptr) return;
  parcel->taken = parts_.environment.clock.monotonic();
  parcel->ticket = window_.open(offset_, tail_hash(tail));
  if (parcel->unsettled > 0) {
    parts_.turns.ages.opened(parcel->taken);
    return;
  }
  if (window_.settle(parcel->ticket)) report();
  parts_.intake.release(*parcel);
}

// `rest`: nothing of it could be taken.
void FileTail::note_rest(std::string_view rest, bool full) {
  if (rest.empty() || (!full && rest.size() < kRescanBytes)) return;
  long_line_ = std::make_unique<LongLine>(rest, parts_.intake.framer_options());
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
  backoff_ = base::Duration{0};
  const std::string_view fresh = bytes.substr(known.size());
  const std::uint64_t end = offset_ + long_line_->scanned() + fresh.size();
  const bool at_end = !full && ends_at(end);
  long_line_->scan(fresh);
  free(read, true);
  seen_end_ = std::max(seen_end_, end);
  if (!fresh.empty()) {
    last_growth_ = parts_.environment.clock.monotonic();
    letting_go_ = false;
  }
  if (at_end && finishing() && !long_line_->terminated()) long_line_->end();
  next(!at_end || long_line_->step() != LongLine::Step::scan);
}

void FileTail::next(bool more) {
  if (more && give_way()) return;
  if (more || std::exchange(look_again_, false)) {
    make_ready();
  } else {
    end_seen();
  }
}

}  // namespace sources
