// Fingerprints: the hashes other agents know files by. Pure, and fast enough for a few KiB per
// file; the data's way has its own (base/crc32c.h, base/hash_key.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace agent {

// CRC-64/ECMA-182: polynomial 0x42f0e1eba9ea3693, not reflected, initial value and final xor 0.
std::uint64_t crc64_ecma(std::string_view bytes);
// FIPS 180-4, as 64 hexadecimal digits.
std::string sha256_hex(std::string_view bytes);
// SipHash-2-4 (Aumasson and Bernstein, 2012) under the key 00 01 … 0f: its eight bytes, the lowest
// first, as hexadecimal digits.
std::string siphash_hex(std::string_view bytes);

// XXH3, 64 bits, seed 0, default secret.
std::uint64_t xxh3(std::string_view bytes);

}  // namespace agent
