// CRC32C of blocks as the store writes them, beside a read of the same bytes.
#include <cstring>
#include <string>

#include "base/crc32c.h"
#include "bench/bench.h"
#include "bench/lines.h"

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  for (const std::size_t bytes : {std::size_t{128}, std::size_t{4} << 10, std::size_t{256} << 10}) {
    const std::string text = bench::log_lines({.seed = 1, .bytes = bytes}).substr(0, bytes);
    std::string copy(bytes, '\0');
    for (const base::Crc32cVariant& variant : base::crc32c_variants()) {
      report.beside(
          std::string("crc32c/") + variant.name + "/" + std::to_string(bytes), {.bytes = bytes},
          [&] { bench::keep(variant.compute(text, 0)); }, "memcpy",
          [&] {
            std::memcpy(copy.data(), text.data(), bytes);
            bench::keep(copy);
          });
    }
  }
}
