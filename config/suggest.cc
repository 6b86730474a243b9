#include "config/suggest.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace config {

namespace {

constexpr std::size_t kWordBytesMax = 64;  // longer ones are no typing mistake of ours

char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

std::string folded(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return folded(c); });
  return out;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the usual table: row[j] is the distance of a's first i bytes to b's first j.
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

bool equal_ignoring_case(std::string_view a, std::string_view b) { return folded(a) == folded(b); }

std::string nearest(std::string_view wrong, std::span<const std::string_view> known) {
  if (wrong.size() > kWordBytesMax) return {};
  const std::string word = folded(wrong);
  std::size_t best_distance = wrong.size() <= 4 ? 1 : wrong.size() <= 8 ? 2 : 3;
  std::string best;
  for (const std::string_view candidate : known) {
    if (candidate.empty() || candidate.size() > kWordBytesMax) continue;
    const std::string other = folded(candidate);
    const bool is_part = word.size() >= 4 && other.find(word) != std::string::npos;
    const std::size_t distance = is_part ? 1 : edit_distance(word, other);
    // A word of which nothing is left is not near, however short it is.
    if (distance >= std::max(word.size(), candidate.size())) continue;
    if (distance < best_distance || (distance == best_distance && best.empty())) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view wrong, std::span<const std::string_view> known) {
  const std::string near = nearest(wrong, known);
  return near.empty() ? "" : ", did you mean '" + near + "'?";
}

}  // namespace config
