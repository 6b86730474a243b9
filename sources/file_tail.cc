// The life of a tail: its phases, registration, settlement, letting go. What a read means is in
// file_tail_read.cc.
#include "sources/file_tail.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/assert.h"

namespace sources {

FileTail::FileTail(const Parts& parts, FoundFile found, bool held)
    : number_(found.number),
      parts_(parts),
      handle_(found.handle),
      detached_(found.rotated),
      offset_(found.checkpoint.offset),
      seen_end_(offset_),
      last_growth_(parts.environment.clock.monotonic()),
      marks_(std::move(found.marks)),
      window_(offset_),
      checkpoint_(std::move(found.checkpoint)),
      age_ns_(found.age_ns),
      text_end_(offset_),
      given_up_(found.given_up),
      yielding_(found.brief),
      probing_(parts.options.inflate),
      formers_(std::move(found.formers)),
      former_key_(std::move(found.former_key)),
      former_origin_(checkpoint_.origin),
      moved_to_(std::move(found.moved_to)) {
  const bool transcoding = parts.options.encoding != Encoding::utf8;
  if (checkpoint_.transcoded != transcoding) begin_anew_in_other_encoding();
  if (transcoding) begin_transcoding();
  expect_start();
  expect_footer();
  ends_noted_ = !checkpoint_.line_ends.empty();
  // Nothing to compare it with: the first read tells what is before the offset.
  tail_known_ = offset_ == 0 && checkpoint_.tail_bytes == 0;
  // Fewer than could be: what is before them could not be read.
  if (!transcoding && checkpoint_.origin != base::Origin::none &&
      checkpoint_.tail_bytes < prefix_bytes()) {
    unreadable_end_ = offset_ - checkpoint_.tail_bytes;
  }
  glanced_modified_ns_ = distinct_time(found.modified_ns);
  looked_ = end_ = {.size = found.size, .modified_ns = found.modified_ns};
  if (age_ns_ != 0) {
    const auto found_status = parts.environment.files.status(handle_);
    found_end_ = found_status ? found_status->size : std::numeric_limits<std::uint64_t>::max();
  }
  if (!held) make_ready();
}

FileTail::~FileTail() {
  drop_timer();
  if (phase_ == Phase::ready) {
    std::erase(parts_.turns.ready, this);
    std::erase(parts_.turns.to_inflate, this);
  }
  if (phase_ == Phase::registering || phase_ == Phase::ending) {
    parts_.checkpointer.forget_waiter(this);
  }
  if (open()) parts_.environment.files.close(handle_);
}

void FileTail::make_ready() {
  drop_timer();
  phase_ = Phase::ready;
  parts_.turns.ready.push_back(this);
}

void FileTail::set_timer(base::Instant at) {
  drop_timer();
  timer_ = at;
  parts_.turns.timers.emplace(at, number_, this);
}

void FileTail::renumber(std::uint64_t number) {
  const base::Instant at = timer_;
  drop_timer();
  number_ = number;
  if (at != base::Instant{}) set_timer(at);
}

void FileTail::drop_timer() {
  if (timer_ == base::Instant{}) return;
  parts_.turns.timers.erase({timer_, number_, this});
  timer_ = base::Instant{};
}

void FileTail::wake() {
  drop_timer();
  if (phase_ == Phase::idle || phase_ == Phase::backing_off) make_ready();
}

void FileTail::look() {
  if (phase_ == Phase::idle) {
    make_ready();
  } else if (phase_ == Phase::reading || nuls_ > 0) {
    look_again_ = true;  // what changed may be behind what this read saw
  }
}

void FileTail::glance() {
  if (phase_ != Phase::idle) {
    look();
    return;
  }
  const auto status = this->status();
  if (status && status->size == seen_end_ && status->modified_ns == glanced_modified_ns_) return;
  if (status) glanced_modified_ns_ = distinct_time(status->modified_ns);
  look();
}

// The clock of file systems ticks every few milliseconds: two changes may bear one time.
std::int64_t FileTail::distinct_time(std::int64_t modified_ns) const {
  constexpr base::Duration kTick = std::chrono::milliseconds(20);
  const auto age = parts_.environment.clock.wall().time_since_epoch() -
                   base::Duration(std::chrono::nanoseconds(modified_ns));
  return age > kTick ? modified_ns : 0;
}

void FileTail::verify(std::uint64_t question) {
  question_ = question;
  if (phase_ == Phase::idle) make_ready();
}

void FileTail::release() {
  if (phase_ == Phase::held) make_ready();
}

void FileTail::expect_end() {
  reached_end_ =
      phase_ == Phase::closing || phase_ == Phase::finished || phase_ == Phase::backing_off;
  look();
}

// Its checkpoint keeps the name it was followed under: only so a later start can tell a file that
// was renamed away from one whose pattern was taken out of the configuration.
void FileTail::detach(const std::string& new_path) {
  if (!detached_) {
    parts_.environment.log.debug("file lost its name",
                                 {{"path", checkpoint_.path}, {"now", new_path}});
    detached_ = true;
    last_growth_ = parts_.environment.clock.monotonic();
    parts_.counters.files_rotated.add();
  }
  if (parts_.options.on_rewrite == OnRewrite::read_on) moved_to_ = new_path;
  look();
}

void FileTail::attach() {
  detached_ = false;
  moved_to_.clear();
  deleted_since_ = stale_since_ = base::Instant{};
  letting_go_ = false;
  left_end_ = 0;
  if (phase_ == Phase::finished) std::erase(parts_.turns.finished, this);
  if (phase_ == Phase::closing || phase_ == Phase::finished) phase_ = Phase::idle;
  look();
}

// Of who is caught up with only if there are few: of thousands hardly one is copied at this moment.
bool FileTail::line_ends_wanted() const { return live_ || parts_.turns.tails <= kFewTails; }

// What comes next is stored already; only we know that.
bool FileTail::skipping() const {
  return !marks_.empty() && offset_ < *std::max_element(marks_.begin(), marks_.end());
}

// Of this generation what was delivered last.
base::Origin FileTail::present_origin() const {
  return checkpoint_.origin == base::Origin::none ? left_origin_ : checkpoint_.origin;
}

// Draws an origin for what follows the offset and makes it durable: nothing of it may be delivered
// before. `body`: what the file holds from the offset on.
void FileTail::enroll(std::string_view body) {
  const base::Origin before = present_origin();
  left_origin_ = base::Origin::none;
  do {
    checkpoint_.origin = base::Origin{parts_.environment.random.next()};
  } while (checkpoint_.origin == base::Origin::none);
  if (before != base::Origin::none) parts_.turns.recent.rename(before, checkpoint_.origin);
  checkpoint_.goes_on = false;
  marks_.clear();
  checkpoint_.offset = at_head() ? 0 : offset_;
  const std::string_view witness = at_head() ? body.substr(0, witness_bytes(body))
                                             : std::string_view(tail_.data(), prefix_bytes());
  checkpoint_.tail_bytes = static_cast<std::uint32_t>(witness.size());
  checkpoint_.tail_hash = head_hash(witness);
  mark_seen(checkpoint_, parts_.environment.clock.wall());
  phase_ = Phase::registering;
  parts_.checkpointer.register_origin(checkpoint_, this,
                                      line_ends_wanted() ? parts_.completes : nullptr);
  // In the same write: killed between two, we would find one that was gone on with.
  if (!former_key_.empty() && former_origin_ != checkpoint_.origin) {
    parts_.checkpointer.erase(std::exchange(former_key_, {}), former_origin_);
  }
}

void FileTail::registered() {
  if (phase_ == Phase::ending) {
    parts_.turns.ended.push_back({.checkpoint = std::move(*ended_), .marks = marks_});
    ended_.reset();
    begin_generation();
    return;
  }
  if (former_origin_ != checkpoint_.origin) parts_.turns.note_gone_on(former_origin_);
  if (!former_key_.empty()) {
    parts_.checkpointer.erase(std::exchange(former_key_, {}), former_origin_);
  }
  if (phase_ == Phase::registering) make_ready();
}

// Its bytes changed under us: truncated, or truncated and refilled (F03, F04).
void FileTail::start_over() {
  parts_.counters.files_truncated.add();
  deliver_open_lines();
  parts_.counters.bytes_lost_unread.add(seen_unread());
  parts_.environment.log.info("file was truncated, reading it from its start",
                              {{"path", checkpoint_.path}, {"offset", std::to_string(offset_)}});
  phase_ = Phase::emptying;
  if (window_.empty()) end_generation();
}

// A copy may hold what follows (F06). Before anything of the new generation is registered under
// this file's identity, the old one is in the log under one of its own.
void FileTail::end_generation() {
  const bool nothing_stored = at_head() && marks_.empty();
  if (!parts_.options.copies || checkpoint_.tail_bytes == 0 || nothing_stored) {
    begin_generation();
    return;
  }
  phase_ = Phase::ending;
  ended_ = std::make_unique<Checkpoint>(resume_point());
  ended_->identity = identity_of_generation(parts_.environment.random.next());
  ended_->gone = true;
  // Those noted before the start, and what was read since.
  ended_->line_ends =
      joined(ended_->line_ends,
             parts_.turns.recent.line_ends(present_origin(), ended_->offset, delimiter()),
             ended_->offset, kLineEndsMax);
  parts_.checkpointer.register_origin(*ended_, this);
}

// The file has lost them, we have not (F03).
void FileTail::deliver_open_lines() {
  if (open_lines_.empty() || checkpoint_.origin == base::Origin::none) return;
  const std::size_t prefix = prefix_bytes();
  const std::string lines = std::exchange(open_lines_, {});
  const std::string bytes =
      std::string(tail_.data(), prefix) + lines + std::string(pipeline::kPaddingBytes, '\0');
  const std::size_t head = head_bytes(lines);
  offset_ += head;
  take_chunk({.bytes = std::string_view(bytes).substr(prefix + head, lines.size() - head),
              .origin = checkpoint_.origin,
              .offset = offset_,
              .arrival = parts_.environment.clock.wall(),
              .last = true},
             std::string_view(bytes).substr(0, prefix + head), 0);
  if (head > 0) took_head(head);
}

void FileTail::begin_generation() {
  ++checkpoint_.generation;
  checkpoint_.origin = left_origin_ = base::Origin::none;
  checkpoint_.offset = 0;
  whole_ = checkpoint_.whole = true;
  checkpoint_.tail_bytes = 0;
  checkpoint_.tail_hash = 0;
  checkpoint_.line_ends = {};
  marks_.clear();
  marks_new_ = marks_doubted_ = marks_left_ = binary_ = false;
  window_.restart(0);
  past_footer_ = checkpoint_.past_footer = checkpoint_.goes_on = false;
  footer_at_ = ~std::uint64_t{0};
  offset_ = head_ = left_end_ = 0;
  seen_end_ = text_end_ = 0;
  end_ = {};
  nuls_ = unreadable_end_ = 0;
  room_begin_ = kNoRoom;
  trouble_.reset();
  expect_start();
  tail_known_ = true;
  long_line_.reset();
  forget_open_lines();
  group_open_ = hold_group_ = untaken_ = timed_out_ = end_doubted_ = false;
  first_end_ = base::Instant{};
  checkpoint_.compressed_bytes = 0;
  checkpoint_.cut = false;
  checkpoint_.point = {};
  if (utf16_) utf16_->start_over();
  probing_ = parts_.options.inflate;  // it may be compressed now, or no longer
  make_ready();
}

void FileTail::settled(pipeline::Parcel& parcel) {
  parts_.turns.ages.settled(parcel.taken);
  if (window_.settle(parcel.ticket)) report(parcel.taken);
  parts_.intake.release(parcel);
  if (!window_.empty()) return;
  note_whole_file();
  if (phase_ == Phase::emptying) {
    end_generation();
  } else if (phase_ == Phase::settling) {
    make_ready();
  } else if (phase_ == Phase::closing) {
    phase_ = Phase::finished;
    parts_.turns.finished.push_back(this);
  } else if (phase_ == Phase::resting) {
    parts_.turns.rested.push_back(this);
    put_line_ends_away();
  }
}

// `since`: the parcel that moved the watermark was taken then. Shards that stored their part of it
// at once have marks as old as that, and need them until the note is in the log.
void FileTail::report(base::Instant since) {
  checkpoint_.offset = window_.watermark();
  checkpoint_.tail_bytes = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(checkpoint_.offset - unreadable_end_, kTailBytes));
  checkpoint_.tail_hash = window_.watermark_note();
  checkpoint_.compressed_bytes = 0;
  checkpoint_.cut = false;
  checkpoint_.whole = is_whole_now();
  checkpoint_.past_footer = past_footer_ && checkpoint_.offset > footer_at_;
  note_point();
  mark_seen(checkpoint_, parts_.environment.clock.wall());
  const bool wanted = line_ends_wanted() && parts_.completes != nullptr;
  ends_noted_ = wanted || !checkpoint_.line_ends.empty();
  if (!checkpoint_.line_ends.empty()) {
    checkpoint_.line_ends =
        joined(checkpoint_.line_ends, {}, checkpoint_.offset, kNotedLineEndsMax);
  }
  parts_.checkpointer.update(checkpoint_, since, wanted ? parts_.completes : nullptr);
}

