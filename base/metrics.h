// Counter: a number with one writer thread, read by anybody.
//
// The writer adds with a load and a store, not a locked read-modify-write: there is only one
// writer, and a reader may see a value that is a moment old but never a torn one. Whoever sees a
// value sees what its writer had seen of other counters before (agent/conservation.h needs that).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace base {

class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }
  void set(std::uint64_t n) { value_.store(n, std::memory_order_release); }
  std::uint64_t value() const { return value_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// One line of a scrape: `name{labels} value`. Rooms list theirs through a `describe` function;
// equal names with equal labels are summed over reactors.
struct Sample {
  std::string name;    // snake_case, unit last: records_read, bytes_dropped
  std::string labels;  // `reason="too_long"`, or empty
  std::uint64_t value = 0;
};
using Samples = std::vector<Sample>;

}  // namespace base
