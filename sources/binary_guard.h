// Is a file text? From its first bytes, as few have to do who print one to a terminal (F51).
#pragma once

#include <cstddef>
#include <string_view>

#include "pipeline/delimiter.h"

namespace sources {

constexpr std::size_t kBinaryHeadBytes = 4096;  // are looked at
constexpr std::size_t kBinaryLeastBytes = 64;   // fewer say nothing
constexpr std::size_t kBinaryPercent = 30;      // more control bytes than that are no text

// `head`: a file's first bytes, as far as there are any. Tabs, line ends, form feeds and ESC are
// text, and so is the delimiter. Many NULs in a row are neither: nobody has written there yet.
bool looks_binary(std::string_view head, const pipeline::Delimiter& delimiter);

}  // namespace sources
