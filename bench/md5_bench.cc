// Hash keys of a chunk's partition keys: lanes beside one at a time.
#include <string>
#include <vector>

#include "base/md5.h"
#include "bench/bench.h"
#include "bench/lines.h"

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  bench::LineGenerator generator({});
  constexpr std::size_t kKeys = 2048;
  for (const std::size_t key_bytes : {std::size_t{12}, std::size_t{36}, std::size_t{55}}) {
    std::vector<std::string> text;
    for (std::size_t i = 0; i < kKeys; ++i) {
      // A third of them a little shorter, as keys are.
      std::string key(key_bytes - i % 3, ' ');
      for (char& c : key) c = static_cast<char>('a' + generator.number(26));
      text.push_back(key);
    }
    const std::vector<std::string_view> keys(text.begin(), text.end());
    std::vector<base::HashKey> out(kKeys);
    const base::Md5Variant& plain = base::md5_variants().back();
    for (const base::Md5Variant& variant : base::md5_variants()) {
      report.beside(
          std::string("md5/") + variant.name + "/" + std::to_string(key_bytes), {.items = kKeys},
          [&] {
            base::hash_keys_by(variant, keys, out);
            bench::keep(out.front());
          },
          "one at a time",
          [&] {
            base::hash_keys_by(plain, keys, out);
            bench::keep(out.front());
          });
    }
  }
}
