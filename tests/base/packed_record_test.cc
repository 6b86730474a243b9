#include "base/packed_record.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/test.h"

using base::HashKey;
using base::Record;

namespace {

std::string packed(const Record& record) {
  std::string bytes(base::packed_bytes(record), '\0');
  REQUIRE(base::pack(record, bytes.data()) == bytes.data() + bytes.size());
  return bytes;
}

void check_round_trip(const Record& record) {
  const std::string bytes = packed(record);
  Record read{.key = "left over", .data = "left over", .hash = HashKey{1}};
  REQUIRE(base::unpack(bytes.data(), bytes.data() + bytes.size(), read) ==
          bytes.data() + bytes.size());
  CHECK(read.key == record.key);
  CHECK(read.data == record.data);
  CHECK((read.hash == record.hash));
  CHECK(bytes.size() <= record.key.size() + record.data.size() + base::kPackedOverheadMax);
}

}  // namespace

TEST_CASE("packed record: goes there and back, with and without each part",
          "[base][packed_record]") {
  const std::string long_text(20'000, 'x');
  for (const std::string_view key :
       {std::string_view(), std::string_view("k"), std::string_view(long_text)}) {
    for (const std::string_view data :
         {std::string_view(), std::string_view("data"), std::string_view("\0\n\xff", 3),
          std::string_view(long_text)}) {
      check_round_trip({.key = key, .data = data, .hash = std::nullopt});
      check_round_trip({.key = key, .data = data, .hash = HashKey{0}});
      check_round_trip({.key = key, .data = data, .hash = base::kHashKeyMax - 1});
    }
  }
}

TEST_CASE("packed record: the bytes are those of the format", "[base][packed_record]") {
  CHECK(packed({.key = {}, .data = "abc", .hash = {}}) == std::string("\0\3abc", 5));
  CHECK(packed({.key = "k", .data = "abc", .hash = {}}) == std::string("\2\3kabc", 6));
  CHECK(packed({.key = {}, .data = "x", .hash = HashKey{0x0102}}) ==
        std::string("\1\1\2\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0x", 19));
}

TEST_CASE("packed record: a cut one is none, at every byte", "[base][packed_record]") {
  const std::string bytes =
      packed({.key = "key", .data = std::string(200, 'd'), .hash = HashKey{5}});
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    const auto copy =
        std::make_unique_for_overwrite<char[]>(cut);  // a sanitizer sees a read too far
    bytes.copy(copy.get(), cut);
    Record record;
    if (base::unpack(copy.get(), copy.get() + cut, record) != nullptr) FAIL("cut at " << cut);
  }
}

TEST_CASE("packed record: lengths that cannot be are refused", "[base][packed_record]") {
  for (const std::string& bytes :
       {std::string("\xFF\xFF\xFF\xFF\x0F\x01x"), std::string("\0\xFF\xFF\xFF\xFF\x0Fx", 7),
        std::string("\xFE\xFF\xFF\xFF\x0F\xFF\xFF\xFF\xFF\x0F"),
        std::string("\0\xFF\xFF\xFF\xFF\xFF\x01", 7)}) {
    Record record;
    CHECK(base::unpack(bytes.data(), bytes.data() + bytes.size(), record) == nullptr);
  }
}

TEST_CASE("packed record: noise never leads outside of its bytes", "[base][packed_record]") {
  const unsigned seed = 9;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t size = random() % 40;
    const auto bytes = std::make_unique_for_overwrite<char[]>(size);
    for (std::size_t j = 0; j < size; ++j)
      bytes[j] = static_cast<char>(random() % 3 == 0 ? random() : random() % 8);
    Record record;
    const char* end = bytes.get() + size;
    const char* next = base::unpack(bytes.get(), end, record);
    if (next == nullptr) continue;
    if (next > end || record.data.data() + record.data.size() != next) FAIL("outside");
    check_round_trip(record);
  }
}

TEST_CASE("packed record: records follow each other without gap", "[base][packed_record]") {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    const std::string data(static_cast<std::size_t>(i), 'd');
    bytes += packed({.key = std::to_string(i), .data = data, .hash = {}});
  }
  const char* at = bytes.data();
  for (int i = 0; i < 300; ++i) {
    Record record;
    at = base::unpack(at, bytes.data() + bytes.size(), record);
    REQUIRE(at != nullptr);
    CHECK(record.key == std::to_string(i));
    CHECK(record.data.size() == static_cast<std::size_t>(i));
  }
  CHECK(at == bytes.data() + bytes.size());
}
