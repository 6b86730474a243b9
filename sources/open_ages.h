// OpenAges: when the oldest parcel that is not settled was read. One per TailSet.
//
// Parcels are taken in the order of time and settle in any; each instant keeps a count, so neither
// costs a search tree's node.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "base/assert.h"
#include "base/ids.h"

namespace sources {

class OpenAges {
 public:
  // `taken`: not before any earlier one.
  void opened(base::Instant taken) {
    if (ages_.empty() || ages_.back().taken != taken) ages_.push_back({taken, 0});
    ++ages_.back().parcels;
    ++open_;
  }
  void settled(base::Instant taken) {
    const auto age = std::lower_bound(ages_.begin(), ages_.end(), taken,
                                      [](const Age& a, base::Instant t) { return a.taken < t; });
    ASSERT(age != ages_.end() && age->taken == taken && age->parcels > 0);
    --age->parcels;
    --open_;
    while (!ages_.empty() && ages_.front().parcels == 0) ages_.pop_front();
  }
  std::uint64_t open() const { return open_; }
  // Instant::max(): everything is settled.
  base::Instant oldest() const {
    return ages_.empty() ? base::Instant::max() : ages_.front().taken;
  }

 private:
  struct Age {
    base::Instant taken;
    std::uint64_t parcels;
  };
  std::deque<Age> ages_;  // ascending; the first has parcels
  std::uint64_t open_ = 0;
};

}  // namespace sources
