#include "sources/long_line.h"

#include <string>

#include "tests/test.h"

namespace {

using sources::LongLine;
using Step = LongLine::Step;
using pipeline::LongLines;

pipeline::FramerOptions limit(std::size_t bytes, LongLines policy) {
  return {.line_bytes_max = bytes, .long_lines = policy};
}

}  // namespace

TEST_CASE("long line: scanned until its newline, then held if it is not too long",
          "[sources][long_line]") {
  for (const LongLines policy : {LongLines::split, LongLines::truncate, LongLines::reject}) {
    LongLine line(std::string(290, 'a'), limit(400, policy));
    CHECK(line.step() == Step::scan);
    CHECK(line.tail() == std::string(256, 'a'));
    CHECK(line.scan_offset() == 34);
    line.scan(std::string(10, 'b'));
    CHECK(line.tail() == std::string(246, 'a') + std::string(10, 'b'));
    line.scan("c\nnext");
    CHECK(line.step() == Step::hold);
    CHECK(line.line_bytes() == 301);
    CHECK(line.terminated());
  }
}

TEST_CASE("long line: too long is cut, by a byte more than a carriage return explains",
          "[sources][long_line]") {
  for (const std::size_t bytes : {399U, 400U, 401U, 402U}) {
    CAPTURE(bytes);
    LongLine line(std::string(100, 'a'), limit(400, LongLines::truncate));
    line.scan(std::string(bytes - 100, 'a') + "\n");
    CHECK(line.line_bytes() == bytes);
    CHECK(line.step() == (bytes <= 401 ? Step::hold : Step::cut));
    CHECK(line.tail() == std::string(255, 'a') + "\n");
  }
}

TEST_CASE("long line: with split its first piece is taken as soon as it is certain",
          "[sources][long_line]") {
  LongLine line(std::string(100, 'a'), limit(100, LongLines::split));
  CHECK(line.step() == Step::scan);
  line.scan("a");
  CHECK(line.step() == Step::hold);
  CHECK(LongLine(std::string(101, 'a'), limit(100, LongLines::split)).step() == Step::hold);
}

TEST_CASE("long line: an end without newline is an end", "[sources][long_line]") {
  LongLine line(std::string(300, 'a'), limit(200, LongLines::reject));
  line.end();
  CHECK(line.step() == Step::cut);
  CHECK_FALSE(line.terminated());
  CHECK(line.line_bytes() == 300);
}

TEST_CASE("long line: remembers a short tail whole", "[sources][long_line]") {
  LongLine line("abc", limit(200, LongLines::split));
  CHECK(line.tail() == "abc");
  CHECK(line.scan_offset() == 0);
  line.scan("de");
  CHECK(line.tail() == "abcde");
}

TEST_CASE("long line: NULs that are not read count like others", "[sources][long_line]") {
  LongLine line(std::string(300, 'a'), limit(400, LongLines::truncate));
  line.pass_nuls(1'000'000);
  CHECK(line.step() == Step::scan);
  CHECK(line.tail() == std::string(256, '\0'));
  CHECK(line.scan_offset() == 1'000'300 - 256);
  line.scan("b\n");
  CHECK(line.step() == Step::cut);
  CHECK(line.line_bytes() == 1'000'301);
}
