// Memory for reads: a buffer, and credit for what it will hold. What happens when there is none.
#include <chrono>
#include <memory>
#include <span>
#include <utility>

#include "sources/tail_set_state.h"

namespace sources {

bool TailSet::State::start_read(FileTail& tail) {
  TailRead* const read = free_read();
  if (read == nullptr) return false;
  const std::size_t large = tail.large_buffer_bytes();
  std::size_t own = large;  // bytes of a buffer for this read alone
  std::span<char> buffer;
  if (large == 0) {
    buffer = parts.chunks.take();
    short_of_buffers = buffer.empty();
    if (!short_of_buffers) {
      without_buffer_since = base::Instant{};
    } else if (others_hang()) {
      own = parts.chunks.buffer_bytes();
    } else {
      return false;
    }
  }
  const std::uint64_t credit = own > 0 ? own : parts.chunks.buffer_bytes();
  if (!parts.budget.take_or_alone(credit, large > 0 && insists() ? this : nullptr)) {
    lacks_large = large > 0;
    if (own == 0) parts.chunks.give_back(buffer);
    short_of_credit = true;
    return false;
  }
  if (own > 0) {
    read->large = std::make_unique_for_overwrite<char[]>(own + pipeline::kPaddingBytes);
    buffer = {read->large.get(), own};
  }
  read->buffer = buffer;
  read->credit_bytes = credit;
  read->tail = &tail;
  tail.start(*read);
  return true;
}

// Do reads of other flows have all buffers of this reactor, and nothing of ours was read for long?
bool TailSet::State::others_hang() {
  if (reading()) return false;
  const base::Instant now = parts.environment.clock.monotonic();
  if (without_buffer_since == base::Instant{}) without_buffer_since = now;
  return now - without_buffer_since >= kBuffersHang;
}

bool TailSet::State::insists() {
  const base::Instant now = parts.environment.clock.monotonic();
  if (lacks_since == base::Instant{}) lacks_since = now;
  return (now - lacks_since) / kInsists % 2 == 0;
}

// Who has what he needs, or needs it no more, lets others go on.
void TailSet::State::stand_in_line() {
  if (!lacks_large) lacks_since = base::Instant{};
  if (!lacks_large || !insists()) parts.budget.withdraw(this);
}

// When somebody may get memory although nobody gives it back.
base::Instant TailSet::State::memory_deadline() const {
  if (stopped || paused || turns.ready.empty()) return base::Instant::max();
  if (lacks_large) {
    const base::Duration lacked = parts.environment.clock.monotonic() - lacks_since;
    return lacks_since + (lacked / kInsists + 1) * kInsists;
  }
  const bool hangs = short_of_buffers && !short_of_credit && !reading();
  return hangs ? without_buffer_since + kBuffersHang : base::Instant::max();
}

// There is no memory to read on, and who waits for these descriptors has some.
void TailSet::State::make_way() {
  std::erase_if(asked_now, [this](std::uint64_t number) {
    FileTail* const tail = find(number);
    return tail == nullptr || !tail->open() || tail->rest_unread();
  });
  release_rested();
}

}  // namespace sources
