#include "base/hash_key.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/assert.h"

namespace base {
namespace {

// RFC 1321. floor(2^32 * |sin(i + 1)|).
constexpr std::array<std::uint32_t, 64> kSines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr std::array<int, 16> kRotations = {7, 12, 17, 22, 5, 9,  14, 20,
                                            4, 11, 16, 23, 6, 10, 15, 21};
constexpr std::size_t kBlockBytes = 64;

using State = std::array<std::uint32_t, 4>;
constexpr State kStart = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

void mix(State& state, const char* block) {
  std::uint32_t words[16];
  std::memcpy(words, block, kBlockBytes);
  auto [a, b, c, d] = state;
  for (unsigned step = 0; step < 64; ++step) {
    std::uint32_t f = 0;
    unsigned word = 0;
    switch (step / 16) {
      case 0:
        f = (b & c) | (~b & d);
        word = step;
        break;
      case 1:
        f = (d & b) | (~d & c);
        word = (5 * step + 1) % 16;
        break;
      case 2:
        f = b ^ c ^ d;
        word = (3 * step + 5) % 16;
        break;
      default:
        f = c ^ (b | ~d);
        word = 7 * step % 16;
        break;
    }
    const std::uint32_t sum = a + f + kSines[step] + words[word];
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, kRotations[step / 16 * 4 + step % 4]);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

HashKey hash(std::string_view key) {
  State state = kStart;
  std::size_t done = 0;
  for (; key.size() - done >= kBlockBytes; done += kBlockBytes) mix(state, key.data() + done);
  char tail[2 * kBlockBytes] = {};
  const std::size_t rest = key.size() - done;
  if (rest != 0) std::memcpy(tail, key.data() + done, rest);
  tail[rest] = '\x80';
  const std::size_t tail_bytes = rest < 56 ? kBlockBytes : 2 * kBlockBytes;
  const std::uint64_t bits = static_cast<std::uint64_t>(key.size()) * 8;
  std::memcpy(tail + tail_bytes - 8, &bits, sizeof bits);
  for (std::size_t at = 0; at < tail_bytes; at += kBlockBytes) mix(state, tail + at);
  HashKey result = 0;
  for (const std::uint32_t word : state) result = result << 32 | __builtin_bswap32(word);
  return result;
}

}  // namespace

void hash_keys(std::span<const std::string_view> keys, std::span<HashKey> out) {
  ASSERT(keys.size() == out.size());
  for (std::size_t i = 0; i < keys.size(); ++i) out[i] = hash(keys[i]);
}

std::string to_decimal(HashKey key) {
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(key % 10));
    key /= 10;
  } while (key != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

}  // namespace base
