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

// One line of a scrape: `name{labels} value`. Equal names with equal labels are one number over all
// reactors.
struct Sample {
  enum class Kind : std::uint8_t {
    counter,  // only grows; summed over reactors
    gauge,    // what is now; summed
    peak,     // the worst of what is now; the largest counts
  };
  std::string name;    // snake_case, unit last: records_read, bytes_dropped
  std::string labels;  // `reason="too_long"`, or empty
  std::uint64_t value = 0;
  Kind kind = Kind::counter;
  bool micros = false;  // the value is in millionths: of seconds, by its name
};
using Samples = std::vector<Sample>;

// Equal names and labels added up; sorted by both.
Samples added_up(Samples samples);

// As it is printed: `12`, `0.250000`.
inline std::string value_text(const Sample& sample) {
  if (!sample.micros) return std::to_string(sample.value);
  std::string fraction = std::to_string(sample.value % 1'000'000);
  fraction.insert(0, 6 - fraction.size(), '0');
  return std::to_string(sample.value / 1'000'000) + "." + fraction;
}

}  // namespace base
