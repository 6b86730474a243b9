#include "sources/former_search.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sources/file_identity.h"
#include "tests/sources/tail_scene.h"
#include "tests/test.h"

namespace {

using sources::Former;
using sources::FormerSearch;

// Of a file with `text` that was read to `offset`.
Former former(const std::string& text, std::size_t offset, std::uint64_t origin,
              bool likely = false) {
  Former made;
  made.checkpoint.origin = base::Origin{origin};
  made.checkpoint.offset = offset;
  const std::string seen =
      offset == 0 ? text.substr(0, sources::kTailBytes) : text.substr(0, offset);
  const std::string tail =
      seen.substr(seen.size() - std::min(seen.size(), std::size_t{sources::kTailBytes}));
  made.checkpoint.tail_bytes = static_cast<std::uint32_t>(tail.size());
  made.checkpoint.tail_hash = sources::tail_hash(tail);
  made.likely = likely;
  return made;
}

// The origin of the one that `text` is of; 0: none.
std::uint64_t found_in(const std::string& text, std::vector<Former> formers) {
  FormerSearch search(std::move(formers), {});
  std::uint64_t last = 0;
  while (const auto wanted = search.next()) {
    CHECK(wanted->from >= last);
    CHECK(wanted->bytes <= sources::kTailBytes + 1);
    last = wanted->from;
    search.answer(wanted->from < text.size() ? text.substr(wanted->from, wanted->bytes) : "");
  }
  const Former* const found = search.found();
  return found == nullptr ? 0 : base::value(found->checkpoint.origin);
}

// As former(), and with the ends of the last `lines` lines before the offset.
Former with_line_ends(const std::string& text, std::size_t offset, std::uint64_t origin,
                      std::size_t lines) {
  Former made = former(text, offset, origin);
  for (std::size_t at = offset - 1; lines > 0 && (at = text.rfind('\n', at - 1)) != 0; --lines) {
    if (at == std::string::npos) break;
    const std::size_t end = at + 1;
    const std::size_t count = std::min(end, sources::kTailBytes);
    made.checkpoint.line_ends.push_back({end, sources::tail_hash(text.substr(end - count, count))});
  }
  std::ranges::reverse(made.checkpoint.line_ends);
  return made;
}

struct Answer {
  std::uint64_t origin = 0;
  std::uint64_t whole_bytes = 0;
  std::size_t reads = 0;
};

Answer search_in(const std::string& text, std::vector<Former> formers, std::size_t bytes_max) {
  FormerSearch search(std::move(formers), {.bytes_max = bytes_max, .delimiter = {}});
  Answer answer;
  while (const auto wanted = search.next()) {
    CHECK(wanted->bytes <= bytes_max);
    ++answer.reads;
    search.answer(wanted->from < text.size() ? text.substr(wanted->from, wanted->bytes) : "");
  }
  const Former* const found = search.found();
  if (found != nullptr) answer.origin = base::value(found->checkpoint.origin);
  answer.whole_bytes = search.whole_bytes();
  return answer;
}

}  // namespace

TEST_CASE("former search: knows a file by the bytes before its offset", "[sources][former]") {
  const std::string text = scene::numbered(0, 1000);
  const std::string other = scene::numbered(5000, 6000);
  const std::vector<Former> formers = {former(other, 900, 1), former(text, 5000, 2),
                                       former(other, 7000, 3)};
  CHECK(found_in(text, formers) == 2);
  CHECK(found_in(other, formers) == 3);  // both fit; it knows more
  CHECK(found_in(scene::numbered(1, 1000), formers) == 0);
  CHECK(found_in("", formers) == 0);
  CHECK(found_in(text, {}) == 0);
}

TEST_CASE("former search: at every offset, and in nothing shorter", "[sources][former]") {
  const std::string text = scene::numbered(0, 200);
  for (std::size_t offset = 64; offset <= text.size(); offset += 17) {
    CAPTURE(offset);
    CHECK(found_in(text, {former(text, offset, 7)}) == 7);
    CHECK(found_in(text.substr(0, offset), {former(text, offset, 7)}) == 7);
    CHECK(found_in(text.substr(0, offset - 1), {former(text, offset, 7)}) == 0);
  }
}

