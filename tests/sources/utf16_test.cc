#include "sources/utf16.h"

#include <string>
#include <vector>

#include "tests/sim/sim_random.h"
#include "tests/sources/utf16_bytes.h"
#include "tests/test.h"

namespace {

using sources::ByteOrder;
using sources::Transcoded;

constexpr const char* kReplacement = "\xef\xbf\xbd";

struct Result {
  std::string text;
  Transcoded done;
};

Result transcode(std::string_view in, ByteOrder order, std::size_t room) {
  std::string out(room, '?');
  const Transcoded done = sources::utf16_to_utf8(in, order, out);
  REQUIRE(done.given <= room);
  for (std::size_t i = done.given; i < room; ++i) REQUIRE(out[i] == '?');
  return {out.substr(0, done.given), done};
}

std::uint32_t draw_character(sim::SimRandom& random) {
  switch (random.below(6)) {
    case 0:
      return 0x80 + static_cast<std::uint32_t>(random.below(0x780));
    case 1:
      return 0x800 + static_cast<std::uint32_t>(random.below(0xd000));
    case 2:
      return 0x10000 + static_cast<std::uint32_t>(random.below(0x100000));
    default:
      return static_cast<std::uint32_t>(random.below(0x80));
  }
}

}  // namespace

TEST_CASE("utf16: every character becomes itself", "[sources][utf16]") {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    std::string in;
    std::string expected;
    for (std::uint32_t value = 0; value < 0x110000; value += value < 0x3000 ? 1 : 37) {
      if (value >= 0xd800 && value < 0xe000) continue;
      in += utf16::character(value, order);
      expected += utf16::utf8(value);
    }
    const Result result = transcode(in, order, expected.size());
    CHECK(result.text == expected);
    CHECK(result.done.taken == in.size());
    CHECK(result.done.replaced == 0);
  }
}

TEST_CASE("utf16: half a pair is replaced, and what follows it is not lost", "[sources][utf16]") {
  for (const ByteOrder order : {ByteOrder::little, ByteOrder::big}) {
    const std::string high = utf16::unit(0xd83d, order);
    const std::string low = utf16::unit(0xde00, order);
    const std::string a = utf16::unit('a', order);
    const std::string r = kReplacement;
    struct Case {
      std::string in, expected;
      std::size_t replaced;
    };
    for (const Case& each : std::vector<Case>{{high + low, "\xf0\x9f\x98\x80", 0},
                                              {low + high + a, r + r + "a", 2},
                                              {high + high + low, r + "\xf0\x9f\x98\x80", 1},
                                              {low + a, r + "a", 1},
                                              {high + a, r + "a", 1}}) {
      const Result result = transcode(each.in, order, 100);
      CHECK(result.text == each.expected);
      CHECK(result.done.taken == each.in.size());
      CHECK(result.done.replaced == each.replaced);
    }
    const Result waiting = transcode(a + high + low.substr(0, 1), order, 100);
    CHECK(waiting.text == "a");
    CHECK(waiting.done.taken == 2);
  }
}

TEST_CASE("utf16: input and room may end anywhere", "[sources][utf16]") {
  const auto seed = GENERATE(range(1U, 41U));
  CAPTURE(seed);
  sim::SimRandom random(seed);
  const ByteOrder order = random.chance(0.5) ? ByteOrder::little : ByteOrder::big;
  std::string in;
  std::string expected;
  std::size_t replaced = 0;
  bool ascii = true;
  for (std::uint64_t i = random.below(400); i > 0; --i) {
    if (random.chance(0.05)) ascii = !ascii;
    const std::uint32_t value =
        ascii ? 'a' + static_cast<std::uint32_t>(i % 26) : draw_character(random);
    if (!ascii && random.chance(0.1)) {  // a low half, which no unit before it can want
      in += utf16::unit(0xdc00 + static_cast<std::uint32_t>(random.below(0x400)), order);
      expected += kReplacement;
      ++replaced;
    }
    in += utf16::character(value, order);
    expected += utf16::utf8(value);
  }
  std::string text;
  std::size_t at = 0;
  std::size_t counted = 0;
  while (at < in.size()) {
    const std::size_t bytes = 4 + random.below(200);
    const Result piece =
        transcode(std::string_view(in).substr(at, bytes), order, 4 + random.below(90));
    REQUIRE(piece.done.taken > 0);
    text += piece.text;
    at += piece.done.taken;
    counted += piece.done.replaced;
  }
  CHECK(text == expected);
  CHECK(counted == replaced);
}
