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

// A mask has a bit for each of 64 bytes from `at`, set where a newline is. A line of a log is
// longer than 32 bytes as a rule, so two positions are written without asking whether they are
// there, and only a third costs a branch: a branch per line would be mispredicted for every other
// one.
inline std::uint32_t* write_positions(std::uint64_t mask, std::uint32_t at, std::uint32_t* out) {
  const int count = std::popcount(mask);
  out[0] = at + static_cast<std::uint32_t>(std::countr_zero(mask));
  std::uint64_t rest = mask & (mask - 1);
  out[1] = at + static_cast<std::uint32_t>(std::countr_zero(rest));
  if (count > 2) [[unlikely]] {
    rest &= rest - 1;
    for (int i = 2; i < count; ++i, rest &= rest - 1) {
      out[i] = at + static_cast<std::uint32_t>(std::countr_zero(rest));
    }
  }
  return out + count;
}

// The low `count` bits, for a piece's last and partial 64 bytes.
inline std::uint64_t low_bits(std::uint32_t count) {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

[[maybe_unused]] std::uint64_t mask_plain(const char* at) {
  constexpr std::uint64_t kLow = 0x7F7F7F7F7F7F7F7FU;
  constexpr std::uint64_t kNewlines = 0x0A0A0A0A0A0A0A0AU;
  std::uint64_t mask = 0;
  for (unsigned i = 0; i < 8; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, at + 8 * i, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    word ^= kNewlines;
    // The high bit of each byte that is 0, exactly (the shorter formula also marks a 1 after a 0).
    const std::uint64_t zeros = ~(((word & kLow) + kLow) | word | kLow);
    // Gathers the eight high bits into one byte.
    mask |= ((zeros >> 7) * 0x0102040810204080U >> 56) << (8 * i);
  }
  return mask;
}

std::uint32_t* find_plain(const char* bytes, std::uint32_t begin, std::uint32_t end,
                          std::uint32_t* out) {
  for (std::uint32_t at = begin; at < end; at += 64) {
    out = write_positions(mask_plain(bytes + at) & low_bits(end - at), at, out);
  }
  return out;
}

#if defined(__x86_64__)

__attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt"))) std::uint32_t* find_avx2(const char* bytes,
                                                                               std::uint32_t begin,
                                                                               std::uint32_t end,
                                                                               std::uint32_t* out) {
  const __m256i newline = _mm256_set1_epi8('\n');
  for (std::uint32_t at = begin; at < end; at += 64) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + at));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + at + 32));
    const auto low_mask =
        static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, newline)));
    const auto high_mask =
        static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, newline)));
    const std::uint64_t mask = static_cast<std::uint64_t>(high_mask) << 32 | low_mask;
    out = write_positions(mask & low_bits(end - at), at, out);
  }
  return out;
}

__attribute__((target("avx512f,avx512bw,avx2,bmi,bmi2,popcnt,lzcnt"))) std::uint32_t* find_avx512(
    const char* bytes, std::uint32_t begin, std::uint32_t end, std::uint32_t* out) {
  const __m512i newline = _mm512_set1_epi8('\n');
  for (std::uint32_t at = begin; at < end; at += 64) {
    const __m512i block = _mm512_loadu_si512(bytes + at);
    out = write_positions(_mm512_cmpeq_epi8_mask(block, newline) & low_bits(end - at), at, out);
  }
  return out;
}

#elif defined(__aarch64__)

// NEON has no movemask: one bit per byte is kept of each comparison, then added up pairwise.
std::uint64_t mask_neon(const char* at) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(at);
  const uint8x16_t newline = vdupq_n_u8('\n');
  const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t a = vandq_u8(vceqq_u8(vld1q_u8(bytes), newline), bits);
  const uint8x16_t b = vandq_u8(vceqq_u8(vld1q_u8(bytes + 16), newline), bits);
  const uint8x16_t c = vandq_u8(vceqq_u8(vld1q_u8(bytes + 32), newline), bits);
  const uint8x16_t d = vandq_u8(vceqq_u8(vld1q_u8(bytes + 48), newline), bits);
  uint8x16_t sum = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
  sum = vpaddq_u8(sum, sum);
  return vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
}

std::uint32_t* find_neon(const char* bytes, std::uint32_t begin, std::uint32_t end,
                         std::uint32_t* out) {
  for (std::uint32_t at = begin; at < end; at += 64) {
    out = write_positions(mask_neon(bytes + at) & low_bits(end - at), at, out);
  }
  return out;
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
