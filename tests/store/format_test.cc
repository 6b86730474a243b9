// docs/FORMAT.md's worked example is what the code writes.
#include "store/format.h"

#include <fstream>
#include <sstream>
#include <string>

#include "store/block.h"
#include "tests/store/store_rig.h"
#include "tests/test.h"

namespace {

std::string example_segment() {
  store::SegmentHeader header;
  header.first_sequence = 1000;
  header.previous_end = 4096;
  header.created_us = 1'790'000'000'000'000;
  header.stream_id_low = 0x1122334455667788;
  header.stream_id_high = 0x99AABBCCDDEEFF00;
  header.previous_first = 900;
  header.shard = 3;
  const store::Mark mark{.origin = 0xAB, .end_offset = 77};

  const base::RunHeader run_header{.origin = base::Origin{0xAB},
                                   .end_offset = 83,
                                   .arrival_us = 1'790'000'000'000'001,
                                   .record_count = 1,
                                   .bytes = 9};
  std::string run(reinterpret_cast<const char*>(&run_header), sizeof run_header);
  run.resize(base::kRunHeaderBytes + 9);
  base::pack({.key = "ab", .data = "hello", .hash = std::nullopt},
             run.data() + base::kRunHeaderBytes);

  store::BlockGroup group(store::Compression::none);
  group.begin({.position = 0, .sequence = 1000, .arrival_us = 1'789'999'999'000'000}, 0);
  group.add_head(header, {&mark, 1});
  group.add_run(run);
  group.close();
  store::Packer packer;
  for (std::size_t i = 0; i < group.block_count(); ++i) group.pack(i, packer);
  group.finish();
  std::string bytes;
  for (const std::string_view piece : group.pieces()) bytes += piece;
  return bytes;
}

// As `xxd -g1` without the text column.
std::string hex_dump(const std::string& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 16 == 0) {
      for (int shift = 12; shift >= 0; shift -= 4) text += kDigits[(i >> shift) & 15U];
      text += ':';
    }
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += ' ';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15U];
    if (i % 16 == 15 || i + 1 == bytes.size()) text += '\n';
  }
  return text;
}

}  // namespace

TEST_CASE("format: the worked example in docs/FORMAT.md is what is written", "[store][format]") {
  std::ifstream file("docs/FORMAT.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string dump = hex_dump(example_segment());
  INFO(dump);
  CHECK(text.str().find(dump) != std::string::npos);
}

TEST_CASE("format: every flipped bit of a header is noticed", "[store][format]") {
  store::BlockHeader block;
  block.first_sequence = 5;
  seal(block);
  store::SegmentHeader segment;
  seal(segment);
  REQUIRE(check(block, 64));
  REQUIRE(check(segment) == store::HeaderState::good);
  for (std::size_t bit = 0; bit < store::kHeaderBytes * 8; ++bit) {
    store::BlockHeader b = block;
    reinterpret_cast<char*>(&b)[bit / 8] ^= static_cast<char>(1U << (bit % 8));
    CHECK_FALSE(check(b, 64));
    store::SegmentHeader s = segment;
    reinterpret_cast<char*>(&s)[bit / 8] ^= static_cast<char>(1U << (bit % 8));
    CHECK(check(s) == store::HeaderState::damaged);
  }
}
