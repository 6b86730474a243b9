// HashKey: where a partition key falls in 0 … 2^128-1, by MD5 as Kinesis does it: the digest read
// as one big-endian number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace base {

__extension__ typedef unsigned __int128 HashKey;

constexpr HashKey kHashKeyMax = ~HashKey{0};

// MD5 of each key. `out` is as long as `keys`. Many keys at once are hashed in parallel lanes
// (AVX2 where the machine has it), so give it a whole chunk's keys.
void hash_keys(std::span<const std::string_view> keys, std::span<HashKey> out);

// Decimal, as the Kinesis API writes hash keys.
std::string to_decimal(HashKey key);

}  // namespace base
