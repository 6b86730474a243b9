#include "pipeline/newline_scan.h"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace pipeline {
namespace {

// `mask` has a bit for each of 64 bytes from `at`, set where a newline is. The first position is
// written without asking whether it is there: lines are longer than 64 bytes as a rule, so a branch
// for the first would be mispredicted every other time, and one for the second hardly ever.
[[gnu::always_inline]] inline std::uint32_t* write_positions(std::uint64_t mask, std::uint32_t at,
                                                             std::uint32_t* out) {
  *out = at + static_cast<std::uint32_t>(std::countr_zero(mask));
  const std::uint64_t rest = mask & (mask - 1);
  if (rest == 0) [[likely]]
    return out + (mask != 0 ? 1 : 0);
  for (mask = rest, ++out; mask != 0; mask &= mask - 1) {
    *out++ = at + static_cast<std::uint32_t>(std::countr_zero(mask));
  }
  return out;
}

// Calls mask_at(at) for each 64 bytes.
template <typename MaskAt>
[[gnu::always_inline]] inline std::uint32_t* find_by_mask(std::uint32_t begin, std::uint32_t end,
                                                          std::uint32_t* out, MaskAt mask_at) {
  std::uint32_t at = begin;
  for (; end - at >= 64; at += 64) out = write_positions(mask_at(at), at, out);
  if (at == end) return out;
  return write_positions(mask_at(at) & ((std::uint64_t{1} << (end - at)) - 1), at, out);
}

// The C library's memchr has vector code of its own on every machine.
std::uint32_t* find_plain(const char* bytes, std::uint32_t begin, std::uint32_t end, char wanted,
                          std::uint32_t* out) {
  while (begin < end) {
    const void* newline = std::memchr(bytes + begin, wanted, end - begin);
    if (newline == nullptr) break;
    const auto at = static_cast<std::uint32_t>(static_cast<const char*>(newline) - bytes);
    *out++ = at;
    begin = at + 1;
  }
  return out;
}

#if defined(__x86_64__)

#define TAILRACE_AVX2 __attribute__((target("avx2,bmi,bmi2")))
#define TAILRACE_AVX512 __attribute__((target("avx512f,avx512bw,avx2,bmi,bmi2")))

TAILRACE_AVX2 std::uint32_t* find_avx2(const char* bytes, std::uint32_t begin, std::uint32_t end,
                                       char wanted, std::uint32_t* out) {
  const __m256i newline = _mm256_set1_epi8(wanted);
  return find_by_mask(begin, end, out, [=](std::uint32_t at) TAILRACE_AVX2 -> std::uint64_t {
    const auto* block = reinterpret_cast<const __m256i*>(bytes + at);
    const __m256i low = _mm256_cmpeq_epi8(_mm256_loadu_si256(block), newline);
    const __m256i high = _mm256_cmpeq_epi8(_mm256_loadu_si256(block + 1), newline);
    const auto low_mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(low));
    const auto high_mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(high));
    return static_cast<std::uint64_t>(high_mask) << 32 | low_mask;
  });
}

TAILRACE_AVX512 std::uint32_t* find_avx512(const char* bytes, std::uint32_t begin,
                                           std::uint32_t end, char wanted, std::uint32_t* out) {
  const __m512i newline = _mm512_set1_epi8(wanted);
  return find_by_mask(begin, end, out, [=](std::uint32_t at) TAILRACE_AVX512 -> std::uint64_t {
    return _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(bytes + at), newline);
  });
}

#elif defined(__aarch64__)

// NEON has no movemask: one bit per byte is kept of each comparison, then added up pairwise.
std::uint64_t mask_neon(const char* at, char wanted) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(at);
  const uint8x16_t newline = vdupq_n_u8(static_cast<std::uint8_t>(wanted));
  const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t a = vandq_u8(vceqq_u8(vld1q_u8(bytes), newline), bits);
  const uint8x16_t b = vandq_u8(vceqq_u8(vld1q_u8(bytes + 16), newline), bits);
  const uint8x16_t c = vandq_u8(vceqq_u8(vld1q_u8(bytes + 32), newline), bits);
  const uint8x16_t d = vandq_u8(vceqq_u8(vld1q_u8(bytes + 48), newline), bits);
  uint8x16_t sum = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
  sum = vpaddq_u8(sum, sum);
  return vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
}

std::uint32_t* find_neon(const char* bytes, std::uint32_t begin, std::uint32_t end, char wanted,
                         std::uint32_t* out) {
  return find_by_mask(begin, end, out,
                      [=](std::uint32_t at) { return mask_neon(bytes + at, wanted); });
}

#endif

struct Available {
  std::array<NewlineScan, 3> scans{};
  std::size_t count = 0;

  Available() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
      if (__builtin_cpu_supports("avx512bw")) scans[count++] = {"avx512", find_avx512};
      scans[count++] = {"avx2", find_avx2};
    }
#elif defined(__aarch64__)
    scans[count++] = {"neon", find_neon};
#endif
    scans[count++] = {"plain", find_plain};
  }
};

}  // namespace

std::span<const NewlineScan> newline_scans() {
  static const Available available;
  return {available.scans.data(), available.count};
}

}  // namespace pipeline
