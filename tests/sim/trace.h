// Trace: a running hash over everything that happened. Two runs of one seed that do not end with
// the same hash have found a source of chance that the seed does not rule.
#pragma once

#include <cstdint>
#include <string_view>

namespace sim {

class Trace {
 public:
  void add(std::string_view what, std::uint64_t a = 0, std::uint64_t b = 0) {
    for (const char c : what) mix(static_cast<unsigned char>(c));
    mix(a);
    mix(b);
    ++events_;
  }
  std::uint64_t hash() const { return hash_; }
  std::uint64_t events() const { return events_; }

 private:
  void mix(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9E3779B97F4A7C15U;
    hash_ ^= hash_ >> 29;
  }
  std::uint64_t hash_ = 0xCBF29CE484222325U;
  std::uint64_t events_ = 0;
};

}  // namespace sim
