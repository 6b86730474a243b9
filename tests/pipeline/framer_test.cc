#include "pipeline/framer.h"

#include <random>
#include <string>
#include <vector>

#include "tests/pipeline/chunks.h"
#include "tests/test.h"

using pipeline::Chunk;
using pipeline::FramerCounters;
using pipeline::FramerOptions;
using pipeline::LongLines;
using pipeline::NewlineFramer;
using pipeline::RecordBlock;
using pipeline_test::expected_lines;
using pipeline_test::Line;
using pipeline_test::lines_of;
using pipeline_test::PaddedBytes;

using namespace std::string_literals;

namespace {

struct Framed {
  std::vector<Line> lines;
  std::uint64_t consumed = 0;
  FramerCounters counters;
};

Framed frame(std::string_view text, FramerOptions options = {}, bool last = false,
             std::uint64_t offset = 0) {
  const PaddedBytes bytes(text);
  const NewlineFramer framer(options);
  RecordBlock block;
  Framed framed;
  framer.split({.bytes = bytes.view(), .offset = offset, .last = last}, block, framed.counters);
  framed.lines = lines_of(block);
  framed.consumed = block.consumed;
  return framed;
}

std::vector<std::string> texts(const std::vector<Line>& lines) {
  std::vector<std::string> out;
  for (const Line& line : lines) out.push_back(line.data);
  return out;
}

using Texts = std::vector<std::string>;

// Reads `source` as a file tail does: chunks of at most `read_bytes` (as many as `grow` says when
// nothing was consumed), each beginning where the last one was consumed.
std::vector<Line> tail(std::string_view source, const NewlineFramer& framer, std::mt19937& random,
                       std::size_t read_bytes) {
  std::vector<Line> lines;
  RecordBlock block;
  FramerCounters counters;
  std::size_t at = 0;
  std::size_t grown = 0;
  while (at < source.size()) {
    const std::size_t size = std::min(source.size() - at, 1 + random() % read_bytes + grown);
    const bool last = at + size == source.size();
    const PaddedBytes bytes(source.substr(at, size));
    framer.split({.bytes = bytes.view(), .offset = at, .last = last}, block, counters);
    for (Line& line : lines_of(block)) lines.push_back(std::move(line));
    at += block.consumed;
    grown = block.consumed == 0 ? grown + read_bytes : 0;
  }
  return lines;
}

}  // namespace

TEST_CASE("framer: leaves an unfinished line for the next chunk", "[pipeline][framer]") {
  const Framed framed = frame("alpha\nbeta\ngam", {}, false, 100);
  CHECK(framed.lines == std::vector<Line>{{"alpha", 100, false}, {"beta", 106, false}});
  CHECK(framed.consumed == 11);  // "gam" will be offered again, longer
}

TEST_CASE("framer: nothing in, nothing out", "[pipeline][framer]") {
  CHECK(frame("").lines.empty());
  CHECK(frame("").consumed == 0);
  CHECK(frame("", {}, true).lines.empty());
  CHECK(frame("no newline").lines.empty());
  CHECK(frame("no newline").consumed == 0);
}

TEST_CASE("framer: the unfinished rest of an ended source is a line", "[pipeline][framer]") {
  const Framed framed = frame("one\ntwo", {}, true);
  CHECK(texts(framed.lines) == Texts{"one", "two"});
  CHECK(framed.consumed == 7);
  CHECK(texts(frame("one\n", {}, true).lines) == Texts{"one"});
  CHECK(texts(frame("one\r", {}, true).lines) == Texts{"one\r"});  // no LF, so no CRLF
}

TEST_CASE("framer: strips one CR before LF and no other", "[pipeline][framer]") {
  CHECK(texts(frame("a\r\nb\r\r\n\r\n\rc\nd\re\n").lines) == Texts{"a", "b\r", "", "\rc", "d\re"});
}

TEST_CASE("framer: empty lines are records", "[pipeline][framer]") {
  const Framed framed = frame("\n\na\n\n");
  CHECK(texts(framed.lines) == Texts{"", "", "a", ""});
  CHECK(framed.lines[3].offset == 4);
  CHECK(framed.consumed == 5);
}

TEST_CASE("framer: NUL is a byte like any other", "[pipeline][framer]") {
  const std::string text("a\0b\n\0\n", 6);
  CHECK(texts(frame(text).lines) == Texts{std::string("a\0b", 3), std::string("\0", 1)});
}