// Those that wait for its end go on; but first for an open group, as long as one may be open.
void FileTail::note_end(base::Instant now, base::Instant due) {
  const bool open = group_open_ && due != base::Instant::max();
  if (!open) first_end_ = base::Instant{};
  if (open && first_end_ == base::Instant{}) first_end_ = now;
  if (reached_end_ || (open && now - first_end_ < parts_.intake.group_options()->timeout)) return;
  reached_end_ = true;
  parts_.turns.end_reached = true;
}

// A read found nothing new. That is the end only if the file says so too: a short read, after
// others that failed for longer than rotate_wait, must not let a file go that has more.
void FileTail::end_seen() {
  const auto status = this->status();
  if (!status || status->size > seen_end_) {
    if (std::exchange(end_doubted_, true)) {
      back_off();
    } else {
      make_ready();
    }
    return;
  }
  end_doubted_ = false;
  doubt_rewritten(false);
  const base::Instant now = parts_.environment.clock.monotonic();
  base::Instant due = due_at();
  note_end(now, due);
  note_whole_file();
  due = std::min(due, unfinished_at(now));
  if (has_all_it_will_get()) return make_ready();  // to leave its marks
  phase_ = Phase::idle;
  if (!detached_) {
    if (due != base::Instant::max()) {
      set_timer(due);  // without a descriptor nobody would end what is open
    } else if (yielding_ && !skipping()) {
      come_to_rest(false, false);
    }
    return;
  }
  // One that still has a name somewhere is found again when it grows.
  const bool early = yielding_ && status->links > 0 && due == base::Instant::max();
  if (!early && now - last_growth_ < parts_.options.rotate_wait) {
    set_timer(std::min(due, now + std::min(kDetachedPoll, parts_.options.rotate_wait)));
    return;
  }
  if (seen_end_ > offset_ && !letting_go_ && !early) {
    letting_go_ = true;  // once more: now its unfinished last line counts (F38)
    make_ready();
    return;
  }
  // The beginning of a character, and nobody can write the rest.
  if (utf16_ && status->links == 0) {
    parts_.counters.bytes_lost_unread.add(utf16_->incomplete_bytes());
  }
  if (status->links == 0) return drop_file();  // while the target stands it takes no room
  phase_ = Phase::closing;
  if (!window_.empty()) return;
  phase_ = Phase::finished;
  parts_.turns.finished.push_back(this);
}

Checkpoint FileTail::resume_point() const {
  Checkpoint point = checkpoint_;
  if (timed_out_ || marks_left_) point.origin = base::Origin::none;
  return point;
}

// Marks that were not reached go with it.
Rest FileTail::rest() const {
  Rest rest{.checkpoint = resume_point(),
            .size = closed_.size,
            .modified_ns = closed_.modified_ns,
            .more = closed_.more,
            .failed = closed_.failed,
            .former_key = former_key_};
  if (skipping() && rest.checkpoint.origin != base::Origin::none) rest.marks = marks_;
  return rest;
}

bool FileTail::caught_up() const {
  return reached_end_ || (view() == nullptr && !probing_ && offset_ >= found_end_);
}

bool FileTail::idle() const { return phase_ != Phase::reading && window_.empty(); }

bool FileTail::at_end() const {
  const bool waits = phase_ == Phase::idle || phase_ == Phase::closing || phase_ == Phase::finished;
  return (waits && reached_end_) || given_up();
}

}  // namespace sources
