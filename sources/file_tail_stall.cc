// A tail that does not get on: what it waits for, and how it is started anew.
#include <algorithm>

#include "sources/file_tail.h"

namespace sources {

std::string_view name_of(StallReason reason) {
  switch (reason) {
    case StallReason::none:
      return "none";
    case StallReason::older_file:
      return "an older file of its path is not read to its end";
    case StallReason::turn:
      return "no memory is free, the target takes nothing";
    case StallReason::disk:
      return "a read is not answered";
    case StallReason::unnoticed:
      return "it grew and no notification came";
    case StallReason::errors:
      return "it cannot be read";
    case StallReason::checkpoint:
      return "its checkpoint is not written";
    case StallReason::target:
      return "what was read of it is not delivered";
  }
  return "none";
}

StallReason FileTail::busy_with() const {
  switch (phase_) {
    case Phase::held:
      return StallReason::older_file;
    case Phase::ready:  // behind others that decompress: those say so themselves
      return std::ranges::find(parts_.turns.to_inflate, this) == parts_.turns.to_inflate.end()
                 ? StallReason::turn
                 : StallReason::none;
    case Phase::reading:
      return StallReason::disk;
    case Phase::backing_off:  // or it waits for who compresses a file we know
      return search_ ? StallReason::none : StallReason::errors;
    case Phase::registering:
    case Phase::ending:
      return StallReason::checkpoint;
    case Phase::emptying:
    case Phase::settling:
    case Phase::closing:
      return StallReason::target;
    case Phase::resting:
    case Phase::idle:
      return window_.empty() ? StallReason::none : StallReason::target;
    case Phase::finished:
      return StallReason::none;
  }
  return StallReason::none;
}

FileState FileTail::survey(base::Timestamp wall, bool all) const {
  FileState file{.number = number_,
                 .path = {},
                 .state = {},
                 .trouble = binary_ || busy_with() == StallReason::errors,
                 .offset = checkpoint_.offset,
                 .lag_bytes = lag_bytes()};
  if (file.lag_bytes > 0 && looked_.modified_ns != 0) {
    const base::Duration age =
        wall.time_since_epoch() - base::Duration(std::chrono::nanoseconds(looked_.modified_ns));
    file.lag = std::max(age, base::Duration::zero());
  }
  if (!all && !file.trouble) return file;
  file.path = checkpoint_.path;
  if (binary_) {
    file.state = "set aside, no text";
  } else if (resting()) {
    file.state = "coming to rest";
  } else if (phase_ == Phase::idle && window_.empty()) {
    file.state = file.lag_bytes > 0 ? "waits for the end of its last line" : "at its end";
  } else if (phase_ == Phase::ready || phase_ == Phase::reading) {
    file.state = "being read";
  } else {
    file.state = name_of(busy_with());
  }
  if (detached_) file.state += ", no longer under its name";
  return file;
}

bool FileTail::grew_unnoticed(base::Duration limit) const {
  if (phase_ != Phase::idle) return false;
  const auto status = this->status();
  if (!status || status->size <= seen_end_) return false;
  const auto age = parts_.environment.clock.wall().time_since_epoch() -
                   base::Duration(std::chrono::nanoseconds(status->modified_ns));
  return age >= limit;
}

std::uint64_t FileTail::progress() const {
  const std::uint64_t scanned = long_line_ ? long_line_->scanned() : 0;
  const std::uint64_t raw = view() != nullptr ? view()->raw_bytes() : 0;
  return raw + offset_ + seen_end_ + nuls_ + scanned + checkpoint_.offset + checkpoint_.generation;
}

bool FileTail::restart(StallReason reason, TailRead* read) {
  switch (reason) {
    case StallReason::unnoticed:
      look();
      return true;
    case StallReason::disk:
      if (read == nullptr || view() != nullptr) return false;
      parts_.environment.io.cancel(read->operation);
      return true;
    case StallReason::errors:
      // A descriptor may be bad for good (a remounted volume, ESTALE); its path may not be.
      return phase_ == Phase::backing_off && !detached_ && come_to_rest(true, true);
    default:
      return false;  // waits for others, who say so themselves
  }
}

std::uint64_t FileTail::lag_bytes() const {
  if (binary_) return 0;
  std::uint64_t end = seen_end_;
  if (phase_ != Phase::idle && open()) {
    if (view() != nullptr) return looked_.size - std::min(looked_.size, view()->raw_bytes());
    end = std::max(end, looked_.size);
  }
  return end > offset_ ? end - offset_ : 0;
}

}  // namespace sources
