// The hashes of other agents, by the values their definitions give.
#include "agent/foreign/fingerprints.h"

#include <string>

#include "tests/test.h"

TEST_CASE("fingerprints: CRC-64/ECMA-182 by its check value", "[agent][foreign]") {
  CHECK(agent::crc64_ecma("123456789") == 0x6c40df5f0b497347);
  CHECK(agent::crc64_ecma("") == 0);
}

TEST_CASE("fingerprints: SHA-256 by FIPS 180-4's examples", "[agent][foreign]") {
  CHECK(agent::sha256_hex("abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(agent::sha256_hex("") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(agent::sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(agent::sha256_hex(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("fingerprints: XXH3 by values of its authors' library", "[agent][foreign]") {
  std::string bytes;
  const auto grown = [&bytes](std::size_t size) {
    while (bytes.size() < size) bytes += static_cast<char>((bytes.size() + 1) * 37 + 11);
    return agent::xxh3(bytes);
  };
  CHECK(grown(1) == 0x1982e3a7bb241055);
  CHECK(grown(3) == 0xccc4623004c47c18);
  CHECK(grown(4) == 0xdafa918448fa28ef);
  CHECK(grown(8) == 0x1c43873187543b9e);
  CHECK(grown(9) == 0x2cfaa9da50869c44);
  CHECK(grown(16) == 0xd85fafa47cb41a67);
  CHECK(grown(17) == 0x4524c46b8a4f2150);
  CHECK(grown(32) == 0xb8de5a584bf8b5c5);
}

TEST_CASE("fingerprints: SipHash-2-4 by its authors' table", "[agent][foreign]") {
  std::string bytes;
  const auto next = [&bytes] { bytes += static_cast<char>(bytes.size()); };
  CHECK(agent::siphash_hex(bytes) == "310e0edd47db6f72");
  next();
  CHECK(agent::siphash_hex(bytes) == "fd67dc93c539f874");
  while (bytes.size() < 8) next();
  CHECK(agent::siphash_hex(bytes) == "6224939a79f5f593");
  while (bytes.size() < 15) next();
  CHECK(agent::siphash_hex(bytes) == "e545be4961ca29a1");
}
