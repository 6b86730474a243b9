#include "pipeline/newline_scan.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/pipeline/chunks.h"
#include "tests/test.h"

using pipeline::NewlineScan;
using pipeline_test::PaddedBytes;

namespace {

std::vector<std::uint32_t> scan(const NewlineScan& scan, std::string_view bytes,
                                std::uint32_t begin, std::uint32_t end) {
  // Exactly the promised room, so that a sanitizer sees a write too far.
  std::vector<std::uint32_t> out(end - begin + NewlineScan::kWriteAhead);
  const std::uint32_t* last = scan.find(bytes.data(), begin, end, '\n', out.data());
  out.resize(static_cast<std::size_t>(last - out.data()));
  return out;
}

std::vector<std::uint32_t> expected(std::string_view bytes, std::uint32_t begin,
                                    std::uint32_t end) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = begin; i < end; ++i) {
    if (bytes[i] == '\n') out.push_back(i);
  }
  return out;
}

}  // namespace

TEST_CASE("newline scan: the plain variant is always there, last", "[pipeline][newline_scan]") {
  REQUIRE_FALSE(pipeline::newline_scans().empty());
  CHECK(std::string(pipeline::newline_scans().back().name) == "plain");
}

TEST_CASE("newline scan: every variant finds the same at every length and start",
          "[pipeline][newline_scan]") {
  const unsigned seed = 1;
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const NewlineScan& variant : pipeline::newline_scans()) {
    CAPTURE(variant.name);
    for (const char other : {'x', '\0', '\v', '\x8a', '\xff'}) {
      for (std::uint32_t size = 0; size <= 200; ++size) {
        std::string text(size, other);
        for (char& c : text) c = random() % 8 == 0 ? '\n' : c;
        const PaddedBytes bytes(text);
        const std::uint32_t begin = size == 0 ? 0 : static_cast<std::uint32_t>(random() % size);
        if (scan(variant, bytes.view(), begin, size) != expected(text, begin, size)) FAIL(text);
      }
    }
  }
}

TEST_CASE("newline scan: sees a newline at each byte and nowhere else",
          "[pipeline][newline_scan]") {
  for (const NewlineScan& variant : pipeline::newline_scans()) {
    CAPTURE(variant.name);
    for (std::uint32_t at = 0; at < 200; ++at) {
      std::string text(200, '\v');  // one bit from a newline: catches a sloppy zero test
      text[at] = '\n';
      const PaddedBytes bytes(text);
      if (scan(variant, bytes.view(), 0, 200) != std::vector<std::uint32_t>{at}) FAIL(at);
    }
  }
}

TEST_CASE("newline scan: nothing but newlines fills the whole piece", "[pipeline][newline_scan]") {
  const PaddedBytes bytes(std::string(NewlineScan::kPieceBytes, '\n'));
  for (const NewlineScan& variant : pipeline::newline_scans()) {
    CAPTURE(variant.name);
    CHECK(scan(variant, bytes.view(), 0, NewlineScan::kPieceBytes) ==
          expected(bytes.view(), 0, NewlineScan::kPieceBytes));
  }
}
