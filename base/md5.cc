#include "base/md5.h"

#include <array>
#include <bit>
#include <cstring>

#include "base/assert.h"
#include "base/md5_lanes.h"

namespace base {
namespace {

constexpr std::size_t kBlockBytes = 64;
using State = std::array<std::uint32_t, 4>;

void mix(State& state, const char* block) {
  std::uint32_t words[16];
  std::memcpy(words, block, kBlockBytes);
  if constexpr (std::endian::native == std::endian::big) {
    for (std::uint32_t& word : words) word = __builtin_bswap32(word);
  }
  auto [a, b, c, d] = state;
  for (unsigned step = 0; step < 64; ++step) {
    std::uint32_t f = 0;
    switch (step / 16) {
      case 0:
        f = d ^ (b & (c ^ d));
        break;
      case 1:
        f = c ^ (d & (b ^ c));
        break;
      case 2:
        f = b ^ c ^ d;
        break;
      default:
        f = c ^ (b | ~d);
        break;
    }
    const std::uint32_t sum = a + f + kMd5Sines[step] + words[md5_word(step)];
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, kMd5Rotations[step / 16 * 4 + step % 4]);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

void hash_one(const std::string_view* message, HashKey* out) { *out = md5(*message); }

struct Available {
  std::array<Md5Variant, 3> variants{};
  std::size_t count = 0;

  Available() {
    for (const Md5Variant& lanes : md5_lane_variants()) variants[count++] = lanes;
    variants[count++] = {"plain", 1, hash_one};
  }
};

}  // namespace

HashKey md5(std::string_view message) {
  State state = kMd5Start;
  std::size_t done = 0;
  for (; message.size() - done >= kBlockBytes; done += kBlockBytes)
    mix(state, message.data() + done);
  char tail[2 * kBlockBytes] = {};
  const std::size_t rest = message.size() - done;
  if (rest != 0) std::memcpy(tail, message.data() + done, rest);
  tail[rest] = '\x80';
  const std::size_t tail_bytes = rest <= kMd5ShortBytesMax ? kBlockBytes : 2 * kBlockBytes;
  const std::uint64_t bits = static_cast<std::uint64_t>(message.size()) * 8;
  for (unsigned i = 0; i < 8; ++i) tail[tail_bytes - 8 + i] = static_cast<char>(bits >> (8 * i));
  for (std::size_t at = 0; at < tail_bytes; at += kBlockBytes) mix(state, tail + at);
  HashKey result = 0;
  for (const std::uint32_t word : state) result = result << 32 | __builtin_bswap32(word);
  return result;
}

std::span<const Md5Variant> md5_variants() {
  static const Available available;
  return {available.variants.data(), available.count};
}

void hash_keys_by(const Md5Variant& variant, std::span<const std::string_view> keys,
                  std::span<HashKey> out) {
  ASSERT(keys.size() == out.size());
  std::string_view waiting[kMd5LanesMax];
  HashKey hashes[kMd5LanesMax];
  std::size_t places[kMd5LanesMax];  // in `keys`, of what waits for a full set of lanes
  std::size_t count = 0;
  ASSERT(variant.lanes <= kMd5LanesMax);
  const auto run = [&] {
    variant.hash_short(waiting, hashes);
    for (std::size_t i = 0; i < count; ++i) out[places[i]] = hashes[i];
    count = 0;
  };
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].size() > kMd5ShortBytesMax) {
      out[i] = md5(keys[i]);
      continue;
    }
    waiting[count] = keys[i];
    places[count++] = i;
    if (count == variant.lanes) run();
  }
  if (count == 0) return;
  // A set of lanes costs about as much as three messages one by one.
  if (count <= 3) {
    for (std::size_t i = 0; i < count; ++i) out[places[i]] = md5(waiting[i]);
    return;
  }
  for (std::size_t i = count; i < variant.lanes; ++i) waiting[i] = {};
  run();
}

}  // namespace base
