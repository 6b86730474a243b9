#include "pipeline/line_groups.h"

#include <random>
#include <string>
#include <vector>

#include "pipeline/framer.h"
#include "pipeline/program.h"
#include "tests/pipeline/chunks.h"
#include "tests/test.h"

namespace {

using pipeline::Chunk;
using pipeline::GroupLines;
using pipeline::GroupOptions;
using pipeline::LongLines;
using pipeline::Program;
using pipeline::ProgramOptions;
using pipeline::RecordBlock;
using pipeline_test::PaddedBytes;

using Records = std::vector<std::string>;

ProgramOptions grouped(GroupLines by, const std::string& pattern = "") {
  ProgramOptions options;
  options.groups.by = by;
  options.groups.pattern = pattern;
  return options;
}

// The records of `text`, given in pieces of `step` bytes as a source gives them: what is not
// consumed comes again with more behind it. The last time with what `end` says.
Records records_of(const ProgramOptions& options, std::string_view text, std::size_t step,
                   Chunk end = {.last = true}) {
  Program program(options);
  RecordBlock block;
  Records records;
  std::size_t taken = 0;
  for (std::size_t seen = std::min(step, text.size());; seen = std::min(seen + step, text.size())) {
    const bool whole = seen == text.size();
    const PaddedBytes bytes(text.substr(taken, seen - taken));
    const Chunk chunk{.bytes = bytes.view(),
                      .offset = taken,
                      .last = whole && end.last,
                      .quiet = whole && end.quiet};
    program.run(chunk, block);
    for (std::size_t i = 0; i < block.size(); ++i) {
      CHECK(text.substr(block.offset[i]).starts_with(block.data[i]));
      records.emplace_back(block.data[i]);
    }
    taken += block.consumed;
    if (whole) return records;
  }
}

// The same however it is cut.
Records records_of(const ProgramOptions& options, std::string_view text) {
  Records whole = records_of(options, text, text.size());
  for (std::size_t step = 1; step < text.size(); step += 1 + step / 3) {
    CAPTURE(step);
    CHECK(records_of(options, text, step) == whole);
  }
  return whole;
}

Records trace(const std::string& language, std::string_view text) {
  return records_of(grouped(GroupLines::follow, std::string(pipeline::trace_pattern(language))),
                    text);
}

}  // namespace

TEST_CASE("line groups: a start pattern, and what stands before the first start",
          "[pipeline][line_groups]") {
  CHECK(records_of(grouped(GroupLines::start, "^\\d{4}-"),
                   "lost\nfound\n2026-01 a\n b\n\n2026-02 c\n2026-03 d\ne") ==
        Records{"lost\nfound", "2026-01 a\n b\n", "2026-02 c", "2026-03 d\ne"});
}

TEST_CASE("line groups: a pattern for what follows", "[pipeline][line_groups]") {
  CHECK(records_of(grouped(GroupLines::follow, "^(\\s|and )"), " x\na\n b\nand c\nd\n") ==
        Records{" x", "a\n b\nand c", "d"});
}

TEST_CASE("line groups: an end pattern ends at once", "[pipeline][line_groups]") {
  const ProgramOptions options = grouped(GroupLines::end, ";$");
  CHECK(records_of(options, "select\n1;\nselect 2;\nrest\n") ==
        Records{"select\n1;", "select 2;", "rest"});
  // Without waiting for what comes after it.
  CHECK(records_of(options, "select\n1;\nselect", 100, {}) == Records{"select\n1;"});
}

TEST_CASE("line groups: indented lines belong to the one before", "[pipeline][line_groups]") {
  CHECK(records_of(grouped(GroupLines::indented), "a\n b\n\tc\n\nd\n") ==
        Records{"a\n b\n\tc", "", "d"});
}

TEST_CASE("line groups: an open group waits, unless time is up", "[pipeline][line_groups]") {
  const ProgramOptions options = grouped(GroupLines::indented);
  CHECK(records_of(options, "a\n b\n", 100, {}).empty());
  CHECK(records_of(options, "a\n b\n", 100, {.quiet = true}) == Records{"a\n b"});
  // An unfinished line is another matter.
  CHECK(records_of(options, "a\n b\n c", 100, {.quiet = true}) == Records{"a\n b"});
  CHECK(records_of(options, "a\n b\n c", 100, {.last = true}) == Records{"a\n b\n c"});
}

TEST_CASE("line groups: carriage returns stay inside and go at the end",
          "[pipeline][line_groups]") {
  CHECK(records_of(grouped(GroupLines::indented), "a\r\n b\r\nc\r\n") == Records{"a\r\n b", "c"});
}