TEST_CASE("framer: a line of exactly the limit is whole under every policy", "[pipeline][framer]") {
  for (const LongLines policy : {LongLines::split, LongLines::truncate, LongLines::reject}) {
    const FramerOptions options{.line_bytes_max = 4, .long_lines = policy};
    for (const std::string ending : {"\n", "\r\n"}) {
      const Framed framed = frame("abc" + ending + "abcd" + ending, options);
      CHECK(framed.lines ==
            std::vector<Line>{{"abc", 0, false}, {"abcd", 3 + ending.size(), false}});
      CHECK(framed.counters.bytes_truncated == 0);
      CHECK(framed.counters.lines_split + framed.counters.lines_truncated +
                framed.counters.lines_rejected ==
            0);
    }
  }
}

TEST_CASE("framer: a line longer than the limit by one", "[pipeline][framer]") {
  const std::string text = "x\nabcde\ny\n";
  SECTION("split makes pieces") {
    const Framed framed = frame(text, {.line_bytes_max = 4, .long_lines = LongLines::split});
    CHECK(framed.lines ==
          std::vector<Line>{{"x", 0, false}, {"abcd", 2, false}, {"e", 6, false}, {"y", 8, false}});
    CHECK(framed.counters.lines_split == 1);
  }
  SECTION("truncate cuts and counts") {
    const Framed framed = frame(text, {.line_bytes_max = 4, .long_lines = LongLines::truncate});
    CHECK(framed.lines == std::vector<Line>{{"x", 0, false}, {"abcd", 2, false}, {"y", 8, false}});
    CHECK(framed.counters.lines_truncated == 1);
    CHECK(framed.counters.bytes_truncated == 1);
  }
  SECTION("reject marks only that one and counts the rest") {
    const Framed framed = frame(text, {.line_bytes_max = 4, .long_lines = LongLines::reject});
    CHECK(framed.lines == std::vector<Line>{{"x", 0, false}, {"abcd", 2, true}, {"y", 8, false}});
    CHECK(framed.counters.lines_rejected == 1);
    CHECK(framed.counters.bytes_truncated == 1);
  }
}

TEST_CASE("framer: rejects stay with their lines across pieces of the scan", "[pipeline][framer]") {
  std::string text;
  std::size_t rejected = 0;
  for (int i = 0; i < 3000; ++i) {
    const bool is_long = i % 97 == 5;
    rejected += is_long ? 1 : 0;
    text += is_long ? "a line that is too long\n" : "short\n";
  }
  const FramerOptions options{.line_bytes_max = 8, .long_lines = LongLines::reject};
  const Framed framed = frame(text, options);
  CHECK(framed.lines == expected_lines(text, options));
  CHECK(framed.counters.lines_rejected == rejected);
}

TEST_CASE("framer: split consumes the sure pieces of an unfinished line", "[pipeline][framer]") {
  const FramerOptions options{.line_bytes_max = 4, .long_lines = LongLines::split};
  CHECK(frame("abcd", options).consumed == 0);    // "\n" may follow: no second, empty piece
  CHECK(frame("abcd\r", options).consumed == 0);  // "\n" may follow and strip the CR
  CHECK(frame("abcde", options).consumed == 4);
  CHECK(frame("abcd\rx", options).consumed == 4);
  CHECK(frame("abcdefgh", options).consumed == 4);
  CHECK(frame("abcdefghi", options).consumed == 8);
}

TEST_CASE("framer: other policies wait for the newline of a long line", "[pipeline][framer]") {
  for (const LongLines policy : {LongLines::truncate, LongLines::reject}) {
    const Framed framed = frame("abcdefghi", {.line_bytes_max = 4, .long_lines = policy});
    CHECK(framed.lines.empty());
    CHECK(framed.consumed == 0);
  }
}

TEST_CASE("framer: a long line that was not held is one record", "[pipeline][framer]") {
  const FramerOptions options{.line_bytes_max = 4, .long_lines = LongLines::truncate};
  const PaddedBytes bytes("abcdef");
  RecordBlock block;
  FramerCounters counters;
  const NewlineFramer framer(options);
  framer.take_long_line({.bytes = bytes.view(), .offset = 10}, 1000, block, counters);
  CHECK(lines_of(block) == std::vector<Line>{{"abcd", 10, false}});
  CHECK(block.consumed == 1001);
  CHECK(counters.bytes_truncated == 996);
  CHECK(counters.lines_truncated == 1);

  framer.take_long_line({.bytes = bytes.view(), .offset = 10, .last = true}, 1000, block, counters);
  CHECK(block.consumed == 1000);  // nothing follows it

  const NewlineFramer rejecting({.line_bytes_max = 4, .long_lines = LongLines::reject});
  rejecting.take_long_line({.bytes = bytes.view(), .offset = 10}, 1000, block, counters);
  CHECK(lines_of(block) == std::vector<Line>{{"abcd", 10, true}});
}

