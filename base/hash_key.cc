#include "base/hash_key.h"

#include <algorithm>

#include "base/md5.h"

namespace base {

void hash_keys(std::span<const std::string_view> keys, std::span<HashKey> out) {
  static const Md5Variant& best = md5_variants().front();
  hash_keys_by(best, keys, out);
}

std::string to_decimal(HashKey key) {
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(key % 10));
    key /= 10;
  } while (key != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

}  // namespace base
