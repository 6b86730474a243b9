// Memory for reads: a buffer, and credit for what it will hold. What happens when there is none.
#include <algorithm>
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
  if (!parts.budget.take_or_alone(credit, large > 0 && insist() ? this : nullptr)) {
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

// The periods are those of the clock: who else insists pauses when we do.
bool TailSet::State::insist() {
  const base::Instant now = parts.environment.clock.monotonic();
  if (insists.until > now) return insists.on;
  const bool begins = insists.until == base::Instant{};
  const auto period = now.time_since_epoch() / kInsists;
  const std::int64_t available = parts.budget.available_bytes();
  const bool gets_on = insists.on && available > insists.available;
  insists = {.on = begins || gets_on || (!insists.on && period % 2 == 0),
             .until = base::Instant((period + 1) * kInsists),
             .available = available};
  return insists.on;
}

// Who has what he needs, or needs it no more, lets others go on.
void TailSet::State::stand_in_line() {
  if (!lacks_large) insists = {};
  if (!lacks_large || !insist()) parts.budget.withdraw(this);
}

// When somebody may get memory although nobody gives it back.
base::Instant TailSet::State::memory_deadline() const {
  if (stopped || paused || turns.ready.empty()) return base::Instant::max();
  if (lacks_large) return insists.until;
  const bool hangs = short_of_buffers && !short_of_credit && !reading();
  return hangs ? without_buffer_since + kBuffersHang : base::Instant::max();
}

// Newer generations of its path are not to be read before it, nor are newer files with
// oldest_first.
bool TailSet::State::is_waited_for(std::uint64_t number) const {
  const auto is_it = [number](const auto& each) { return each.second == number; };
  return std::ranges::any_of(catching_up, is_it) ||
         std::ranges::any_of(held, [number](const auto& each) {
           return std::ranges::count(each.second, number) > 0;
         });
}

// There is no memory to read on, and who waits for these descriptors has some.
// Who cannot let go is asked again if need be.
void TailSet::State::make_way() {
  for (const std::uint64_t number : std::exchange(asked_now, {})) {
    FileTail* const tail = find(number);
    if (tail == nullptr || !tail->open()) continue;
    if (tail->busy_with() == StallReason::disk) {
      asked_now.push_back(number);
    } else if (!is_waited_for(number)) {
      tail->rest_unread();
    }
  }
}

}  // namespace sources
