// Deleted files: what room they take, and letting them go before they were read (F12).
#include <algorithm>
#include <utility>

#include "sources/file_tail.h"

namespace sources {

// Without a descriptor it was given up.
bool FileTail::deleted() const {
  if (!open()) return phase_ == Phase::closing || phase_ == Phase::finished;
  const auto status = parts_.environment.files.status(handle_);
  return status && status->links == 0;
}

std::uint64_t FileTail::deleted_bytes(base::Instant now) {
  if (!open() || !detached_ || phase_ == Phase::closing || phase_ == Phase::finished) return 0;
  const auto status = parts_.environment.files.status(handle_);
  if (!status || status->links != 0) return 0;
  if (deleted_since_ == base::Instant{}) deleted_since_ = now;
  return status->allocated;
}

// Also while it waits for memory to look again.
bool FileTail::all_read() const {
  if (!may_be_given_up() || seen_end_ != offset_) return false;
  const auto status = this->status();
  return status && status->size == offset_;
}

// Does it wait for others, with nothing of its own under way that needs the file?
bool FileTail::may_be_given_up() const {
  switch (phase_) {
    case Phase::held:
    case Phase::ready:
    case Phase::idle:
    case Phase::backing_off:
    case Phase::registering:
    case Phase::settling:
      break;
    default:
      return false;
  }
  // Something of what comes next is stored already; it is not known yet what.
  return !skipping();
}

bool FileTail::give_up() {
  if (!may_be_given_up()) return false;
  const auto status = parts_.environment.files.status(handle_);
  if (status) note(*status);
  if (phase_ == Phase::idle && reached_end_ && status && size_in(*status) == seen_end_) {
    letting_go_ = true;  // at its end: an unfinished last line counts (F38)
    last_growth_ = base::Instant{};
    make_ready();
    return true;
  }
  const bool as_it_is = view() == nullptr && !binary_ && status;
  const std::uint64_t end = as_it_is ? std::max(status->size, offset_) : 0;
  const std::uint64_t unread = as_it_is ? end - offset_ : lag_bytes();
  if (unread > 0) {
    parts_.counters.bytes_lost_unread.add(unread);
    parts_.counters.files_given_up.add();
    parts_.environment.log.warn(
        "deleted file let go before it was read, over max_deleted_bytes or max_deleted_age",
        {{"path", checkpoint_.path}, {"bytes_lost", std::to_string(unread)}});
  }
  drop_file();
  return true;
}

// What was read of it is still out, perhaps, and does not need the file.
void FileTail::drop_file() {
  drop_timer();
  if (phase_ == Phase::ready) std::erase(parts_.turns.ready, this);
  if (phase_ == Phase::registering) parts_.checkpointer.forget_waiter(this);
  std::erase(parts_.turns.to_inflate, this);
  parts_.environment.files.close(std::exchange(handle_, io::kNoHandle));
  parts_.turns.released.push_back(number_);
  seen_end_ = offset_;
  reached_end_ = parts_.turns.end_reached = true;
  phase_ = Phase::closing;
  if (!window_.empty()) return;
  phase_ = Phase::finished;
  parts_.turns.finished.push_back(this);
}

}  // namespace sources
