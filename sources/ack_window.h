// AckWindow: parcels enter in read order and may settle in any order; the watermark is the end of
// the longest settled prefix. One per source, on its reactor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sources {

class AckWindow {
 public:
  explicit AckWindow(std::uint64_t watermark = 0) : watermark_(watermark) {}

  // A parcel that ends at `end_offset` (>= all before) was sent. Returns its ticket. `note` comes
  // back as watermark_note() when the watermark has reached exactly this end.
  std::uint64_t open(std::uint64_t end_offset, std::uint64_t note = 0);
  // Once per ticket, for tickets since the last restart(). Returns true if the watermark moved.
  bool settle(std::uint64_t ticket);

  std::uint64_t watermark() const { return watermark_; }
  std::uint64_t watermark_note() const { return watermark_note_; }
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  // A new generation: nothing may be open.
  void restart(std::uint64_t watermark);

 private:
  struct Entry {
    std::uint64_t end_offset;
    std::uint64_t note;
    bool settled;
  };
  Entry& entry(std::uint64_t ticket) { return ring_[ticket & (ring_.size() - 1)]; }
  void grow();

  std::size_t count_ = 0;
  std::vector<Entry> ring_;         // power of two, grows, never shrinks
  std::uint64_t first_ticket_ = 0;  // of the oldest open entry
  std::uint64_t watermark_;
  std::uint64_t watermark_note_ = 0;
};

}  // namespace sources
