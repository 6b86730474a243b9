#include "agent/foreign/fingerprints.h"

#define XXH_INLINE_ALL  // the functions, not a library
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <xxhash.h>

#include <array>
#include <span>

#include "agent/foreign/shared_library.h"
#include "base/assert.h"

namespace agent {

namespace {

std::string hex_of(std::span<const unsigned char> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

template <class Function>
Function* from_libcrypto(const char* name) {
  static const SharedLibrary kLibcrypto("libcrypto.so." + std::to_string(OPENSSL_SHLIB_VERSION));
  ASSERT(kLibcrypto.loaded() && "libssl3 is installed");
  return kLibcrypto.function<Function>(name);
}

}  // namespace

std::uint64_t xxh3(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

// No library in Debian has this variant.
std::uint64_t crc64_ecma(std::string_view bytes) {
  constexpr std::uint64_t kPolynomial = 0x42f0e1eba9ea3693;
  std::uint64_t crc = 0;
  for (const char c : bytes) {
    crc ^= static_cast<std::uint64_t>(static_cast<std::uint8_t>(c)) << 56;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc >> 63) != 0 ? kPolynomial : 0);
  }
  return crc;
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, 32> hash;
  std::size_t size = hash.size();
  const auto digest = from_libcrypto<decltype(EVP_Q_digest)>("EVP_Q_digest");
  ASSERT(digest(nullptr, "SHA256", nullptr, bytes.data(), bytes.size(), hash.data(), &size) == 1);
  return hex_of(hash);
}

std::string siphash_hex(std::string_view bytes) {
  constexpr std::array<unsigned char, 16> kKey = {0, 1, 2,  3,  4,  5,  6,  7,
                                                  8, 9, 10, 11, 12, 13, 14, 15};
  std::array<unsigned char, 8> hash;
  std::size_t size = hash.size();
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM{OSSL_MAC_PARAM_SIZE, OSSL_PARAM_UNSIGNED_INTEGER, &size, sizeof size, 0},
      OSSL_PARAM{nullptr, 0, nullptr, 0, 0}};
  std::size_t written = 0;
  const auto authenticate = from_libcrypto<decltype(EVP_Q_mac)>("EVP_Q_mac");
  ASSERT(authenticate(nullptr, "SIPHASH", nullptr, nullptr, parameters.data(), kKey.data(),
                      kKey.size(), octets(bytes), bytes.size(), hash.data(), hash.size(),
                      &written) != nullptr);
  ASSERT(written == hash.size());
  return hex_of(hash);
}

}  // namespace agent
