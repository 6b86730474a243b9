// Turns: when a file's descriptor is given back, and how it goes on with the next.
#include <algorithm>
#include <utility>

#include "sources/file_tail.h"

namespace sources {

// What it read is settled or still out; either way the descriptor is not needed for it. False: the
// file has no name left, so nobody could open it again.
bool FileTail::come_to_rest(bool more, bool failed) {
  const auto status = parts_.environment.files.status(handle_);
  if (status && status->links == 0) return false;
  if (status) {
    note(*status);
    doubt_rewritten(true);
  }
  drop_timer();
  closed_ = {.size = status ? status->size : seen_end_,
             .modified_ns = status ? status->modified_ns : 0,
             .more = more || !status || size_in(*status) != seen_end_,
             .failed = failed};
  parts_.environment.files.close(std::exchange(handle_, io::kNoHandle));
  parts_.turns.released.push_back(number_);
  parts_.counters.files_closed_idle.add();
  phase_ = Phase::resting;
  if (window_.empty()) parts_.turns.rested.push_back(this);
  put_line_ends_away();
  return true;
}

// The log keeps its notes in memory, and who rests was not written to for a while.
void FileTail::put_line_ends_away() {
  // They are needed until the file was compared with what is known of it.
  if (!tail_known_ || !window_.empty() || !std::exchange(ends_noted_, false)) return;
  checkpoint_.line_ends = {};
  parts_.checkpointer.update(checkpoint_);
}

void FileTail::yield() {
  if (std::exchange(yielding_, true)) return;
  turn_reads_ = 0;
  if (phase_ == Phase::idle && reached_end_) {
    end_seen();
  } else if (phase_ == Phase::backing_off && !detached_ && !skipping() && may_rest_in_trouble()) {
    come_to_rest(true, true);
  }
}

// A long line would be gone through from its start again; marks that were left must not be met
// again after a restart.
bool FileTail::may_rest_unread() const {
  return !detached_ && !long_line_ && nuls_ == 0 && !skipping() && !marks_left_;
}

// After a read that left something: is its turn over?
bool FileTail::give_way() {
  if (!yielding_ || ++turn_reads_ < kTurnReads) return false;
  turn_reads_ = kTurnReads;
  // A compressed file and a header would be, too, and newer generations wait for the end of this.
  if (compressed_ || header_lines_ > 0 || parts_.turns.held > 0) return false;
  return may_rest_unread() && come_to_rest(true, false);
}

// It gets on by that as little as before; who waits does.
void FileTail::rest_unread() {
  if (phase_ != Phase::ready || !may_rest_unread()) return;
  // What it was asked it answers first, and only we know what it was told. An open group may be
  // lost without what is remembered of it, or waits for memory of its own.
  if (question_ != 0 || search_ || !formers_.empty() || !former_key_.empty() || holds_memory() ||
      group_open_ || hold_group_ || !open_lines_.empty()) {
    return;
  }
  if (!come_to_rest(true, false)) return;
  std::erase(parts_.turns.ready, this);
  std::erase(parts_.turns.to_inflate, this);
}

void FileTail::rest_if_inactive(base::Instant before) {
  if (phase_ != Phase::idle || !reached_end_ || detached_ || last_growth_ > before) return;
  if (!window_.empty() || skipping() || lacks_line_end()) return;
  come_to_rest(false, false);
}

void FileTail::wake_up(io::Handle handle, bool brief) {
  handle_ = handle;
  if (utf16_) utf16_->reopen(handle);
  yielding_ = brief;
  turn_reads_ = 0;
  std::erase(parts_.turns.rested, this);
  std::erase(parts_.turns.finished, this);
  phase_ = Phase::idle;
  probing_ = parts_.options.inflate;
  trouble_.reset();
  pages_.reopened();
}

}  // namespace sources
