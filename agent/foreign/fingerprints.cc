#include "agent/foreign/fingerprints.h"

#include <array>
#include <bit>
#include <cstddef>

#include "base/assert.h"

namespace agent {

namespace {

void append_hex(std::string& out, std::uint8_t byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

constexpr std::array<std::uint32_t, 64> kSha256 = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using Sha256State = std::array<std::uint32_t, 8>;

// One block of 64 bytes (FIPS 180-4, 6.2.2).
void sha256_block(Sha256State& state, std::string_view block) {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      w[i] = w[i] << 8 | static_cast<std::uint8_t>(block[4 * i + j]);
    }
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3)) + w[i - 7] +
           (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10));
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t t1 = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                             ((e & f) ^ (~e & g)) + kSha256[i] + w[i];
    const std::uint32_t t2 =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const Sha256State add = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < state.size(); ++i) state[i] += add[i];
}

struct SipState {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    b = std::rotl(b, 13) ^ a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16) ^ c;
    a += d;
    d = std::rotl(d, 21) ^ a;
    c += b;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  }
  void take(std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
};

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t count = 8) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < count; ++i) {
    word |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes[at + i])) << (8 * i);
  }
  return word;
}

// The first 64 bytes of XXH3's default secret, as words.
constexpr std::array<std::uint64_t, 8> kXxh3Secret = {
    0xbe4ba423396cfeb8, 0x1cad21f72c81017c, 0xdb979083e96dd4de, 0x1f67b3b7a4a44072,
    0x78e5c0cc4ee679cb, 0x2172ffcc7dd05a82, 0x8e2443f7744608b8, 0x4c263a81e69035e0};

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t xxh3_avalanche(std::uint64_t hash) {
  hash ^= hash >> 37;
  hash *= 0x165667919e3779f9;
  return hash ^ (hash >> 32);
}

std::uint64_t xxh3_up_to_3(std::string_view bytes) {
  const auto byte = [bytes](std::size_t at) { return little_endian(bytes, at, 1); };
  const std::size_t size = bytes.size();
  std::uint64_t hash =
      byte(0) << 16 | byte(size / 2) << 24 | byte(size - 1) | static_cast<std::uint64_t>(size) << 8;
  hash ^= (kXxh3Secret[0] ^ (kXxh3Secret[0] >> 32)) & 0xffffffff;
  hash ^= hash >> 33;
  hash *= 0xc2b2ae3d27d4eb4f;
  hash ^= hash >> 29;
  hash *= 0x165667b19e3779f9;
  return hash ^ (hash >> 32);
}

std::uint64_t xxh3_up_to_8(std::string_view bytes) {
  constexpr std::uint64_t kPrime = 0x9fb21c651e98df25;
  const std::size_t size = bytes.size();
  std::uint64_t hash = little_endian(bytes, size - 4, 4) + (little_endian(bytes, 0, 4) << 32);
  hash ^= kXxh3Secret[1] ^ kXxh3Secret[2];
  hash ^= std::rotl(hash, 49) ^ std::rotl(hash, 24);
  hash *= kPrime;
  hash ^= (hash >> 35) + size;
  hash *= kPrime;
  return hash ^ (hash >> 28);
}

std::uint64_t xxh3_up_to_16(std::string_view bytes) {
  const std::size_t size = bytes.size();
  const std::uint64_t low = little_endian(bytes, 0) ^ kXxh3Secret[3] ^ kXxh3Secret[4];
  const std::uint64_t high = little_endian(bytes, size - 8) ^ kXxh3Secret[5] ^ kXxh3Secret[6];
  return xxh3_avalanche(size + std::byteswap(low) + high + fold(low, high));
}

std::uint64_t xxh3_up_to_32(std::string_view bytes) {
  const std::size_t size = bytes.size();
  std::uint64_t hash = size * 0x9e3779b185ebca87;
  hash += fold(little_endian(bytes, 0) ^ kXxh3Secret[0], little_endian(bytes, 8) ^ kXxh3Secret[1]);
  hash += fold(little_endian(bytes, size - 16) ^ kXxh3Secret[2],
               little_endian(bytes, size - 8) ^ kXxh3Secret[3]);
  return xxh3_avalanche(hash);
}

}  // namespace

std::uint64_t xxh3_short(std::string_view bytes) {
  ASSERT(!bytes.empty() && bytes.size() <= kXxh3BytesMax);
  if (bytes.size() <= 3) return xxh3_up_to_3(bytes);
  if (bytes.size() <= 8) return xxh3_up_to_8(bytes);
  if (bytes.size() <= 16) return xxh3_up_to_16(bytes);
  return xxh3_up_to_32(bytes);
}

std::uint64_t crc64_ecma(std::string_view bytes) {
  constexpr std::uint64_t kPolynomial = 0x42f0e1eba9ea3693;
  std::uint64_t crc = 0;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint64_t>(static_cast<std::uint8_t>(c)) << 56;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc >> 63) != 0 ? kPolynomial : 0);
  }
  return crc;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256State state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string padded(bytes);
  padded += '\x80';
  while (padded.size() % 64 != 56) padded += '\0';
  const std::uint64_t bits = bytes.size() * 8;
  for (int shift = 56; shift >= 0; shift -= 8) padded += static_cast<char>(bits >> shift & 0xff);
  for (std::size_t at = 0; at < padded.size(); at += 64) {
    sha256_block(state, std::string_view(padded).substr(at, 64));
  }
  std::string hex;
  for (const std::uint32_t word : state) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      append_hex(hex, static_cast<std::uint8_t>(word >> shift));
    }
  }
  return hex;
}

std::string siphash_hex(std::string_view bytes) {
  constexpr std::uint64_t kKeyLow = 0x0706050403020100, kKeyHigh = 0x0f0e0d0c0b0a0908;
  SipState state{.a = kKeyLow ^ 0x736f6d6570736575,
                 .b = kKeyHigh ^ 0x646f72616e646f6d,
                 .c = kKeyLow ^ 0x6c7967656e657261,
                 .d = kKeyHigh ^ 0x7465646279746573};
  const auto word_at = [bytes](std::size_t at) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < 8 && at + i < bytes.size(); ++i) {
      word |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes[at + i])) << (8 * i);
    }
    return word;
  };
  const std::size_t whole = bytes.size() / 8 * 8;
  for (std::size_t at = 0; at < whole; at += 8) state.take(word_at(at));
  state.take(word_at(whole) | static_cast<std::uint64_t>(bytes.size()) << 56);
  state.c ^= 0xff;
  for (int i = 0; i < 4; ++i) state.round();
  const std::uint64_t hash = state.a ^ state.b ^ state.c ^ state.d;
  std::string hex;
  for (int shift = 0; shift < 64; shift += 8)
    append_hex(hex, static_cast<std::uint8_t>(hash >> shift));
  return hex;
}

}  // namespace agent
