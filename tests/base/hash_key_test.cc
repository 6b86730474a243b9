#include "base/hash_key.h"

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/md5.h"
#include "tests/test.h"

using base::HashKey;
using base::Md5Variant;

namespace {

std::string hex(HashKey key) {
  std::string text;
  for (int shift = 124; shift >= 0; shift -= 4)
    text += "0123456789abcdef"[static_cast<int>(key >> shift & 15)];
  return text;
}

// RFC 1321, A.5.
struct Known {
  std::string message;
  std::string digest;
};
const std::vector<Known> kKnown = {
    {"", "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
     "d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "57edf4a22be3c955ac49da2e2107b67a"}};

}  // namespace

TEST_CASE("md5: the known answers of RFC 1321", "[base][hash_key]") {
  for (const Known& known : kKnown) CHECK(hex(base::md5(known.message)) == known.digest);
}

TEST_CASE("md5: messages around the ends of blocks", "[base][hash_key]") {
  // Of so many "a" by the md5sum of GNU coreutils.
  CHECK(hex(base::md5(std::string(55, 'a'))) == "ef1772b6dff9a122358552954ad0df65");
  CHECK(hex(base::md5(std::string(56, 'a'))) == "3b0c8ac703f828b04c6c197006d17218");
  CHECK(hex(base::md5(std::string(63, 'a'))) == "b06521f39153d618550606be297466d5");
  CHECK(hex(base::md5(std::string(64, 'a'))) == "014842d480b571495a4a0363793f7367");
  CHECK(hex(base::md5(std::string(119, 'a'))) == "8a7bd0732ed6a28ce75f6dabc90e1613");
  CHECK(hex(base::md5(std::string(120, 'a'))) == "5f61c0ccad4cac44c75ff505e1f1e537");
  CHECK(hex(base::md5(std::string(1'000'000, 'a'))) == "7707d6ae4e027c70eea2a935c2296f21");
}

TEST_CASE("hash keys: the plain variant is always there, last", "[base][hash_key]") {
  REQUIRE_FALSE(base::md5_variants().empty());
  CHECK(std::string(base::md5_variants().back().name) == "plain");
  CHECK(base::md5_variants().back().lanes == 1);
}

TEST_CASE("hash keys: every variant, every lane, known answers", "[base][hash_key]") {
  for (const Md5Variant& variant : base::md5_variants()) {
    for (std::size_t first = 0; first < 20; ++first) {
      CAPTURE(variant.name, first);
      std::vector<std::string_view> keys;
      for (std::size_t i = 0; i < 40; ++i)
        keys.push_back(kKnown[(first + i) % kKnown.size()].message);
      std::vector<HashKey> out(keys.size());
      base::hash_keys_by(variant, keys, out);
      for (std::size_t i = 0; i < keys.size(); ++i) {
        if (hex(out[i]) != kKnown[(first + i) % kKnown.size()].digest) FAIL("key " << i);
      }
    }
  }
}

TEST_CASE("hash keys: every variant agrees with one at a time, for any count and any lengths",
          "[base][hash_key]") {
  const auto seed = GENERATE(range(0U, 40U));
  std::mt19937 random(seed);
  constexpr std::size_t kEdges[] = {0, 1, 3, 4, 5, 54, 55, 56, 57, 63, 64, 65, 119, 120, 121};
  std::vector<std::unique_ptr<char[]>> memory;  // exactly as long, so that a sanitizer sees more
  std::vector<std::string_view> keys;
  const std::size_t count = seed < 36 ? seed : random() % 1000;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size =
        random() % 3 == 0 ? std::data(kEdges)[random() % std::size(kEdges)] : random() % 200;
    memory.push_back(std::make_unique_for_overwrite<char[]>(size));
    for (std::size_t j = 0; j < size; ++j) memory.back()[j] = static_cast<char>(random());
    keys.emplace_back(memory.back().get(), size);
  }
  for (const Md5Variant& variant : base::md5_variants()) {
    CAPTURE(seed, variant.name);
    std::vector<HashKey> out(keys.size());
    base::hash_keys_by(variant, keys, out);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (out[i] != base::md5(keys[i])) FAIL("key " << i << " of " << keys[i].size() << " bytes");
    }
  }
}

TEST_CASE("hash keys: none is fine", "[base][hash_key]") { base::hash_keys({}, {}); }

TEST_CASE("hash key: in decimal as the API writes it", "[base][hash_key]") {
  CHECK(base::to_decimal(0) == "0");
  CHECK(base::to_decimal(9) == "9");
  CHECK(base::to_decimal(10) == "10");
  CHECK(base::to_decimal(HashKey{1} << 64) == "18446744073709551616");
  CHECK(base::to_decimal(base::kHashKeyMax) == "340282366920938463463374607431768211455");
}
