// AckWindow: parcels enter in read order and may settle in any order; the watermark is the end of the
// longest settled prefix. One per source, on its reactor.
#pragma once

#include <cstdint>
#include <vector>

namespace sources {

class AckWindow {
 public:
  explicit AckWindow(std::uint64_t watermark = 0) : watermark_(watermark) {}

  // A parcel that ends at `end_offset` (>= all before) was sent. Returns its ticket.
  std::uint64_t open(std::uint64_t end_offset);
  // Returns true if the watermark moved.
  bool settle(std::uint64_t ticket);

  std::uint64_t watermark() const { return watermark_; }
  bool empty() const { return count_ == 0; }
  // A new generation: nothing may be open.
  void restart(std::uint64_t watermark);

 private:
  struct Entry {
    std::uint64_t end_offset;
    bool settled;
  };
  std::vector<Entry> ring_;         // power of two, grows, never shrinks
  std::uint64_t first_ticket_ = 0;  // of the oldest open entry
  std::size_t count_ = 0;
  std::uint64_t watermark_;
};

}  // namespace sources
