// Bisection: how many things to try next when the sink refused some of a row of them.
//
// Pure. The row's front is what is tried; what is delivered leaves the row at the front. Only
// counts are kept: "among the first `suspects` of the row is at least one that will be refused".
#pragma once

#include <algorithm>
#include <cstddef>

namespace sinks {

class Bisection {
 public:
  // Nothing in the row is known to be bad.
  bool idle() const { return suspects_ == 0; }
  // How many of the row's first things to try together; at most `waiting`, at least 1.
  std::size_t next_count(std::size_t waiting) const {
    if (suspects_ == 0) return waiting;
    return std::min(waiting, std::max<std::size_t>(1, suspects_ / 2));
  }
  // The first `count` left the row: they are safe.
  void delivered(std::size_t count) { suspects_ -= std::min(suspects_, count); }
  // The first `count`, more than one, were refused together.
  void refused(std::size_t count) { suspects_ = count; }
  // The culprit was alone and leaves the row. Of the other suspects nothing is known any more.
  void found() { suspects_ = 0; }

 private:
  std::size_t suspects_ = 0;
};

}  // namespace sinks
