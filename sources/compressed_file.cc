#include "sources/compressed_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace sources {

CompressedFile::CompressedFile(Parts parts)
    : parts_(std::move(parts)), operation_(io::on<&CompressedFile::raw_done>(*this)) {}

CompressedFile::~CompressedFile() = default;

// How many bytes before raw_ each read of the file begins.
std::size_t CompressedFile::known_bytes() const {
  return static_cast<std::size_t>(std::min<std::uint64_t>(raw_, kRawWitnessBytes));
}

void CompressedFile::read(io::Operation& answer, std::span<char> into, Range range) {
  ASSERT(answer_ == nullptr);
  ASSERT(range.anchor <= range.from);
  ASSERT(!into.empty());
  answer_ = &answer;
  into_ = into;
  range_ = range;
  filled_ = 0;
  if (damaged() || parts_.passed_over > 0) {
    const auto raw = parts_.environment.files.status(parts_.handle);
    if (raw && raw->size > parts_.passed_over) parts_.passed_over = 0;
    // What is damaged stays so until somebody writes to it.
    if (raw && damaged() && (raw->size != raw_end_ || raw->modified_ns != broken_modified_ns_)) {
      start_over();
    }
  }
  if (range.from < produced_ - kept_.size()) start_over();
  drop_before_anchor();
  start_raw();
}

void CompressedFile::start_over() {
  inflater_.reset();
  raw_ = 0;
  produced_ = 0;
  kept_.clear();
  state_ = Inflated::State::between;
  flushed_ = true;
  raw_end_ = 0;
  end_ = 0;
  ends_whole_ = false;
  filled_ = 0;
}

void CompressedFile::give_up_memory() {
  ASSERT(answer_ == nullptr);
  begin_again();
}

// What is known of the file stays, but for what takes memory.
void CompressedFile::begin_again() {
  const std::uint64_t raw_end = raw_end_;
  const std::uint64_t end = end_;
  const bool ends_whole = ends_whole_;
  start_over();
  raw_end_ = raw_end;  // still the end as long as the file does not grow
  end_ = end;
  ends_whole_ = ends_whole;
  kept_.shrink_to_fit();
  buffer_.reset();
}

void CompressedFile::start_raw() {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<char[]>(kRawBytes);
  parts_.environment.io.read(operation_, parts_.handle, {buffer_.get(), kRawBytes},
                             raw_ - known_bytes());
}

void CompressedFile::raw_done(std::int64_t result) {
  if (result < 0 || parts_.passed_over > 0) return finish(std::min<std::int64_t>(result, 0));
  const std::string_view bytes(buffer_.get(), static_cast<std::size_t>(result));
  if (!same_as_before(bytes.substr(0, known_bytes()))) {
    start_over();
    return start_raw();
  }
  if (bytes.size() < known_bytes()) return finish(0);  // a short read, and no end of anything
  if (filled_ == 0 && range_.from < produced_) {
    const auto back = static_cast<std::size_t>(produced_ - range_.from);
    filled_ = std::min(back, into_.size());
    std::memcpy(into_.data(), kept_.data() + (kept_.size() - back), filled_);
  }
  const bool nothing_new = bytes.size() == known_bytes();
  inflate(bytes);
  if (std::exchange(lacks_memory_, false)) {  // nobody's fault: the same again, later
    begin_again();
    return finish(-ENOMEM);
  }
  if (damaged() || filled_ == into_.size()) return finish(static_cast<std::int64_t>(filled_));
  if (nothing_new && flushed_) {
    at_end();
  } else if (produced_ < range_.from) {
    finish(-EAGAIN);
  } else {
    start_raw();
  }
}

// `known`: what is now where the bytes before raw_ were.
bool CompressedFile::same_as_before(std::string_view known) const {
  if (std::memcmp(known.data(), raw_witness_.data(), known.size()) != 0) return false;
  if (known.size() == known_bytes()) return true;
  const auto raw = parts_.environment.files.status(parts_.handle);
  return !raw || raw->size >= raw_;  // else it was cut
}

// `bytes`: the file's from known_bytes() before raw_ on. What is not taken is read again.
void CompressedFile::inflate(std::string_view bytes) {
  std::string_view fresh = bytes.substr(known_bytes());
  std::size_t step_bytes = kStepBytes;
  while (!damaged() && !lacks_memory_ && filled_ < into_.size() && step_bytes > 0 &&
         inflate_piece(fresh, step_bytes)) {
  }
  const std::string_view taken = bytes.substr(0, bytes.size() - fresh.size());
  const std::size_t known = known_bytes();
  std::memcpy(raw_witness_.data(), taken.data() + (taken.size() - known), known);
}

