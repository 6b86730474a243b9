#include "sources/recent_bytes.h"

#include <algorithm>
#include <cstdint>
#include <ranges>
#include <string>
#include <vector>

#include "tests/sim/sim_random.h"
#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using sources::LineEnd;
using sources::RecentBytes;

constexpr base::Origin kOrigin{7};
constexpr base::Origin kOther{8};

std::uint64_t hash_before(const std::string& text, std::size_t end) {
  const std::size_t count = std::min(end, sources::kTailBytes);
  return sources::tail_hash(std::string_view(text).substr(end - count, count));
}

// Every place where a line of `text` ends.
std::vector<LineEnd> ends_of(const std::string& text) {
  std::vector<LineEnd> ends;
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) {
    ++at;
    ends.push_back({at, hash_before(text, at)});
  }
  return ends;
}

// Adds [from, to) of `text`, as a tail has it in view.
void add(RecentBytes& recent, base::Origin origin, const std::string& text, std::size_t from,
         std::size_t to) {
  const std::size_t prefix = std::min(from, sources::kTailBytes);
  recent.add(origin, to, std::string_view(text).substr(from - prefix, to - from + prefix));
}

}  // namespace

TEST_CASE("recent bytes: every line's end of what was delivered, piece by piece",
          "[sources][recent]") {
  const std::string text = scene::numbered(0, 200);
  std::vector<LineEnd> wanted = ends_of(text);
  wanted.pop_back();  // the offset itself is none before it
  for (std::size_t step = 1; step < 900; step += 7) {
    CAPTURE(step);
    RecentBytes recent;
    for (std::size_t from = 0; from < text.size(); from += step) {
      add(recent, kOrigin, text, from, std::min(from + step, text.size()));
    }
    const auto ends = recent.line_ends(kOrigin, text.size(), {});
    // With steps this small only the last pieces are remembered.
    if (step > 7) CHECK(ends == wanted);
    CHECK(std::ranges::equal(ends, wanted | std::views::drop(wanted.size() - ends.size())));
    CHECK(ends.size() > 50);
  }
}

TEST_CASE("recent bytes: the last ones, of one generation, below what is asked for",
          "[sources][recent]") {
  const std::string text = scene::numbered(0, 1000);
  const std::string other = scene::numbered(5000, 5100);
  RecentBytes recent;
  CHECK(recent.line_ends(kOrigin, 100, {}).empty());
  add(recent, kOrigin, text, 0, text.size());
  add(recent, kOther, other, 0, other.size());
  auto wanted = ends_of(text);
  wanted.pop_back();
  wanted.erase(wanted.begin(), wanted.end() - sources::kLineEndsMax);
  CHECK(recent.line_ends(kOrigin, text.size(), {}) == wanted);
  auto others = ends_of(other);
  others.pop_back();
  CHECK(recent.line_ends(kOther, other.size(), {}) == others);
  others.resize(49);
  CHECK(recent.line_ends(kOther, 50 * 10, {}) == others);
  CHECK(recent.line_ends(base::Origin{9}, text.size(), {}).empty());
}

TEST_CASE("recent bytes: a generation whose origin changes in the middle is one",
          "[sources][recent]") {
  const std::string text = scene::numbered(0, 100);
  RecentBytes recent;
  add(recent, kOrigin, text, 0, 500);
  recent.rename(kOrigin, kOther);
  add(recent, kOther, text, 500, text.size());
  auto wanted = ends_of(text);
  wanted.pop_back();
  CHECK(recent.line_ends(kOther, text.size(), {}) == wanted);
  CHECK(recent.line_ends(kOrigin, text.size(), {}).empty());
}

TEST_CASE("recent bytes: lines may end otherwise", "[sources][recent]") {
  const std::string text = "one<>two<>three<>";
  RecentBytes recent;
  recent.add(kOrigin, text.size(), text);
  const auto ends = recent.line_ends(kOrigin, text.size(), pipeline::Delimiter("<>"));
  CHECK(ends == std::vector<LineEnd>{{5, hash_before(text, 5)}, {10, hash_before(text, 10)}});
}

TEST_CASE("recent bytes: what it says is true however much went through it", "[sources][recent]") {
  sim::SimRandom random(5);
  std::string texts[2];
  RecentBytes recent;
  for (int round = 0; round < 3000; ++round) {
    std::string& text = texts[random.below(2)];
    const std::size_t before = text.size();
    const std::uint64_t lines = random.chance(0.02) ? 3000 : 1 + random.below(30);
    for (std::uint64_t i = 0; i < lines; ++i) {
      text += std::to_string(random.next()).substr(random.below(10)) + "\n";
    }
    add(recent, &text == &texts[0] ? kOrigin : kOther, text, before, text.size());
    if (round % 50 != 0) continue;
    const auto ends = recent.line_ends(&text == &texts[0] ? kOrigin : kOther, text.size(), {});
    CHECK(ends.size() >= std::min<std::size_t>(lines, sources::kLineEndsMax) - 1);
    std::uint64_t last = 0;
    for (const LineEnd& end : ends) {
      REQUIRE(end.offset > last);
      REQUIRE(end.offset < text.size());
      REQUIRE(text[end.offset - 1] == '\n');
      REQUIRE(end.hash == hash_before(text, end.offset));
      last = end.offset;
    }
  }
}
