// The limit of open files: one per followed file and shard.
#pragma once

#include <cstdint>

namespace agent {

// Takes all the system lets us have. Returns how many that is; 0: it does not say.
std::uint64_t raise_descriptor_limit();

}  // namespace agent