// False: nothing to be had from `fresh` any more.
bool CompressedFile::inflate_piece(std::string_view& fresh, std::size_t& step_bytes) {
  const bool between = state_ == Inflated::State::between;
  if (between && raw_ > 0) {
    // Padding, as tapes have it.
    const std::size_t zeros = std::min(fresh.find_first_not_of('\0'), fresh.size());
    fresh.remove_prefix(zeros);
    raw_ += zeros;
  }
  if (fresh.empty() && flushed_) return false;
  if (!inflater_) inflater_ = make_inflater(parts_.compression);
  if (!inflater_) {
    lacks_memory_ = true;
    return false;
  }
  // What is before the wanted bytes goes where they will be, and is overwritten by them.
  const bool skipping = produced_ < range_.from;
  std::span<char> out = skipping ? into_ : into_.subspan(filled_);
  if (skipping) out = out.first(std::min<std::uint64_t>(out.size(), range_.from - produced_));
  out = out.first(std::min(out.size(), step_bytes));
  const Inflated inflated = inflater_->inflate(fresh, out);
  if (inflated.state == Inflated::State::no_memory) {
    lacks_memory_ = true;
    return false;
  }
  const std::uint64_t before = raw_;
  fresh.remove_prefix(inflated.taken);
  raw_ += inflated.taken;
  state_ = inflated.state;
  flushed_ = inflated.given < out.size();
  step_bytes -= inflated.given;
  if (!skipping) filled_ += inflated.given;
  keep({out.data(), inflated.given});
  if (damaged()) {
    const bool another = between && before > 0 && inflated.given == 0;
    broke(another ? "what follows its compressed data is something else" : inflater_->error(),
          another ? before : raw_);
  }
  return inflated.taken > 0 || inflated.given > 0;
}

// Good bytes were given; here it ends.
void CompressedFile::broke(std::string_view why, std::uint64_t at) {
  state_ = Inflated::State::broken;
  flushed_ = true;
  const auto raw = parts_.environment.files.status(parts_.handle);
  raw_end_ = raw ? std::max(raw->size, raw_) : raw_;
  broken_modified_ns_ = raw ? raw->modified_ns : 0;
  end_ = produced_;
  ends_whole_ = false;
  if (std::exchange(said_at_, at) == at) return;
  parts_.errors.add();
  parts_.environment.log.warn("compressed file is damaged, what is before is read",
                              {{"path", parts_.path},
                               {"compressed_offset", std::to_string(at)},
                               {"error", std::string(why)}});
}

void CompressedFile::say_unfinished() {
  said_at_ = raw_;
  parts_.errors.add();
  parts_.environment.log.warn("compressed file ends in the middle, what is there is read",
                              {{"path", parts_.path}, {"bytes", std::to_string(raw_)}});
}

// `bytes`: just inflated.
void CompressedFile::keep(std::string_view bytes) {
  produced_ += bytes.size();
  if (produced_ <= range_.anchor) {
    kept_.clear();
    return;
  }
  kept_ += bytes;
  const std::size_t most = std::max(kKeptBytesMax, 2 * into_.size());
  if (kept_.size() > most) kept_.erase(0, kept_.size() - most / 2);
}

void CompressedFile::drop_before_anchor() {
  const std::uint64_t begin = produced_ - kept_.size();
  if (range_.anchor <= begin) return;
  const auto drop = std::min<std::uint64_t>(range_.anchor - begin, kept_.size());
  kept_.erase(0, static_cast<std::size_t>(drop));
}

// Nothing more to take, for now.
void CompressedFile::at_end() {
  raw_end_ = raw_;
  end_ = produced_;
  ends_whole_ = complete();
  finish(static_cast<std::int64_t>(filled_));
}

void CompressedFile::finish(std::int64_t result) {
  // Between two members, and behind a damage, nothing is needed to go on. A directory may hold
  // thousands of files that were read to their end.
  if (damaged() || (complete() && raw_ == raw_end_)) {
    inflater_.reset();
    buffer_.reset();
    constexpr std::size_t kSmall = std::size_t{64} << 10;
    if (kept_.size() < kSmall && kept_.capacity() > kSmall) kept_.shrink_to_fit();
  }
  io::Operation* const answer = std::exchange(answer_, nullptr);
  into_ = {};
  answer->done(answer->owner, result);
}

std::uint64_t CompressedFile::size(const io::FileStatus& raw) const {
  if (parts_.passed_over > 0 && raw.size <= parts_.passed_over) return 0;
  if (raw.size == 0) return 0;
  return raw_end_ > 0 && raw.size == raw_end_ ? end_ : kUnknown;
}

}  // namespace sources
