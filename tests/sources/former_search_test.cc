#include "sources/former_search.h"

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
  FormerSearch search(std::move(formers));
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

TEST_CASE("former search: first bytes count, no bytes do not", "[sources][former]") {
  const std::string text = scene::numbered(0, 100);
  CHECK(found_in(text, {former(text, 0, 7)}) == 7);
  CHECK(found_in(text, {former(text, 0, 7), former(text, 300, 8)}) == 8);
  CHECK(found_in(text, {former("", 0, 7, true)}) == 0);
}

TEST_CASE("former search: names decide between equals", "[sources][former]") {
  const std::string text = scene::numbered(0, 100);
  CHECK(found_in(text, {former(text, 300, 7, true), former(text, 400, 8)}) == 7);
}