TEST_CASE("framer: a line of the limit with CRLF is whole also when taken as a long one",
          "[pipeline][framer]") {
  const PaddedBytes bytes("abcd\r\n");
  RecordBlock block;
  FramerCounters counters;
  const NewlineFramer framer({.line_bytes_max = 4, .long_lines = LongLines::reject});
  framer.take_long_line({.bytes = bytes.view()}, 5, block, counters);
  CHECK(lines_of(block) == std::vector<Line>{{"abcd", 0, false}});
  CHECK(block.consumed == 6);
}

TEST_CASE("framer: cut at every byte, the lines are the same", "[pipeline][framer]") {
  const std::string source =
      "one\r\n\r\n\nabcd\nabcd\r\nabcde\r\nabcdefgh\r\nabcdefghi\n\0x\r\r\nend\r"s;
  for (const LongLines policy : {LongLines::split, LongLines::truncate, LongLines::reject}) {
    const FramerOptions options{.line_bytes_max = 4, .long_lines = policy};
    const NewlineFramer framer(options);
    for (std::size_t cut = 0; cut <= source.size(); ++cut) {
      CAPTURE(static_cast<int>(policy), cut);
      RecordBlock block;
      FramerCounters counters;
      const PaddedBytes head(source.substr(0, cut));
      framer.split({.bytes = head.view()}, block, counters);
      std::vector<Line> lines = lines_of(block);
      const std::size_t at = block.consumed;
      const PaddedBytes rest(source.substr(at));
      framer.split({.bytes = rest.view(), .offset = at, .last = true}, block, counters);
      for (Line& line : lines_of(block)) lines.push_back(std::move(line));
      if (lines != expected_lines(source, options)) FAIL("lines differ");
      if (at + block.consumed != source.size()) FAIL("not all consumed");
    }
  }
}