TEST_CASE("former search: few bytes prove something only if they are all", "[sources][former]") {
  const std::string line = "started\n";
  CHECK(found_in(line, {former(line, line.size(), 7)}) == 7);
  CHECK(found_in(line + "more\n", {former(line, line.size(), 7)}) == 0);
  CHECK(found_in(line + "more\n", {former(line, line.size(), 7, true)}) == 0);
  CHECK(found_in("2026-01-01 one\n", {former("2026", 0, 7, true)}) == 0);
}

TEST_CASE("former search: first bytes count if something was stored", "[sources][former]") {
  const std::string text = scene::numbered(0, 100);
  const std::uint64_t line = scene::numbered(0, 90).size();
  const auto stored = [](const std::string& seen, std::vector<std::uint64_t> marks) {
    Former made = former(seen, 0, 7);
    made.marks = std::move(marks);
    return made;
  };
  CHECK(found_in(text, {stored(text, {line, 0})}) == 7);
  CHECK(found_in(text, {stored(text, {0, 0})}) == 0);
  CHECK(found_in(text, {stored("", {line})}) == 0);
  CHECK(found_in(text, {stored(text, {line}), former(text, 300, 8)}) == 8);
}

TEST_CASE("former search: first bytes are those of text, behind NULs", "[sources][former]") {
  const std::string text = scene::numbered(0, 100);
  const std::size_t nuls = GENERATE(1, 300, 5000);
  const std::string file = std::string(nuls, '\0') + text;
  Former made = former(text, 0, 7);
  made.marks = {nuls + scene::numbered(0, 90).size()};
  CHECK(search_in(file, {made}, 4096).origin == 7);
  CHECK(search_in(std::string(100, '\0') + file, {made}, 4096).origin == 0);  // no line ends there
  CHECK(search_in(std::string(nuls, '\0') + "x" + text, {made}, 4096).origin == 0);
  CHECK(search_in(std::string(nuls, '\0'), {made}, 4096).origin == 0);
  CHECK(search_in(std::string(nuls + 5000, '\0'), {made}, 4096).origin == 0);
}

TEST_CASE("former search: where records ended that were not noted, lines end",
          "[sources][former]") {
  const std::string text = scene::numbered(0, 100);
  const std::uint64_t line = scene::numbered(0, 90).size();
  const auto found = [&](std::size_t known, std::vector<std::uint64_t> marks,
                         std::uint64_t offset = 0) {
    Former made = former(text.substr(0, known), offset, 7);
    made.marks = std::move(marks);
    made.ended = true;
    return found_in(text, {made}) == 7;
  };
  CHECK(found(200, {line, text.size()}));
  for (const std::uint64_t offset : {0, 60, 100}) {
    CAPTURE(offset);
    CHECK(found(100, {line}, offset));
    CHECK_FALSE(found(100, {line, line - 1}, offset));
    CHECK_FALSE(found(100, {line - 1}, offset));
    CHECK(found(100, {5000}, offset) == (offset != 60));  // few bytes prove nothing then
  }
  CHECK(found(63, {63}));  // they are all that was stored
  CHECK(found(63, {line}));
  CHECK_FALSE(found(63, {5000}));
  CHECK(found(100, {5000}));
  // A last line may be stored without its end.
  const std::string half = text + "half";
  Former cut = former(half.substr(0, 40), 0, 7);
  cut.ended = true;
  cut.marks = {half.size()};
  CHECK(found_in(half, {cut}) == 7);
  CHECK(found_in(half + "line", {cut}) == 0);
}

TEST_CASE("former search: names decide between equals", "[sources][former]") {
  const std::string text = scene::numbered(0, 100);
  CHECK(found_in(text, {former(text, 300, 7, true), former(text, 400, 8)}) == 7);
}

TEST_CASE("former search: a copy that ends before the offset, in or behind a line, was read",
          "[sources][former]") {
  const std::string text = scene::numbered(0, 500);
  const std::size_t offset = text.size() - 700;
  const std::vector<Former> formers = {with_line_ends(text, offset, 7, 60)};
  const std::uint64_t first = formers.front().checkpoint.line_ends.front().offset;
  for (const std::size_t bytes_max : {std::size_t{257}, std::size_t{512}, std::size_t{65536}}) {
    for (std::size_t size = first; size < offset; ++size) {
      CAPTURE(bytes_max, size);
      const Answer answer = search_in(text.substr(0, size), formers, bytes_max);
      CHECK(answer.origin == 7);
      CHECK(answer.whole_bytes == size);
      if (bytes_max > 60000) CHECK(answer.reads == 2);
    }
    CHECK(search_in(text.substr(0, offset), formers, bytes_max).whole_bytes == 0);
    CHECK(search_in(text.substr(0, offset), formers, bytes_max).origin == 7);
    CHECK(search_in(text, formers, bytes_max).whole_bytes == 0);
    CHECK(search_in(text.substr(0, first - 1), formers, bytes_max).origin == 0);
  }
}

