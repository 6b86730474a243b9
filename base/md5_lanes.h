// MD5 of many short messages at once: each vector lane hashes one. Private to base/md5.cc.
#pragma once

#include <cstddef>
#include <span>

#include "base/md5.h"

namespace base {

constexpr std::size_t kMd5LanesMax = 16;

// Those this machine can run, the best first; may be none.
std::span<const Md5Variant> md5_lane_variants();

}  // namespace base