TEST_CASE("line groups: limits of lines and bytes cut, and are counted",
          "[pipeline][line_groups]") {
  ProgramOptions options = grouped(GroupLines::indented);
  options.groups.lines_max = 3;
  CHECK(records_of(options, "a\n 1\n 2\n 3\n 4\nb\n") == Records{"a\n 1\n 2", " 3\n 4", "b"});
  options.groups.lines_max = 100;
  options.groups.bytes_max = 6;
  CHECK(records_of(options, "a\n 1\n 2\n 3\nb\n") == Records{"a\n 1", " 2\n 3", "b"});
  Program program(options);
  RecordBlock block;
  const PaddedBytes bytes("a\n 1\n 2\n 3\nb\n");
  const Chunk chunk{.bytes = bytes.view()};
  program.run(chunk, block);
  CHECK(program.counters().groups_cut.value() == 1);
  CHECK(program.counters().lines_grouped.value() == 2);
  CHECK(program.counters().records.value() == 2);
  CHECK(program.counters().bytes.value() == 11);  // b may go on
}

TEST_CASE("line groups: a line of max_line bytes stands alone", "[pipeline][line_groups]") {
  const std::string text = "a\n b\n 3456789\n c\n d\n";
  ProgramOptions options = grouped(GroupLines::indented);
  options.framer.line_bytes_max = 5;
  options.framer.long_lines = LongLines::split;
  CHECK(records_of(options, text) == Records{"a\n b", " 3456", "789\n c\n d"});
  options.framer.long_lines = LongLines::truncate;
  CHECK(records_of(options, text) == Records{"a\n b", " 3456", " c\n d"});
  options.framer.long_lines = LongLines::reject;
  CHECK(records_of(options, text) == Records{"a\n b", " 3456", " c\n d"});
}

TEST_CASE("line groups: records and their newlines are the source, however it is cut",
          "[pipeline][line_groups]") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (int line = static_cast<int>(random() % 30); line >= 0; --line) {
      text += std::string(random() % 3, ' ') + std::string(random() % 9, 'a') + "\n";
    }
    ProgramOptions options = grouped(round % 2 == 0 ? GroupLines::start : GroupLines::end, "^aa");
    options.groups.lines_max = 1 + random() % 5;
    options.groups.bytes_max = 5 + random() % 30;
    std::string joined;
    for (const std::string& record : records_of(options, text)) joined += record + "\n";
    CHECK(joined == text);
  }
}

TEST_CASE("line groups: stack traces of six languages are one record each",
          "[pipeline][line_groups]") {
  CHECK(trace("java",
              "12:00 ERROR boom\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:3)\n"
              "Caused by: java.io.IOException\n\t... 3 more\n12:01 INFO fine\n")
            .size() == 2);
  CHECK(trace("java", "Exception in thread \"main\" a.BException: x\n\tat a.B.c(B.java:1)\nok\n") ==
        Records{"Exception in thread \"main\" a.BException: x\n\tat a.B.c(B.java:1)", "ok"});
  CHECK(trace("python",
              "ERROR:root:boom\nTraceback (most recent call last):\n  File \"a.py\", line 1\n"
              "    x()\nValueError: no\n\nDuring handling of the above exception, another "
              "exception occurred:\n\nTraceback (most recent call last):\n  File \"b.py\"\n"
              "app.errors.OddError: y\nINFO:root:fine\n")
            .size() == 2);
  CHECK(
      trace("go",
            "panic: boom\n\ngoroutine 1 [running]:\nmain.f(0x1, {0x2, 0x3})\n\t/a/main.go:3 +0x1d\n"
            "github.com/a/b.(*T).Run(...)\n\t/a/b.go:9\nexit status 2\nstarted\n")
          .size() == 2);
  CHECK(
      trace(
          "dotnet",
          "fail: App[0]\n      boom\nSystem.InvalidOperationException: no\n   at A.B() in a.cs:1\n"
          " ---> System.Exception: x\n   --- End of inner exception stack trace ---\n"
          "--- End of stack trace from previous location ---\ninfo: App[0]\n")
          .size() == 2);
  CHECK(trace("ruby",
              "a.rb:3:in `f': boom (RuntimeError)\n\tfrom a.rb:7:in `<main>'\nE, x\n"
              "app/b.rb:1:in `g'\napp/b.rb:2:in `h'\nI, y\n")
            .size() == 3);
  CHECK(trace("php",
              "PHP Fatal error:  Uncaught Exception: boom in /a.php:3\nStack trace:\n"
              "#0 /a.php(5): f()\n#1 {main}\n  thrown in /a.php on line 3\nnext\n")
            .size() == 2);
  CHECK(pipeline::trace_pattern("cobol").empty());
}

TEST_CASE("line pattern: what is wrong with it is said", "[pipeline][line_groups]") {
  const auto bad = pipeline::LinePattern::compile("^(a");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message.find("missing )") != std::string::npos);
  CHECK(pipeline::LinePattern::compile("b.d").value().matches("abcd"));
  CHECK_FALSE(pipeline::LinePattern::compile("^b").value().matches("abcd"));
}
