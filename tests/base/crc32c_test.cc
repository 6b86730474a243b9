#include "base/crc32c.h"

#include <memory>
#include <random>
#include <string>

#include "tests/test.h"

using base::Crc32cVariant;

namespace {

// The definition, bit by bit.
std::uint32_t crc32c_by_bits(std::string_view bytes, std::uint32_t crc) {
  crc = ~crc;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? crc >> 1 ^ 0x82F63B78U : crc >> 1;
  }
  return ~crc;
}

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

}  // namespace

TEST_CASE("crc32c: the known answers of RFC 3720 B.4", "[base][crc32c]") {
  std::string ascending(32, '\0');
  std::string descending(32, '\0');
  for (std::size_t i = 0; i < 32; ++i) {
    ascending[i] = static_cast<char>(i);
    descending[i] = static_cast<char>(31 - i);
  }
  for (const Crc32cVariant& variant : base::crc32c_variants()) {
    CAPTURE(variant.name);
    CHECK(variant.compute(std::string(32, '\0'), 0) == 0x8A9136AAU);
    CHECK(variant.compute(std::string(32, '\xff'), 0) == 0x62A8AB43U);
    CHECK(variant.compute(ascending, 0) == 0x46DD794EU);
    CHECK(variant.compute(descending, 0) == 0x113FDB5CU);
    CHECK(variant.compute("123456789", 0) == 0xE3069283U);
    CHECK(variant.compute("", 0) == 0);
    CHECK(variant.compute({}, 0x12345678U) == 0x12345678U);
  }
  CHECK(base::crc32c("123456789") == 0xE3069283U);
}

TEST_CASE("crc32c: the plain variant is always there, last", "[base][crc32c]") {
  REQUIRE_FALSE(base::crc32c_variants().empty());
  CHECK(std::string(base::crc32c_variants().back().name) == "plain");
}

TEST_CASE("crc32c: every variant agrees with the definition at every length and alignment",
          "[base][crc32c]") {
  const std::string text = noise(2100, 1);
  for (const Crc32cVariant& variant : base::crc32c_variants()) {
    CAPTURE(variant.name);
    for (std::size_t begin = 0; begin < 9; ++begin) {
      for (std::size_t size = 0; begin + size <= text.size(); size += size < 300 ? 1 : 97) {
        // On the heap, so that a sanitizer sees a read too far.
        const auto bytes = std::make_unique_for_overwrite<char[]>(begin + size);
        text.copy(bytes.get(), begin + size);
        const std::string_view view(bytes.get() + begin, size);
        if (variant.compute(view, 77) != crc32c_by_bits(view, 77)) FAIL("length " << size);
      }
    }
  }
}

TEST_CASE("crc32c: lengths around the interleaved streams", "[base][crc32c]") {
  const std::string text = noise(5 * 3 * 4096, 2);
  for (const Crc32cVariant& variant : base::crc32c_variants()) {
    CAPTURE(variant.name);
    for (const std::size_t unit : {3 * 64, 3 * 512, 3 * 4096}) {
      for (const std::size_t count : {1U, 2U, 3U, 4U}) {
        for (std::size_t size = unit * count - 1; size <= unit * count + 1; ++size) {
          const std::string_view view(text.data(), size);
          if (variant.compute(view, 0) != crc32c_by_bits(view, 0)) FAIL("length " << size);
        }
      }
    }
  }
}

TEST_CASE("crc32c: continues where another one ended, wherever that was", "[base][crc32c]") {
  const std::string text = noise(3000, 3);
  const std::uint32_t whole = crc32c_by_bits(text, 0);
  for (const Crc32cVariant& variant : base::crc32c_variants()) {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      const std::string_view view(text);
      if (variant.compute(view.substr(cut), variant.compute(view.substr(0, cut), 0)) != whole) {
        FAIL(variant.name << " cut at " << cut);
      }
    }
  }
}