TEST_CASE("former search: one that goes on in another way is not passed over",
          "[sources][former]") {
  const std::string text = scene::numbered(0, 500);
  const std::size_t offset = text.size();
  const std::vector<Former> formers = {with_line_ends(text, offset, 7, 60)};
  const std::uint64_t common = formers.front().checkpoint.line_ends[20].offset;
  CHECK(search_in(text.substr(0, common), formers, 4096).origin == 7);
  CHECK(search_in(text.substr(0, common) + "another\n", formers, 4096).origin == 0);
  // Nor one whose next line has no end as far as one read sees.
  CHECK(search_in(text.substr(0, common) + std::string(5000, 'x'), formers, 4096).origin == 0);
  // Of two generations the newer one counts: of the one it ends in, or goes on behind the other.
  std::vector<Former> two = {with_line_ends(text, 1200, 3, 20), formers.front()};
  two[0].checkpoint.seen_us = 2;
  CHECK(search_in(text.substr(0, common), two, 4096).origin == 3);
  CHECK(search_in(text.substr(0, common), two, 4096).whole_bytes == 0);
  two[1].checkpoint.seen_us = 3;
  CHECK(search_in(text.substr(0, common), two, 4096).origin == 7);
  // If that is none of it, the one whose offset fits.
  CHECK(search_in(text.substr(0, common) + "another\n", two, 4096).origin == 3);
}

TEST_CASE("former search: a short beginning in common is no copy, unless the name is a number's",
          "[sources][former]") {
  const std::string text = scene::numbered(0, 200);  // lines of 7 to 9 bytes
  Former known = with_line_ends(text, 1400, 7, 170);
  REQUIRE(known.checkpoint.line_ends.front().offset < 100);
  const auto ends = known.checkpoint.line_ends;
  const auto at =
      std::ranges::lower_bound(ends, sources::kCoveredBytesMin, {}, &sources::LineEnd::offset);
  CHECK(search_in(text.substr(0, at->offset), {known}, 512).origin == 7);
  CHECK(search_in(text.substr(0, std::prev(at)->offset), {known}, 512).origin == 0);
  known.ended = true;
  CHECK(search_in(text.substr(0, std::prev(at)->offset), {known}, 512).origin == 7);
  const auto proof = std::ranges::lower_bound(ends, sources::FormerSearch::kProofBytes, {},
                                              &sources::LineEnd::offset);
  CHECK(search_in(text.substr(0, proof->offset), {known}, 512).origin == 7);
  CHECK(search_in(text.substr(0, std::prev(proof)->offset), {known}, 512).origin == 0);
}

TEST_CASE("former search: of whom nothing is stored, that one hides nobody", "[sources][former]") {
  const std::string text = scene::numbered(0, 300);
  for (const std::size_t known : {3, 100, 256}) {
    CAPTURE(known);
    Former newer = former(text.substr(0, known), 0, 8);
    newer.checkpoint.seen_us = 5;
    newer.ended = true;
    Former older = with_line_ends(text, text.size(), 7, 50);
    older.ended = true;
    const std::string copy = text.substr(0, text.size() - scene::numbered(290, 300).size());
    const Answer answer = search_in(copy, {older, newer}, 4096);
    CHECK(answer.origin == 7);
    CHECK(answer.whole_bytes == copy.size());
  }
}

TEST_CASE("former search: of two notes of one generation the further one counts, whatever the time",
          "[sources][former]") {
  const std::string text = scene::numbered(0, 500);
  std::vector<Former> notes = {with_line_ends(text, 1400, 7, 20),
                               with_line_ends(text, 2800, 7, 60)};
  const std::uint64_t end = notes[1].checkpoint.line_ends[30].offset;
  REQUIRE(end > 1400);
  notes[0].checkpoint.seen_us = 9;
  CHECK(search_in(text.substr(0, end), notes, 4096).whole_bytes == end);
}
