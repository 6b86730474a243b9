#include "pipeline/program.h"

#include <string>

#include "tests/pipeline/chunks.h"
#include "tests/test.h"

using pipeline::Chunk;
using pipeline::LongLines;
using pipeline::PartitionKey;
using pipeline::Program;
using pipeline::RecordBlock;
using pipeline_test::PaddedBytes;

TEST_CASE("program: random keys leave the block without keys", "[pipeline][program]") {
  Program program({});
  RecordBlock block;
  const PaddedBytes bytes("a\nb\nunfinished");
  const Chunk chunk{.bytes = bytes.view()};
  program.run(chunk, block);
  CHECK(block.size() == 2);
  CHECK(block.key.empty());
  CHECK(block.shared_key.empty());
  CHECK(program.counters().records.value() == 2);
  CHECK(program.counters().bytes.value() == 4);
}

TEST_CASE("program: a constant key is every record's", "[pipeline][program]") {
  Program program({.framer = {}, .partition_key = {PartitionKey::Kind::constant, "tenant"}});
  RecordBlock block;
  const PaddedBytes bytes("a\n");
  const Chunk chunk{.bytes = bytes.view()};
  program.run(chunk, block);
  CHECK(block.key.empty());
  CHECK(block.shared_key == "tenant");
}

TEST_CASE("program: a field's key is the record's own, missing ones are counted",
          "[pipeline][program]") {
  Program program({.framer = {}, .partition_key = {PartitionKey::Kind::field, "/id"}});
  RecordBlock block;
  const PaddedBytes bytes("{\"id\":\"x\"}\nno\n{\"id\":5}\n");
  const Chunk chunk{.bytes = bytes.view()};
  for (int run = 1; run <= 2; ++run) {  // a block is used again and again
    program.run(chunk, block);
    REQUIRE(block.key.size() == 3);
    CHECK(block.key[0] == "x");
    CHECK(block.key[1].empty());
    CHECK(block.key[2] == "5");
    CHECK(program.counters().keys_missing.value() == static_cast<std::uint64_t>(run));
  }
}

TEST_CASE("program: empty records are kept, or left out and counted", "[pipeline][program]") {
  const PaddedBytes bytes("\n\r\na\n\n\r\r\nb\n \n\n");
  const Chunk chunk{.bytes = bytes.view()};
  RecordBlock block;
  Program keeping({});
  keeping.run(chunk, block);
  CHECK(block.size() == 8);
  CHECK(keeping.counters().lines_skipped_empty.value() == 0);
  Program skipping({.framer = {}, .partition_key = {}, .empty_lines = pipeline::EmptyLines::skip});
  for (std::uint64_t run = 1; run <= 2; ++run) {
    skipping.run(chunk, block);
    REQUIRE(block.size() == 4);
    CHECK(block.data[0] == "a");
    CHECK(block.offset[0] == 3);
    CHECK(block.data[1] == "\r");
    CHECK(block.data[2] == "b");
    CHECK(block.data[3] == " ");
    CHECK(block.offset[3] == 11);
    CHECK(block.consumed == bytes.view().size());
    CHECK(skipping.counters().lines_skipped_empty.value() == 4 * run);
    CHECK(skipping.counters().records.value() == 4 * run);
  }
}

TEST_CASE("program: leaving out empty records leaves rejected ones rejected",
          "[pipeline][program]") {
  const PaddedBytes bytes("\nabc\n\nx\nlonger\n\n");
  RecordBlock block;
  Program program({.framer = {.line_bytes_max = 2, .long_lines = LongLines::reject},
                   .partition_key = {},
                   .empty_lines = pipeline::EmptyLines::skip});
  program.run({.bytes = bytes.view()}, block);
  REQUIRE(block.size() == 3);
  REQUIRE(block.reject.size() == 3);
  CHECK(block.reject[0] != 0);
  CHECK(block.reject[1] == 0);
  CHECK(block.reject[2] != 0);
  CHECK(program.counters().lines_skipped_empty.value() == 3);
}

TEST_CASE("program: an empty line inside a group is part of it", "[pipeline][program]") {
  const PaddedBytes bytes("\na\n\n b\n\n\nc\n");
  RecordBlock block;
  Program program({.framer = {},
                   .partition_key = {},
                   .groups = {.by = pipeline::GroupLines::follow, .pattern = "^$|^ "},
                   .empty_lines = pipeline::EmptyLines::skip});
  program.run({.bytes = bytes.view(), .last = true}, block);
  REQUIRE(block.size() == 2);
  CHECK(block.data[0] == "a\n\n b\n\n");
  CHECK(block.data[1] == "c");
  CHECK(program.counters().lines_skipped_empty.value() == 1);
}

TEST_CASE("program: counts what the framer did to long lines", "[pipeline][program]") {
  const PaddedBytes bytes("abcdef\nx\n");
  const Chunk chunk{.bytes = bytes.view()};
  RecordBlock block;
  Program splitting(
      {.framer = {.line_bytes_max = 2, .long_lines = LongLines::split}, .partition_key = {}});
  splitting.run(chunk, block);
  CHECK(splitting.counters().lines_split.value() == 2);
  CHECK(splitting.counters().records.value() == 4);
  Program truncating(
      {.framer = {.line_bytes_max = 2, .long_lines = LongLines::truncate}, .partition_key = {}});
  truncating.run(chunk, block);
  truncating.run_long_line(chunk, 100, block);
  CHECK(truncating.counters().lines_truncated.value() == 2);
  CHECK(truncating.counters().bytes_truncated.value() == 4 + 98);
  CHECK(truncating.counters().bytes.value() == 9 + 101);
  Program rejecting(
      {.framer = {.line_bytes_max = 2, .long_lines = LongLines::reject}, .partition_key = {}});
  rejecting.run(chunk, block);
  CHECK(rejecting.counters().lines_rejected.value() == 1);
  CHECK(rejecting.counters().bytes_truncated.value() == 4);
}
