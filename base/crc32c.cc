#include "base/crc32c.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

namespace base {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78U;  // reflected

// kTables[0] moves a CRC over one byte; kTables[i] over that byte and i zero bytes behind it, so
// that eight bytes need eight independent look-ups ("slicing by 8").
constexpr std::array<std::array<std::uint32_t, 256>, 8> kTables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? crc >> 1 ^ kPolynomial : crc >> 1;
    tables[0][byte] = crc;
  }
  for (std::size_t i = 1; i < tables.size(); ++i) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t crc = tables[i - 1][byte];
      tables[i][byte] = tables[0][crc & 0xFFU] ^ crc >> 8;
    }
  }
  return tables;
}();

inline std::uint64_t load_little(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

#if defined(__x86_64__) || defined(__aarch64__)

// The instruction takes three cycles but can begin one each cycle, so long inputs are cut into
// three streams of kStreamBytes. To join them, the first stream's CRC has to be moved over as many
// zero bytes as the other two hold: a linear map, tabulated byte by byte (Gopal et al., "Fast CRC
// Computation for iSCSI Polynomial Using CRC32 Instruction", Intel 2011).
template <std::size_t kStreamBytes>
constexpr std::array<std::array<std::uint32_t, 256>, 4> zeros_tables() {
  // Columns of the map that appends kStreamBytes zero bytes: one zero bit, squared again and again.
  std::array<std::uint32_t, 32> columns{};
  for (unsigned bit = 0; bit < 32; ++bit) columns[bit] = bit == 0 ? kPolynomial : 1U << (bit - 1);
  const auto apply = [](const std::array<std::uint32_t, 32>& map, std::uint32_t vector) {
    std::uint32_t sum = 0;
    for (unsigned bit = 0; bit < 32; ++bit) sum ^= (vector >> bit & 1U) != 0 ? map[bit] : 0;
    return sum;
  };
  static_assert(std::has_single_bit(kStreamBytes));
  for (std::size_t bits = 1; bits < kStreamBytes * 8; bits *= 2) {
    std::array<std::uint32_t, 32> squared{};
    for (unsigned bit = 0; bit < 32; ++bit) squared[bit] = apply(columns, columns[bit]);
    columns = squared;
  }
  std::array<std::array<std::uint32_t, 256>, 4> tables{};
  for (unsigned byte = 0; byte < 4; ++byte) {
    for (std::uint32_t value = 0; value < 256; ++value) {
      tables[byte][value] = apply(columns, value << (8 * byte));
    }
  }
  return tables;
}

template <std::size_t kStreamBytes>
inline std::uint32_t append_zeros(std::uint32_t crc) {
  static constexpr auto kZeros = zeros_tables<kStreamBytes>();
  return kZeros[0][crc & 0xFFU] ^ kZeros[1][crc >> 8 & 0xFFU] ^ kZeros[2][crc >> 16 & 0xFFU] ^
         kZeros[3][crc >> 24];
}

#if defined(__x86_64__)
#define TAILRACE_CRC_TARGET __attribute__((target("sse4.2")))
TAILRACE_CRC_TARGET inline std::uint64_t step8(std::uint64_t crc, std::uint64_t word) {
  return _mm_crc32_u64(crc, word);
}
TAILRACE_CRC_TARGET inline std::uint32_t step1(std::uint32_t crc, std::uint8_t byte) {
  return _mm_crc32_u8(crc, byte);
}
bool has_instruction() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") != 0;
}
constexpr const char* kName = "sse4.2";
#else
#define TAILRACE_CRC_TARGET __attribute__((target("+crc")))
TAILRACE_CRC_TARGET inline std::uint64_t step8(std::uint64_t crc, std::uint64_t word) {
  return __crc32cd(static_cast<std::uint32_t>(crc), word);
}
TAILRACE_CRC_TARGET inline std::uint32_t step1(std::uint32_t crc, std::uint8_t byte) {
  return __crc32cb(crc, byte);
}
bool has_instruction() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
constexpr const char* kName = "armv8-crc";
#endif

// Consumes what it can in units of three streams. `crc` without the final complement.
template <std::size_t kStreamBytes>
TAILRACE_CRC_TARGET inline std::uint64_t three_streams(std::uint64_t crc, const char*& at,
                                                       const char* end) {
  while (static_cast<std::size_t>(end - at) >= 3 * kStreamBytes) {
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < kStreamBytes; i += 8) {
      crc = step8(crc, load_little(at + i));
      second = step8(second, load_little(at + kStreamBytes + i));
      third = step8(third, load_little(at + 2 * kStreamBytes + i));
    }
    crc = append_zeros<kStreamBytes>(static_cast<std::uint32_t>(crc)) ^ second;
    crc = append_zeros<kStreamBytes>(static_cast<std::uint32_t>(crc)) ^ third;
    at += 3 * kStreamBytes;
  }
  return crc;
}

TAILRACE_CRC_TARGET std::uint32_t crc32c_instruction(std::string_view bytes, std::uint32_t crc) {
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  std::uint64_t state = ~crc;
  state = three_streams<4096>(state, at, end);
  state = three_streams<512>(state, at, end);
  state = three_streams<64>(state, at, end);
  for (; end - at >= 8; at += 8) state = step8(state, load_little(at));
  auto last = static_cast<std::uint32_t>(state);
  for (; at != end; ++at) last = step1(last, static_cast<std::uint8_t>(*at));
  return ~last;
}

#endif

struct Available {
  std::array<Crc32cVariant, 2> variants{};
  std::size_t count = 0;

  Available() {
#if defined(__x86_64__) || defined(__aarch64__)
    if (has_instruction()) variants[count++] = {kName, crc32c_instruction};
#endif
    variants[count++] = {"plain", crc32c_plain};
  }
};

}  // namespace

std::uint32_t crc32c_plain(std::string_view bytes, std::uint32_t crc) {
  crc = ~crc;
  const char* at = bytes.data();
  const char* end = at + bytes.size();
  for (; end - at >= 8; at += 8) {
    const std::uint64_t word = load_little(at) ^ crc;
    crc = 0;
    for (unsigned i = 0; i < 8; ++i) crc ^= kTables[7 - i][word >> (8 * i) & 0xFFU];
  }
  for (; at != end; ++at) {
    crc = kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 0xFFU] ^ crc >> 8;
  }
  return ~crc;
}

std::span<const Crc32cVariant> crc32c_variants() {
  static const Available available;
  return {available.variants.data(), available.count};
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) {
  static const auto compute = crc32c_variants().front().compute;
  return compute(bytes, crc);
}

}  // namespace base
