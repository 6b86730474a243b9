// Reads that fail, and pages that cannot be read at all: with on_read_error: skip they are passed
// over (F61, docs/design/0010-unreadable-pages.md).
//
// A read that fails, or gives nothing although the file says there is more, puts one page under
// suspicion. From then on single pages are read, from there on, until one is the culprit or none.
// What was read before it ends there, as at the end of a file that is let go; what comes behind it
// has an origin of its own.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "sources/compressed_names.h"
#include "sources/file_tail.h"

namespace sources {
namespace {

// What a failing medium is read in. Page caches and disks' sectors are no finer.
constexpr std::uint64_t kPageBytes = std::uint64_t{4} << 10;

std::uint64_t page_end(std::uint64_t at) { return (at / kPageBytes + 1) * kPageBytes; }

// The medium's word on these bytes, not a moment's: not EAGAIN, not a server that is gone.
bool is_medium_error(int error) {
  return error == EIO || error == EBADMSG || error == ENXIO || error == ENODATA ||
         error == EUCLEAN || error == EILSEQ || error == EREMOTEIO;
}

}  // namespace

// Not in what a file is inflated to: one lost page takes all that follows.
bool FileTail::skips_unreadable() const {
  const bool compressed =
      view() != nullptr || (probing_ && can_inflate(compressed_suffix(checkpoint_.path)));
  return parts_.options.on_read_error == OnReadError::skip && !compressed;
}

// A skip that is being decided is done in a second: not to be begun again by whoever opens the
// file next. Marks that were left must not be met again after a restart.
bool FileTail::may_rest_in_trouble() const {
  return !marks_left_ && (trouble_ == nullptr || !skips_unreadable());
}

void FileTail::back_off() {
  if (yielding_ && !detached_ && !skipping() && may_rest_in_trouble() && come_to_rest(true, true)) {
    return;
  }
  backoff_ = backoff_ == base::Duration{0} ? kBackoffMin : std::min(backoff_ * 2, kBackoffMax);
  phase_ = Phase::backing_off;
  set_timer(parts_.environment.clock.monotonic() + backoff_);
}

// Something could be read.
void FileTail::gets_on() {
  backoff_ = base::Duration{0};
  given_up_ = false;
}

// Who waits for the one that still compresses a file waits for its quiet, not for a better day.
bool FileTail::given_up() const {
  const bool waits_for_quiet = search_ && compressed_ && !read_failed_;
  return given_up_ ||
         (phase_ == Phase::backing_off && backoff_ >= kBackoffGivenUp && !waits_for_quiet);
}

// The bytes from `at` on, up to `until`, are to be looked at page by page.
void FileTail::suspect(std::uint64_t at, std::uint64_t until) {
  if (view() == nullptr) trouble_ = std::make_unique<Trouble>(Trouble{.at = at, .until = until});
}

// This descriptor is bad for good, its path may not be (F28): without one it is opened again. Who
// lost his name, perhaps because another client deleted it, gets some time. Then discovery looks
// for him, and counts what is lost if he is not there. True: it is done with.
bool FileTail::went_stale() {
  const base::Instant now = parts_.environment.clock.monotonic();
  if (stale_since_ == base::Instant{}) stale_since_ = now;
  if (detached_ && now - stale_since_ < parts_.options.rotate_wait) return false;
  return come_to_rest(true, true);
}

// A read of `bytes` from `from` on.
void FileTail::failed(int error, std::uint64_t from, std::uint64_t bytes) {
  parts_.counters.read_errors.add();
  reached_end_ = true;  // a file that cannot be read must not hold up its successors
  parts_.turns.end_reached = true;
  const bool medium = is_medium_error(error) && view() == nullptr;
  if (medium && (!trouble_ || trouble_->at != from)) suspect(from, from + bytes);
  if (medium) ++trouble_->failures;
  // Who waits for memory hears of it once: it may take a while, and there are many files.
  const bool said = error == ENOMEM && view() != nullptr && backoff_ != base::Duration{0};
  if (!said && (!medium || !skips_unreadable() || trouble_->failures == 1)) {
    parts_.environment.log.warn("file cannot be read, will try again",
                                {{"path", checkpoint_.path},
                                 {"offset", std::to_string(from)},
                                 {"error", std::strerror(error)}});
  }
  if (error == ESTALE && went_stale()) return;
  if (medium && skips_unreadable() && trouble_->failures > kReadRetries) {
    found_unreadable();
  } else {
    back_off();
    if (given_up() && question_ != 0) {  // whoever asks does not wait for a better day
      parts_.turns.verified.push_back({.number = number_,
                                       .question = std::exchange(question_, 0),
                                       .origin = checkpoint_.origin,
                                       .offset = window_.watermark(),
                                       .exhausted = window_.empty()});
    }
  }
}

// True: a look at the page under suspicion comes first. `from`: where the next read begins.
bool FileTail::start_probe(TailRead& read, std::uint64_t from) {
  probes_ = trouble_ && (!trouble_->unreadable || from >= trouble_->at);
  if (!probes_) return false;
  asked_ = 0;
  const std::uint64_t rest = page_end(trouble_->at) - trouble_->at;
  const auto page = read.buffer.first(std::min<std::size_t>(read.buffer.size(), rest));
  parts_.environment.io.read(read.operation, handle_, page, trouble_->at);
  return true;
}

void FileTail::probed_page(TailRead& read, std::int64_t result) {
  free(read, true);
  if (result < 0) return failed(static_cast<int>(-result), trouble_->at, kPageBytes);
  const std::uint64_t next = page_end(trouble_->at);
  const std::uint64_t until = trouble_->until;
  trouble_.reset();
  if (result > 0 && next < until) suspect(next, until);
  make_ready();
}

// The room of a read from `from` on, if it shall not run into what cannot be read.
std::span<char> FileTail::readable(std::span<char> buffer, std::uint64_t from) const {
  if (!trouble_ || from >= trouble_->at) return buffer;
  return buffer.first(std::min<std::uint64_t>(buffer.size(), trouble_->at - from));
}

// Nothing can be read from `end` on.
bool FileTail::ends_unreadable(std::uint64_t end) const {
  return trouble_ && trouble_->unreadable && trouble_->at == end;
}

void FileTail::found_unreadable() {
  if (search_) {  // whether it is known under another name cannot be said
    search_.reset();
    trouble_.reset();
    return make_ready();
  }
  trouble_->unreadable = true;
  probing_ = false;
  forget_open_lines();
  long_line_.reset();  // its beginning is read again, up to the page
  nuls_ = 0;
  gets_on();
  if (trouble_->at <= next_read() || trouble_->at < offset_) {
    pass_unreadable(0);
  } else {
    make_ready();  // first what is before it
  }
}

// Goes on behind the page. Everything before it is taken, but for `header`, lines of one that
// it cuts off. First all of that must be settled: marks never tell how a line went on that ends
// here, and a page may be read again one day.
void FileTail::pass_unreadable(std::uint32_t header) {
  if (!window_.empty()) {
    phase_ = Phase::settling;
    return;
  }
  const auto status = this->status();
  if (!status) return back_off();
  const std::uint64_t at = trouble_->at;
  const std::uint64_t end = std::max(offset_, std::min(page_end(at), status->size));
  trouble_.reset();
  if (status->size <= at) return make_ready();  // truncated meanwhile
  passed_something_over();
  const std::size_t known = prefix_bytes();
  unreadable_end_ = std::min(page_end(at), end);
  if (end == offset_) {  // all of it was read before; only for comparing is it missed
    const std::size_t left = prefix_bytes();
    std::memmove(tail_.data(), tail_.data() + (known - left), left);
    return make_ready();
  }
  const std::uint64_t dropped = end - (header_lines_ > 0 ? std::max(offset_, at) : offset_);
  parts_.counters.bytes_unreadable.add(dropped);
  parts_.counters.unreadable_skipped.add();
  parts_.counters.header_lines_skipped.add(header);
  parts_.environment.log.warn("page of a file cannot be read, skipped",
                              {{"path", checkpoint_.path},
                               {"offset", std::to_string(end - dropped)},
                               {"bytes", std::to_string(dropped)}});
  go_on_behind(end);
}

void FileTail::go_on_behind(std::uint64_t end) {
  offset_ = end;
  seen_end_ = std::max(seen_end_, end);
  text_end_ = std::max(text_end_, end);
  marks_new_ = marks_new_ || (!tail_known_ && !marks_.empty());
  tail_known_ = true;
  window_.restart(end);
  nuls_ = 0;
  long_line_.reset();
  header_lines_ = 0;
  at_start_ = headed_ = header_open_ = false;
  group_open_ = hold_group_ = untaken_ = timed_out_ = end_doubted_ = false;
  if (skipping()) return make_ready();  // it could be read when what follows was stored
  if (!marks_.empty()) {
    checkpoint_.goes_on = false;
    parts_.turns.caught_up.emplace_back(checkpoint_.origin, parts_.environment.clock.monotonic());
  }
  marks_new_ = marks_doubted_ = false;
  enroll({});
}

}  // namespace sources
