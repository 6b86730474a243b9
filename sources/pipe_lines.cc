#include "sources/pipe_lines.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "pipeline/chunk.h"

namespace sources {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// A buffer that was made for a long line is kept for so many reads without one.
constexpr std::uint32_t kEasyReadsMax = 256;

}  // namespace

PipeLines::PipeLines(const Parts& parts) : parts_(parts) { grow(kBufferBytes); }

// More than that is never kept between two reads.
std::size_t PipeLines::held_bytes_max() const {
  const pipeline::GroupOptions* const groups = parts_.intake.group_options();
  return line_bytes_max() + 2 + (groups == nullptr ? 0 : groups->bytes_max);  // CR LF
}

void PipeLines::grow(std::size_t bytes) {
  auto larger = std::make_unique_for_overwrite<char[]>(bytes + pipeline::kPaddingBytes);
  const std::string_view kept = view();
  if (!kept.empty()) std::memcpy(larger.get(), kept.data(), kept.size());
  line_ -= begin_;
  end_ -= begin_;
  begin_ = 0;
  buffer_ = std::move(larger);
  capacity_ = bytes;
}

std::span<char> PipeLines::room() {
  const std::size_t kept = end_ - begin_;
  ASSERT(kept < held_bytes_max());
  if (kept + kReadBytesMin > capacity_) {
    grow(std::min(2 * capacity_, std::max(held_bytes_max() + kReadBytesMin, kBufferBytes)));
    easy_reads_ = 0;
  } else if (capacity_ > kBufferBytes && kept + kReadBytesMin <= kBufferBytes &&
             ++easy_reads_ > kEasyReadsMax) {
    grow(kBufferBytes);
  } else if (end_ + kReadBytesMin > capacity_ || kept == 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, kept);
    line_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

void PipeLines::take(std::size_t fresh, Due due, std::uint64_t credit_bytes) {
  ASSERT(fresh <= capacity_ - end_);
  if (fresh > 0) last_growth_ = parts_.clock.monotonic();
  std::size_t fresh_begin = end_;
  end_ += fresh;
  if (passed_over_ > 0) {
    if (!pass_over(due)) {
      parts_.budget.give_back(credit_bytes);
      return;
    }
    fresh_begin = begin_;
  }
  if (due == Due::nothing && nothing_new(fresh_begin)) {
    parts_.budget.give_back(credit_bytes);
    return;
  }
  hand_over(due, credit_bytes);
}

// Not one byte of what is kept can be taken after these. Without that, a line that comes byte by
// byte would be gone through as often.
bool PipeLines::nothing_new(std::size_t fresh_begin) const {
  const std::string_view fresh(buffer_.get() + fresh_begin, end_ - fresh_begin);
  if (fresh.find('\n') != fresh.npos) return false;
  const bool group_open = line_ > begin_;
  return end_ - begin_ < (group_open ? held_bytes_max() : line_bytes_max() + 2);
}

// The kept part of the line is in front, what came behind it. False: it goes on.
bool PipeLines::pass_over(Due due) {
  const std::size_t fresh_begin = begin_ + line_bytes_max();
  const std::string_view fresh(buffer_.get() + fresh_begin, end_ - fresh_begin);
  const std::size_t newline = fresh.find('\n');
  const bool terminated = newline != fresh.npos;
  const std::size_t rest = terminated ? newline : fresh.size();
  passed_over_ += rest;
  if (!terminated && due != Due::line && due != Due::end) {
    end_ = fresh_begin;
    return false;
  }
  const std::uint64_t line_bytes = std::exchange(passed_over_, 0);
  // The credit is left for what follows; of this line only a part needs any.
  sent(parts_.intake.take_long_line(
      {.bytes = view(), .offset = offset_, .arrival = parts_.clock.wall(), .last = !terminated},
      line_bytes, *this, {}, 0, parts_.clock.monotonic()));
  offset_ += line_bytes + (terminated ? 1 : 0);
  begin_ = line_ = fresh_begin + rest + (terminated ? 1 : 0);
  ended_by_time_ = !terminated && due == Due::line;
  return true;
}

// The unfinished line is longer than any, and its policy wants but a part of it.
void PipeLines::begin_to_pass_over() {
  passed_over_ = end_ - begin_;
  end_ = begin_ + line_bytes_max();
}

// A line that was taken unfinished, and now its newline comes: no record of its own. False: that
// cannot be told yet.
bool PipeLines::skip_newline() {
  if (!ended_by_time_) return true;
  const std::string_view bytes = view();
  if (bytes.empty() || bytes == "\r") return false;
  ended_by_time_ = false;
  const std::size_t skipped = bytes.starts_with('\n') ? 1 : bytes.starts_with("\r\n") ? 2 : 0;
  begin_ += skipped;
  offset_ += skipped;
  line_ = std::max(line_, begin_);
  return true;
}

void PipeLines::skip_byte_order_mark() {
  if (offset_ != 0 || !view().starts_with(kByteOrderMark)) return;
  begin_ += kByteOrderMark.size();
  offset_ += kByteOrderMark.size();
  line_ = std::max(line_, begin_);
  parts_.counters.bom_bytes_skipped.add(kByteOrderMark.size());
}

void PipeLines::hand_over(Due due, std::uint64_t credit_bytes) {
  const bool known = skip_newline() || due != Due::nothing;
  if (due == Due::end) ended_by_time_ = false;
  skip_byte_order_mark();
  if (!known || begin_ == end_) {
    parts_.budget.give_back(credit_bytes);
    return;
  }
  take_chunk(due, credit_bytes);
  // A group, and behind it a line that is too long for any.
  if (due == Due::nothing && end_ - begin_ >= held_bytes_max()) take_chunk(Due::group, 0);
  const std::size_t newline = view().rfind('\n');
  line_ = newline == std::string_view::npos ? begin_ : begin_ + newline + 1;
  if (line_ > begin_ || end_ - begin_ < line_bytes_max() + 2) return;
  if (parts_.intake.framer_options().long_lines == pipeline::LongLines::split) return;
  begin_to_pass_over();
}

void PipeLines::take_chunk(Due due, std::uint64_t credit_bytes) {
  const bool all = due == Due::line || due == Due::end;
  const pipeline::Chunk chunk{.bytes = view(),
                              .offset = offset_,
                              .arrival = parts_.clock.wall(),
                              .last = all,
                              .quiet = due == Due::group};
  const pipeline::Intake::Taken taken =
      parts_.intake.take(chunk, *this, {}, credit_bytes, parts_.clock.monotonic());
  ASSERT(taken.consumed <= chunk.bytes.size());
  ended_by_time_ = due == Due::line && !chunk.bytes.ends_with('\n');
  begin_ += static_cast<std::size_t>(taken.consumed);
  offset_ += taken.consumed;
  sent(taken);
}

void PipeLines::sent(const pipeline::Intake::Taken& taken) {
  if (taken.parcel == nullptr) return;
  if (taken.parcel->unsettled > 0) {
    ++parcels_out_;
  } else {
    parts_.intake.release(*taken.parcel);
  }
}

void PipeLines::settled(pipeline::Parcel& parcel) {
  ASSERT(parcels_out_ > 0);
  --parcels_out_;
  parts_.intake.release(parcel);
}

PipeLines::Due PipeLines::due(base::Instant now) const {
  if (due_at() > now) return Due::nothing;
  const base::Duration line = parts_.partial_line_timeout;
  const bool all = line > base::Duration::zero() && now - last_growth_ >= line;
  return all ? Due::line : Due::group;
}

base::Instant PipeLines::due_at() const {
  base::Instant at = base::Instant::max();
  if (empty()) return at;
  if (parts_.partial_line_timeout > base::Duration::zero()) {
    at = last_growth_ + parts_.partial_line_timeout;
  }
  if (line_ > begin_) at = std::min(at, last_growth_ + parts_.intake.group_options()->timeout);
  return at;
}

}  // namespace sources