TEST_CASE("framer: random sources, random cuts, every variant, the same lines",
          "[pipeline][framer]") {
  const auto seed = GENERATE(range(0U, 12U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::string source;
  const std::string alphabet("ab\r\n\0\v", 6);
  const std::size_t newline_odds = 2 + random() % 200;
  while (source.size() < 20'000) {
    const char c = alphabet[random() % alphabet.size()];
    source += c == '\n' && random() % newline_odds > 2 ? 'c' : c;
  }
  for (const LongLines policy : {LongLines::split, LongLines::truncate, LongLines::reject}) {
    const FramerOptions options{.line_bytes_max = 1 + random() % 400, .long_lines = policy};
    const std::vector<Line> expected = expected_lines(source, options);
    for (const pipeline::NewlineScan& scan : pipeline::newline_scans()) {
      CAPTURE(scan.name, static_cast<int>(policy), options.line_bytes_max);
      const NewlineFramer framer(options, scan);
      if (tail(source, framer, random, 1000) != expected) FAIL("lines differ");
      if (tail(source, framer, random, 20'000) != expected) FAIL("lines differ");
    }
  }
}

TEST_CASE("framer: of delimiters that overlap the first counts", "[pipeline][framer][delimiter]") {
  const FramerOptions options{.delimiter = pipeline::Delimiter("ABAB")};
  const Framed framed = frame("ABABABxABAABAB", options);
  CHECK(texts(framed.lines) == Texts{"", "ABxABA"});
  CHECK(framed.consumed == 14);
  CHECK(texts(frame("ABABABAB", options).lines) == Texts{"", ""});
  CHECK(texts(frame("ABABABA", options, true).lines) == Texts{"", "ABA"});
  CHECK(frame("xABA", options).consumed == 0);
}

TEST_CASE("framer: a CR is stripped before a newline only", "[pipeline][framer][delimiter]") {
  const FramerOptions options{.delimiter = pipeline::Delimiter("\0"s)};
  CHECK(texts(frame("a\r\0b\r\n\0"s, options).lines) == Texts{"a\r", "b\r\n"});
}

TEST_CASE("framer: a piece is not cut where a delimiter may begin",
          "[pipeline][framer][delimiter]") {
  const FramerOptions options{.line_bytes_max = 4, .delimiter = pipeline::Delimiter("ABAB")};
  CHECK(frame("wxyzABA", options).consumed == 0);
  CHECK(texts(frame("wxyzABAB", options).lines) == Texts{"wxyz"});
  CHECK(frame("wxyzABA_", options).consumed == 4);
  CHECK(frame(std::string(options.certain_bytes(), 'x'), options).consumed == 4);
}

TEST_CASE("framer: any delimiter, any policy, cut at every byte, the same lines",
          "[pipeline][framer][delimiter]") {
  const std::string source = "ABABABAB\0\0x\r\nABAABABABBAAABBABABBABwxyzABABwxyzvABABA\0B"s;
  for (const std::string& delimiter :
       {"ABAB"s, "A"s, "\0"s, "AA"s, "BA"s, "\0\0"s, "xyzv"s, "\r\n"s, "ABABABAB"s}) {
    for (const LongLines policy : {LongLines::split, LongLines::truncate, LongLines::reject}) {
      const FramerOptions options{
          .line_bytes_max = 4, .long_lines = policy, .delimiter = pipeline::Delimiter(delimiter)};
      const NewlineFramer framer(options);
      for (std::size_t cut = 0; cut <= source.size(); ++cut) {
        CAPTURE(delimiter, static_cast<int>(policy), cut);
        RecordBlock block;
        FramerCounters counters;
        const PaddedBytes head(source.substr(0, cut), delimiter.back());
        framer.split({.bytes = head.view()}, block, counters);
        std::vector<Line> lines = lines_of(block);
        const std::size_t at = block.consumed;
        const PaddedBytes rest(source.substr(at), delimiter.back());
        framer.split({.bytes = rest.view(), .offset = at, .last = true}, block, counters);
        for (Line& line : lines_of(block)) lines.push_back(std::move(line));
        if (lines != expected_lines(source, options)) FAIL("lines differ");
        if (at + block.consumed != source.size()) FAIL("not all consumed");
      }
    }
  }
}

TEST_CASE("framer: random sources, random delimiters, random cuts, the same lines",
          "[pipeline][framer][delimiter]") {
  const auto seed = GENERATE(range(0U, 24U));
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::string delimiter;
  for (std::size_t i = 1 + random() % pipeline::Delimiter::kBytesMax; i > 0; --i) {
    delimiter += "AB\0\r"s[random() % (seed % 2 == 0 ? 2 : 4)];
  }
  std::string source;
  while (source.size() < 20'000) {
    source += random() % 40 == 0 ? delimiter : std::string(1, "ABc\0\r\n"s[random() % 6]);
    if (random() % 50 == 0) source += delimiter.substr(random() % delimiter.size());
  }
  for (const LongLines policy : {LongLines::split, LongLines::truncate, LongLines::reject}) {
    const FramerOptions options{.line_bytes_max = 1 + random() % 400,
                                .long_lines = policy,
                                .delimiter = pipeline::Delimiter(delimiter)};
    const std::vector<Line> expected = expected_lines(source, options);
    for (const pipeline::NewlineScan& scan : pipeline::newline_scans()) {
      CAPTURE(scan.name, static_cast<int>(policy), options.line_bytes_max);
      const NewlineFramer framer(options, scan);
      if (tail(source, framer, random, 1000) != expected) FAIL("lines differ");
      if (tail(source, framer, random, 20'000) != expected) FAIL("lines differ");
    }
  }
}

TEST_CASE("delimiter: finds the first one, and the last line's end",
          "[pipeline][framer][delimiter]") {
  const pipeline::Delimiter newline;
  CHECK(newline.find("ab\nc\n") == 2);
  CHECK(newline.find("ab") == std::string_view::npos);
  CHECK(newline.find("") == std::string_view::npos);
  CHECK(newline.last_end("ab\nc\nd") == 5);
  CHECK(newline.last_end("ab") == 0);
  const pipeline::Delimiter abab("ABAB");
  CHECK(abab.find("xABABAB") == 1);
  CHECK(abab.last_end("xABABAB") == 5);
  CHECK(abab.last_end("xABABABAB") == 9);
  CHECK(abab.last_end("") == 0);
}
