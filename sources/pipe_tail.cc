#include "sources/pipe_tail.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace sources {

PipeTail::PipeTail(Parts parts)
    : parts_(std::move(parts)),
      lines_({.intake = parts_.intake,
              .budget = parts_.budget,
              .clock = parts_.environment.clock,
              .partial_line_timeout = parts_.partial_line_timeout,
              .counters = counters_}),
      open_(io::on<&PipeTail::opened>(*this)),
      receive_(io::on<&PipeTail::received>(*this)) {
  if (is_fifo()) return;
  phase_ = Phase::open;
  open_at_ = base::Instant::max();
}

PipeTail::~PipeTail() = default;

void PipeTail::tick(base::Instant now) {
  if (draining_ && !receiving_) drain();
  if (stopped_ || ended_) return;
  if (is_fifo()) tick_fifo(now);
  const PipeLines::Due due = lines_.due(now);
  if (receiving_) {
    // The read's memory is behind what is due: it comes home first.
    if (due == PipeLines::Due::nothing || std::exchange(cancelled_, true)) return;
    parts_.environment.io.cancel(receive_);
    return;
  }
  if (due != PipeLines::Due::nothing) lines_.take(0, due, 0);
  if (phase_ == Phase::open) start_receiving();
}

base::Instant PipeTail::next_deadline() const {
  if (stopped_ || ended_) return base::Instant::max();
  const base::Instant look = opening_ ? base::Instant::max() : open_at_;
  return cancelled_ ? look : std::min(look, lines_.due_at());
}

// Never waits for credit: the budget's doorbell brings the next tick.
void PipeTail::start_receiving() {
  const std::span<char> room = lines_.room();
  if (!parts_.budget.take_or_alone(lines_.buffer_bytes())) return;
  credit_bytes_ = lines_.buffer_bytes();
  receiving_ = true;
  counters_.reads.add();
  parts_.environment.io.receive(receive_, is_fifo() ? fifo_.get() : parts_.standard_input, room);
}

void PipeTail::received(std::int64_t result) {
  receiving_ = cancelled_ = false;
  const std::uint64_t credit = std::exchange(credit_bytes_, 0);
  const std::size_t fresh = result > 0 ? static_cast<std::size_t>(result) : 0;
  anything_came_ = anything_came_ || fresh > 0;
  anything_new_ = anything_new_ || fresh > 0;
  if (stopped_) {
    lines_.take(fresh, PipeLines::Due::nothing, credit);
    drain();
    return;
  }
  const base::Instant now = parts_.environment.clock.monotonic();
  lines_.take(fresh, fresh > 0 ? PipeLines::Due::nothing : lines_.due(now), credit);
  if (result == 0) {
    is_fifo() ? all_left() : finish();
  } else if (result == -ECANCELED) {
    if (next_fifo_ && !anything_came_) change_over();
  } else if (result < 0) {
    failed(static_cast<int>(-result));
  }
}

void PipeTail::failed(int error) {
  counters_.read_errors.add();
  if (!is_fifo()) {
    parts_.environment.log.error("standard input cannot be read, this is its end",
                                 {{"error", std::strerror(error)}});
    input_failed_ = true;
    finish();
    return;
  }
  parts_.environment.log.warn("FIFO cannot be read, will try again",
                              {{"path", parts_.input.fifo}, {"error", std::strerror(error)}});
  lines_.take(0, PipeLines::Due::end, 0);
  change_over();
}

// Nothing will come any more.
void PipeTail::finish() {
  ended_ = true;
  lines_.take(0, PipeLines::Due::end, 0);
  if (opening_) parts_.environment.io.cancel(open_);
  fifo_.reset();
  next_fifo_.reset();
}

void PipeTail::stop() {
  if (std::exchange(stopped_, true)) return;
  if (opening_) parts_.environment.io.cancel(open_);
  draining_ = true;
  if (!receiving_) {
    drain();
  } else if (!std::exchange(cancelled_, true)) {
    parts_.environment.io.cancel(receive_);
  }
}

void PipeTail::abandon() {
  abandoned_ = true;
  if (draining_ && !receiving_) drain();
}

// Not while a read is under way.
void PipeTail::drain() {
  if (!ended_ && !abandoned_) {
    const io::Handle present = is_fifo() ? fifo_.get() : parts_.standard_input;
    if (!drain(present)) return;  // the budget's doorbell goes on
    // What comes through another FIFO begins a line of its own. It is the same one if it was opened
    // anew because its writers had left.
    if (next_fifo_) {
      if (!is_present(next_fifo_.get())) lines_.take(0, PipeLines::Due::end, 0);
      fifo_ = std::move(next_fifo_);
      if (!drain(fifo_.get())) return;
    }
  }
  draining_ = false;
  // Closed now, so that who comes next waits for the next reader.
  fifo_.reset();
  next_fifo_.reset();
  lines_.take(0, PipeLines::Due::end, 0);
}

