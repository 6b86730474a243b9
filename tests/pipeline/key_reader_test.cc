#include "pipeline/key_reader.h"

#include <string>
#include <utility>
#include <vector>

#include "pipeline/framer.h"
#include "tests/pipeline/chunks.h"
#include "tests/test.h"

using pipeline::KeyReader;
using pipeline::RecordBlock;
using pipeline_test::PaddedBytes;

namespace {

struct Read {
  std::vector<std::string> keys;
  std::uint64_t missing = 0;
};

Read read_with(KeyReader& reader, const std::string& text, std::size_t line_bytes_max = 1 << 20) {
  const PaddedBytes bytes(text);
  const pipeline::NewlineFramer framer(
      {.line_bytes_max = line_bytes_max, .long_lines = pipeline::LongLines::reject});
  const pipeline::Chunk chunk{.bytes = bytes.view(), .last = true};
  pipeline::FramerCounters counters;
  RecordBlock block;
  framer.split(chunk, block, counters);
  Read result;
  result.missing = reader.read(block);
  for (const std::string_view key : block.key) result.keys.emplace_back(key);
  return result;
}

std::vector<std::string> read(std::string_view pointer, const std::string& text) {
  KeyReader reader(pointer);
  return read_with(reader, text).keys;
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_CASE("key reader: strings, numbers and booleans", "[pipeline][key_reader]") {
  CHECK(read("/k", R"({"k":"v"})") == Keys{"v"});
  CHECK(read("/k", R"({"a":1, "k" : "two words" , "b":[]})") == Keys{"two words"});
  CHECK(read("/k", R"({"k":12.50e3})") == Keys{"12.50e3"});
  CHECK(read("/k", R"({"k": -7 })") == Keys{"-7"});
  CHECK(read("/k", R"({"k":true})") == Keys{"true"});
  CHECK(read("/k", R"({"k" : false , "l":1})") == Keys{"false"});
}

TEST_CASE("key reader: strings are unescaped", "[pipeline][key_reader]") {
  CHECK(read("/k", R"({"k":"a\"b\\c\/d\u00e9\ud83d\ude00\n"})") ==
        Keys{"a\"b\\c/d\u00e9\U0001F600\n"});
  const std::string two = "{\"k\":\"\\u0041\"}\n{\"k\":\"plain\"}\n{\"k\":\"\\u0042\\u0043\"}\n";
  CHECK(read("/k", two) == Keys{"A", "plain", "BC"});  // earlier ones survive later ones
}

TEST_CASE("key reader: what is no key is counted as missing", "[pipeline][key_reader]") {
  KeyReader reader("/k");
  for (const std::string text : {"\n",
                                 "not json\n",
                                 "{\n",
                                 "{}\n",
                                 R"({"other":1})"
                                 "\n",
                                 R"({"k":null})"
                                 "\n",
                                 R"({"k":{}})"
                                 "\n",
                                 R"({"k":["x"]})"
                                 "\n",
                                 R"({"k":""})"
                                 "\n",
                                 R"({"k":"open)"
                                 "\n",
                                 R"({"k":"bad \x"})"
                                 "\n",
                                 "[1,2]\n",
                                 "7\n",
                                 "\"k\"\n",
                                 "{\"k\":\"a\x01z\"}\n",
                                 "{\"k\":\"\xff\"}\n",
                                 "   \n",
                                 R"({"k":})"
                                 "\n",
                                 R"({"k")"
                                 "\n",
                                 R"({"k":nope})"
                                 "\n"}) {
    CAPTURE(text);
    const Read result = read_with(reader, text);
    CHECK(result.keys == Keys{""});
    CHECK(result.missing == 1);
  }
  // A bad line harms no other.
  const Read result = read_with(reader, "{\"k\":\"a\"}\n{{{\n{\"k\":\"b\"}\n");
  CHECK(result.keys == Keys{"a", "", "b"});
  CHECK(result.missing == 1);
}

TEST_CASE("key reader: pointers lead into objects and arrays", "[pipeline][key_reader]") {
  CHECK(read("/a/b/1/c", R"({"x":{"b":0},"a":{"z":[],"b":[{"c":0},{"c":"here"}]}})") ==
        Keys{"here"});
  CHECK(read("/1", R"(["zero","one"])") == Keys{"one"});
  CHECK(read("/0", R"({"0":"a field"})") == Keys{"a field"});
  CHECK(read("/2", R"(["zero","one"])") == Keys{""});
  CHECK(read("/01", R"(["zero","one"])") == Keys{""});  // no index, RFC 6901, 4
  CHECK(read("/a~1b/m~0n", R"({"a/b":{"m~n":"escaped"}})") == Keys{"escaped"});
  CHECK(read("/", R"({"":"empty name"})") == Keys{"empty name"});
  CHECK(read("/a/b", R"({"a":"no object"})") == Keys{""});
}

TEST_CASE("key reader: of equal names the first counts", "[pipeline][key_reader]") {
  CHECK(read("/k", R"({"k":"first","k":"second"})") == Keys{"first"});
}

TEST_CASE("key reader: rejected lines have no key and are not counted", "[pipeline][key_reader]") {
  KeyReader reader("/k");
  const Read result = read_with(reader, "{\"k\":\"a\"}\n{\"k\":\"long enough to reject\"}\n", 12);
  CHECK(result.keys == Keys{"a", ""});
  CHECK(result.missing == 0);
}

TEST_CASE("key reader: lines of any length, longest first and last", "[pipeline][key_reader]") {
  KeyReader reader("/k");
  for (const std::size_t size : {1U, 63U, 64U, 65U, 4095U, 4096U, 4097U, 300'000U, 10U}) {
    const std::string value(size, 'v');
    const Read result = read_with(reader, "{\"pad\":\"" + value + "\",\"k\":\"" + value + "\"}");
    CHECK(result.keys == Keys{value});
  }
}

TEST_CASE("key reader: every cut of a line is a line without a key, or has the same",
          "[pipeline][key_reader]") {
  KeyReader reader("/k/0");
  const std::string line = R"({"a":"\"}","k":["v\u0041lue",2]})";
  for (std::size_t cut = 0; cut < line.size(); ++cut) {
    CAPTURE(cut);
    const Read result = read_with(reader, line.substr(0, cut) + "\n");
    CHECK((result.keys == Keys{""} || result.keys == Keys{"vAlue"}));
  }
  CHECK(read_with(reader, line).keys == Keys{"vAlue"});
}
