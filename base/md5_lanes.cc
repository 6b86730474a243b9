#include "base/md5_lanes.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

// Everything below the includes is compiled for the vector unit, and only called where there is
// one.
#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace base {
namespace {

#if defined(__x86_64__) || defined(__aarch64__)

#if defined(__x86_64__)
constexpr std::size_t kLanes = 8;
#else
constexpr std::size_t kLanes = 4;
#endif
// MD5 is one long chain of dependent steps. Two independent chains side by side fill the gaps.
constexpr std::size_t kChains = 2;

typedef std::uint32_t Vector __attribute__((vector_size(4 * kLanes)));

struct Chain {
  Vector a, b, c, d;
};

template <unsigned kStep>
[[gnu::always_inline]] inline void step(Chain& chain, const Vector* words) {
  Vector f;
  if constexpr (kStep < 16) {
    f = chain.d ^ (chain.b & (chain.c ^ chain.d));
  } else if constexpr (kStep < 32) {
    // The two halves have no bit in common, so they may be added one after the other: the half
    // without b does not wait for the step before.
    f = (~chain.d & chain.c) + (chain.d & chain.b);
  } else if constexpr (kStep < 48) {
    f = chain.b ^ (chain.c ^ chain.d);
  } else {
    f = chain.c ^ (chain.b | ~chain.d);
  }
  constexpr int kRotation = kMd5Rotations[kStep / 16 * 4 + kStep % 4];
  const Vector sum = (chain.a + kMd5Sines[kStep] + words[md5_word(kStep)]) + f;
  chain.a = chain.d;
  chain.d = chain.c;
  chain.c = chain.b;
  chain.b += sum << kRotation | sum >> (32 - kRotation);
}

template <unsigned... kSteps>
[[gnu::always_inline]] inline void all_steps(Chain* chains, const Vector (*words)[16],
                                             std::integer_sequence<unsigned, kSteps...>) {
  ((step<kSteps>(chains[0], words[0]), step<kSteps>(chains[1], words[1])), ...);
}

inline std::uint32_t load(const char* at) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The words of a message, its end mark and its length, into one lane of words that are all 0.
inline void place(std::string_view message, Vector* words, std::size_t lane) {
  const std::size_t whole = message.size() / 4;
  const std::size_t rest = message.size() % 4;
  for (std::size_t i = 0; i < whole; ++i) words[i][lane] = load(message.data() + 4 * i);
  std::uint32_t last = 0x80U << (8 * rest);
  if (rest != 0 && whole != 0) {
    last |= load(message.data() + message.size() - 4) >> (32 - 8 * rest);
  } else {
    for (std::size_t i = 0; i < rest; ++i) {
      last |= static_cast<std::uint32_t>(static_cast<unsigned char>(message[i])) << (8 * i);
    }
  }
  words[whole][lane] = last;
  words[14][lane] = static_cast<std::uint32_t>(message.size() * 8);
}

void hash_short(const std::string_view* messages, HashKey* out) {
  static_assert(std::endian::native == std::endian::little);
  Vector words[kChains][16] = {};
  for (std::size_t i = 0; i < kChains * kLanes; ++i)
    place(messages[i], words[i / kLanes], i % kLanes);
  const Chain start = {Vector{} + kMd5Start[0], Vector{} + kMd5Start[1], Vector{} + kMd5Start[2],
                       Vector{} + kMd5Start[3]};
  Chain chains[kChains] = {start, start};
  all_steps(chains, words, std::make_integer_sequence<unsigned, 64>{});
  for (std::size_t chain = 0; chain < kChains; ++chain) {
    const Vector results[4] = {chains[chain].a + start.a, chains[chain].b + start.b,
                               chains[chain].c + start.c, chains[chain].d + start.d};
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      HashKey result = 0;
      for (const Vector& word : results) result = result << 32 | __builtin_bswap32(word[lane]);
      out[chain * kLanes + lane] = result;
    }
  }
}

constexpr Md5Variant kVariant = {kLanes == 8 ? "avx2" : "neon", kChains* kLanes, hash_short};
static_assert(kVariant.lanes <= kMd5LanesMax);

#endif

}  // namespace
}  // namespace base

#if defined(__x86_64__)
#pragma GCC pop_options
#endif

namespace base {

std::span<const Md5Variant> md5_lane_variants() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) return {&kVariant, 1};
  return {};
#elif defined(__aarch64__)
  return {&kVariant, 1};
#else
  return {};
#endif
}

}  // namespace base
