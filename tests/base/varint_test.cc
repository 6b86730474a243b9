#include "base/varint.h"

#include <cstdint>
#include <string>

#include "tests/test.h"

namespace {

std::string written(std::uint32_t value) {
  char out[5];
  return {out, static_cast<std::size_t>(base::write_varint(out, value) - out)};
}

}  // namespace

TEST_CASE("varint: every length's first and last value goes there and back", "[base][varint]") {
  std::size_t expected_bytes = 0;
  for (const std::uint64_t first : {0ULL, 1ULL << 7, 1ULL << 14, 1ULL << 21, 1ULL << 28}) {
    ++expected_bytes;
    const std::uint64_t after = first == 0 ? 1ULL << 7 : first << 7;
    for (const std::uint64_t value : {first, first + 1, after - 1}) {
      const auto small = static_cast<std::uint32_t>(value > UINT32_MAX ? UINT32_MAX : value);
      const std::string bytes = written(small);
      CHECK(bytes.size() == expected_bytes);
      CHECK(base::varint_bytes(small) == expected_bytes);
      std::uint32_t read = 0;
      CHECK(base::read_varint(bytes.data(), bytes.data() + bytes.size(), read) ==
            bytes.data() + bytes.size());
      CHECK(read == small);
    }
  }
}

TEST_CASE("varint: low bits first, high bit means more", "[base][varint]") {
  CHECK(written(300) == "\xAC\x02");
  CHECK(written(UINT32_MAX) == "\xFF\xFF\xFF\xFF\x0F");
}

TEST_CASE("varint: a cut one is none, at every byte", "[base][varint]") {
  const std::string bytes = written(UINT32_MAX);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    std::uint32_t value = 0;
    CHECK(base::read_varint(bytes.data(), bytes.data() + cut, value) == nullptr);
  }
}

TEST_CASE("varint: more than 32 bits is none", "[base][varint]") {
  for (const std::string bytes :
       {"\xFF\xFF\xFF\xFF\x1F", "\x80\x80\x80\x80\x10", "\x80\x80\x80\x80\x80\x01"}) {
    std::uint32_t value = 0;
    CHECK(base::read_varint(bytes.data(), bytes.data() + bytes.size(), value) == nullptr);
  }
}