bool PipeTail::is_present(io::Handle fifo) const {
  if (!fifo_) return false;
  const auto present = parts_.environment.files.status(fifo_.get());
  const auto other = parts_.environment.files.status(fifo);
  return present && other && present->device == other->device && present->inode == other->inode;
}

// False: it must wait for credit.
bool PipeTail::drain(io::Handle pipe) {
  if (pipe == io::kNoHandle) return true;
  const auto status = parts_.environment.files.status(pipe);
  if (!status || status->kind != io::FileKind::fifo) return true;
  while (drained_bytes_ < kDrainBytesMax) {
    const std::span<char> room = lines_.room();
    const std::uint64_t credit = lines_.buffer_bytes();
    if (!parts_.budget.take_or_alone(credit)) return false;
    const auto got = parts_.environment.files.read_ready(pipe, room);
    const std::size_t fresh = got ? *got : 0;
    const bool whole = got && fresh == 0;  // all writers left
    if (got) counters_.reads.add();
    if (!got && got.error().system != EAGAIN) counters_.read_errors.add();
    drained_bytes_ += fresh;
    lines_.take(fresh, whole && lines_.unfinished() ? PipeLines::Due::end : PipeLines::Due::nothing,
                credit);
    if (fresh == 0) return true;
  }
  parts_.environment.log.warn("pipe has more than a stop takes, the rest is left in it",
                              {{"taken_bytes", std::to_string(drained_bytes_)}});
  return true;
}

void PipeTail::tick_fifo(base::Instant now) {
  if (opening_ || now < open_at_) return;
  if (phase_ == Phase::open && (anything_came_ || next_fifo_)) {
    open_at_ = base::Instant::max();  // its end will tell
    return;
  }
  opening_ = true;
  parts_.environment.io.open(open_, parts_.input.fifo.c_str(), io::Open::read);
}

void PipeTail::opened(std::int64_t result) {
  opening_ = false;
  io::UniqueHandle handle;
  if (result >= 0) handle = {parts_.environment.files, static_cast<io::Handle>(result)};
  if (stopped_ || ended_) return;
  if (!handle) {
    open_failed(result == -ENOENT ? "it is not there" : std::strerror(static_cast<int>(-result)));
    return;
  }
  const auto status = parts_.environment.files.status(handle.get());
  if (!status || status->kind != io::FileKind::fifo) {
    open_failed(status ? "it is no FIFO" : status.error().message);
    return;
  }
  complaint_.clear();
  keep_opened(std::move(handle), *status);
}

base::Duration PipeTail::next_retry() {
  return std::exchange(retry_, std::min(retry_ * 2, kRetryMax));
}

base::Duration PipeTail::next_look() { return std::exchange(look_, std::min(look_ * 2, kLookMax)); }

void PipeTail::open_failed(const std::string& error) {
  open_at_ = parts_.environment.clock.monotonic() + next_retry();
  if (phase_ == Phase::open) return;  // the present one is still read
  if (std::exchange(complaint_, error) != error) {
    parts_.environment.log.warn("FIFO cannot be opened, will try again",
                                {{"path", parts_.input.fifo}, {"error", error}});
  }
  if (phase_ == Phase::closed) return;
  phase_ = Phase::open;
  last_read_ = true;
}

void PipeTail::keep_opened(io::UniqueHandle handle, const io::FileStatus& status) {
  const bool same = status.device == device_ && status.inode == inode_;
  retry_ = kRetryMin;
  device_ = status.device;
  inode_ = status.inode;
  open_at_ = base::Instant::max();
  if (phase_ == Phase::closed) {
    next_fifo_ = std::move(handle);
    change_over();
  } else if (phase_ == Phase::left) {
    next_fifo_ = std::move(handle);
    phase_ = Phase::open;
    last_read_ = true;
  } else if (same) {
    open_at_ = parts_.environment.clock.monotonic() + next_look();
  } else {
    // Nobody can open the old one any more, and whoever has it open was silent so far.
    next_fifo_ = std::move(handle);
    if (receiving_ && !std::exchange(cancelled_, true)) parts_.environment.io.cancel(receive_);
    if (!receiving_ && !anything_came_) change_over();
  }
}

// From the present FIFO to the next, or to none.
void PipeTail::change_over() {
  fifo_ = std::move(next_fifo_);
  last_read_ = anything_came_ = false;
  phase_ = fifo_ ? Phase::open : Phase::closed;
  const base::Instant now = parts_.environment.clock.monotonic();
  look_ = kLookMin;
  open_at_ = now + (fifo_ ? next_look() : next_retry());
}

void PipeTail::all_left() {
  if (lines_.unfinished()) lines_.take(0, PipeLines::Due::end, 0);
  if (std::exchange(anything_new_, false)) counters_.ends.add();
  if (last_read_ || next_fifo_) {
    change_over();
    return;
  }
  if (parts_.once) {
    finish();
    return;
  }
  phase_ = Phase::left;
  const base::Instant now = parts_.environment.clock.monotonic();
  open_at_ = anything_came_ ? now : now + kEmptyInterval;
}

}  // namespace sources
