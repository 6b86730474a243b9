#include "base/metrics.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace base {

Samples added_up(Samples samples) {
  std::ranges::stable_sort(
      samples, {}, [](const Sample& sample) { return std::tie(sample.name, sample.labels); });
  Samples sums;
  for (Sample& sample : samples) {
    if (sums.empty() || sums.back().name != sample.name || sums.back().labels != sample.labels) {
      sums.push_back(std::move(sample));
    } else if (sample.kind == Sample::Kind::peak) {
      sums.back().value = std::max(sums.back().value, sample.value);
    } else {
      sums.back().value += sample.value;
    }
  }
  return sums;
}

}  // namespace base
