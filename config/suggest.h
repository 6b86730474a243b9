// suggest: "did you mean …?" Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace config {

// Insertions, deletions, replacements and swaps of neighbours between the two, in bytes.
std::size_t edit_distance(std::string_view a, std::string_view b);

bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII

// The known word nearest to `wrong`, or "" when none is near: at most one edit for words up to four
// bytes, two up to eight, three beyond, or a part of four bytes and more ("compress"). Case, '-'
// and '_' do not count. Ties: the first.
std::string nearest(std::string_view wrong, std::span<const std::string_view> known);

// ", did you mean 'shards'?" or "".
std::string did_you_mean(std::string_view wrong, std::span<const std::string_view> known);

}  // namespace config
