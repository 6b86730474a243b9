#include "sources/utf16_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace sources {
namespace {

constexpr std::size_t kMarkBytes = 2;  // of a byte order mark

}  // namespace

Utf16File::Utf16File(Parts parts)
    : parts_(parts),
      operation_(io::on<&Utf16File::raw_done>(*this)),
      points_{parts.begin},
      at_(parts.begin),
      counted_(parts.offset) {
  ASSERT(parts_.encoding != Encoding::utf8);
  if (parts_.encoding == Encoding::utf16le) order_ = ByteOrder::little;
  if (parts_.encoding == Encoding::utf16be) order_ = ByteOrder::big;
}

void Utf16File::start_over() {
  ASSERT(answer_ == nullptr);
  points_ = {TextPoint{}};
  at_ = {};
  counted_ = 0;
  ended_ = false;
  raw_end_ = end_ = 0;
}

// Every read begins at the last point before it. Those behind it go: what is there may have
// changed meanwhile, and it is transcoded again anyway.
void Utf16File::read(io::Operation& answer, std::span<char> into, std::uint64_t from,
                     std::span<char> spare) {
  ASSERT(answer_ == nullptr);
  ASSERT(!into.empty() && spare.size() >= kRawBytes);
  answer_ = &answer;
  into_ = into;
  spare_ = spare.first(kRawBytes);
  from_ = from;
  skipped_ = 0;
  full_ = false;
  const auto behind = std::ranges::upper_bound(points_, from, {}, &TextPoint::offset);
  points_.erase(std::max(behind, points_.begin() + 1), points_.end());
  at_ = points_.back();
  std::fill_n(into_.begin(), filled(), '\0');
  // The mark is read again: as long as nothing of the file is settled it may be another one.
  if (parts_.encoding == Encoding::utf16 && at_.raw == 0) order_.reset();
  start_raw();
}

std::size_t Utf16File::filled() const {
  if (full_) return into_.size();
  if (at_.offset <= from_) return 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>(at_.offset - from_, into_.size()));
}

void Utf16File::start_raw() {
  if (!order_) {
    parts_.environment.io.read(operation_, parts_.handle, spare_.first(kMarkBytes), 0);
    return;
  }
  // No character takes more than two bytes for each that it gives.
  const std::uint64_t wanted = from_ + into_.size() - std::min(at_.offset, from_ + into_.size());
  const std::uint64_t bytes = std::min<std::uint64_t>(spare_.size(), 2 * wanted + 4);
  parts_.environment.io.read(operation_, parts_.handle,
                             spare_.first(static_cast<std::size_t>(bytes)), at_.raw);
}

void Utf16File::find_order(std::string_view head) {
  if (head.size() < kMarkBytes) return at_end(0);
  order_ = head == "\xfe\xff" ? ByteOrder::big : ByteOrder::little;
  start_raw();
}

void Utf16File::raw_done(std::int64_t result) {
  if (result < 0) return finish(result);
  const std::string_view bytes(spare_.data(), static_cast<std::size_t>(result));
  if (!order_) return find_order(bytes);
  const std::uint64_t before = at_.raw;
  transcode(bytes);
  const auto taken = static_cast<std::size_t>(at_.raw - before);
  if (filled() == into_.size()) return finish(static_cast<std::int64_t>(into_.size()));
  if (taken == 0) return at_end(bytes.size());
  if (at_.offset < from_ && (skipped_ += taken) >= kSkipBytes) return finish(-EAGAIN);
  start_raw();
}

void Utf16File::transcode(std::string_view bytes) {
  while (filled() < into_.size()) {
    // What is before the wanted bytes goes where they will be, and is overwritten by them.
    const bool skipping = at_.offset < from_;
    std::span<char> out = skipping ? into_ : into_.subspan(filled());
    if (skipping) out = out.first(std::min<std::uint64_t>(out.size(), from_ - at_.offset));
    if (at_.offset < counted_) {
      out = out.first(std::min<std::uint64_t>(out.size(), counted_ - at_.offset));
    }
    const Transcoded done = utf16_to_utf8(bytes.substr(0, kPointDistance), *order_, out);
    if (done.taken > 0) {
      advance(done);
      bytes.remove_prefix(done.taken);
      continue;
    }
    const std::uint64_t before = at_.raw;
    if (!transcode_one(bytes)) return;
    bytes.remove_prefix(static_cast<std::size_t>(at_.raw - before));
  }
}

// A character that begins before the wanted bytes, or ends behind them. False: it is not all there,
// or not all of it is wanted: then the next read begins with it.
bool Utf16File::transcode_one(std::string_view bytes) {
  std::array<char, 4> out{};
  Transcoded one = utf16_to_utf8(bytes.substr(0, 2), *order_, out);
  if (one.taken == 0) one = utf16_to_utf8(bytes.substr(0, 4), *order_, out);
  for (std::size_t i = 0; i < one.given; ++i) {
    const std::uint64_t offset = at_.offset + i;
    if (offset >= from_ && offset - from_ < into_.size()) into_[offset - from_] = out[i];
  }
  full_ = at_.offset + one.given > from_ + into_.size();
  if (full_ || one.taken == 0) return false;
  advance(one);
  return true;
}

void Utf16File::advance(const Transcoded& done) {
  if (at_.offset >= counted_) parts_.replaced.add(done.replaced);
  at_.offset += done.given;
  at_.raw += done.taken;
  counted_ = std::max(counted_, at_.offset);
  if (at_.raw - points_.back().raw < kPointDistance) return;
  points_.push_back(at_);
  if (points_.size() > kPointsMax) thin_out();
}

// The first one is the watermark's, the last ones are those that will be asked for.
void Utf16File::thin_out() {
  std::size_t kept = 1;
  for (std::size_t i = 1; i < points_.size(); ++i) {
    if (i > kPointsMax / 2 || i % 2 == 0) points_[kept++] = points_[i];
  }
  points_.resize(kept);
}

TextPoint Utf16File::point_before(std::uint64_t offset) const {
  const auto behind = std::ranges::upper_bound(points_, offset, {}, &TextPoint::offset);
  return behind == points_.begin() ? points_.front() : *(behind - 1);
}

void Utf16File::forget_before(std::uint64_t offset) {
  const auto behind = std::ranges::upper_bound(points_, offset, {}, &TextPoint::offset);
  if (behind - points_.begin() > 1) points_.erase(points_.begin(), behind - 1);
}

// `rest_bytes`: of a character that is not all there.
void Utf16File::at_end(std::size_t rest_bytes) {
  ended_ = true;
  raw_end_ = at_.raw + rest_bytes;
  end_ = at_.offset;
  const auto raw = parts_.environment.files.status(parts_.handle);
  const std::uint64_t least = order_ ? at_.raw : kMarkBytes;
  if (raw && raw->size < least) {  // it is as if empty, or was cut before the point
    raw_end_ = raw->size;
    at_ = {};
    end_ = 0;
    return finish(0);
  }
  ended_ = order_.has_value();  // else it was a short read
  finish(static_cast<std::int64_t>(filled()));
}

void Utf16File::finish(std::int64_t result) {
  io::Operation* const answer = std::exchange(answer_, nullptr);
  into_ = spare_ = {};
  answer->done(answer->owner, result);
}

}  // namespace sources
