// validate: what single values cannot say: names that must exist, places that must not overlap,
// sums that must fit.
#pragma once

#include <cstdint>

#include "config/config.h"
#include "config/mistake.h"
#include "config/read.h"

namespace config {

// What one flow needs in flight on each reactor: the buffer it reads into and the slab it cuts.
constexpr std::uint64_t kChunkBytes = 256ULL << 10;
constexpr std::uint64_t kSlabBytes = 512ULL << 10;

// Least Config::memory_bytes for `reactors` (at least 1) reactors. parse() checks it with
// Config::reactors, or 1 when that says one per core; the agent checks again with the true number.
std::uint64_t memory_needed(const Config& config, std::uint32_t reactors);

void validate(const Config& config, const Places& places, Mistakes& mistakes);

}  // namespace config
