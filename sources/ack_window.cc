#include "sources/ack_window.h"

#include "base/assert.h"

namespace sources {

std::uint64_t AckWindow::open(std::uint64_t end_offset, std::uint64_t note) {
  if (count_ == ring_.size()) grow();
  const std::uint64_t ticket = first_ticket_ + count_;
  ASSERT(end_offset >= watermark_);
  ASSERT(count_ == 0 || end_offset >= entry(ticket - 1).end_offset);
  entry(ticket) = Entry{.end_offset = end_offset, .note = note, .settled = false};
  ++count_;
  return ticket;
}

bool AckWindow::settle(std::uint64_t ticket) {
  ASSERT(ticket >= first_ticket_);
  ASSERT(ticket - first_ticket_ < count_);
  ASSERT(!entry(ticket).settled);
  entry(ticket).settled = true;
  const std::uint64_t before = watermark_;
  while (count_ > 0 && entry(first_ticket_).settled) {
    watermark_ = entry(first_ticket_).end_offset;
    watermark_note_ = entry(first_ticket_).note;
    ++first_ticket_;
    --count_;
  }
  return watermark_ != before;
}

void AckWindow::restart(std::uint64_t watermark) {
  ASSERT(count_ == 0);
  watermark_ = watermark;
  watermark_note_ = 0;
}

void AckWindow::grow() {
  std::vector<Entry> larger(ring_.empty() ? 1 : ring_.size() * 2);
  for (std::uint64_t i = 0; i < count_; ++i) {
    const std::uint64_t ticket = first_ticket_ + i;
    larger[ticket & (larger.size() - 1)] = entry(ticket);
  }
  ring_.swap(larger);
}

}  // namespace sources
