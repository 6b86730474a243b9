// What is said about mistakes: mistakes.txt is the table, one case after another.
#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "tests/test.h"

namespace {

struct Case {
  std::size_t line = 0;  // in mistakes.txt
  std::string kind, text, expected;
};

std::vector<Case> read_cases() {
  std::ifstream file("tests/config/mistakes.txt");
  REQUIRE(file);
  std::vector<Case> cases;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.starts_with("%%")) continue;
    if (line.starts_with("== ")) {
      cases.push_back({number, line.substr(3), "", ""});
    } else if (line.starts_with("-- ")) {
      cases.back().expected += line.substr(3) + '\n';
    } else if (!cases.empty() && cases.back().expected.empty()) {
      cases.back().text += line + '\n';
    }
  }
  return cases;
}

// The case in its frame, so that only what it says is wrong.
std::string framed(const Case& c) {
  if (c.kind == "whole") return c.text;
  struct Frame {
    std::string_view kind, text;
  };
  static constexpr std::array<Frame, 6> kFrames = {{
      {"top", "data_dir: /d\nflows: { f: { from: { files: /a }, to: null } }\n"},
      {"stream",
       "data_dir: /d\nflows: { f: { from: { files: /a }, to: null } }\nstreams:\n  s:\n    "},
      {"flow", "data_dir: /d\nflows:\n  f:\n    from: { files: /a }\n    to: null\n    "},
      {"from", "data_dir: /d\nflows:\n  f:\n    to: null\n    from:\n      files: /a\n      "},
      {"files", "data_dir: /d\nflows:\n  f:\n    to: null\n    from:\n      files: "},
      {"to",
       "data_dir: /d\nstreams: { s: {} }\nflows:\n  f:\n    from: { files: /a.log }\n    to: "},
  }};
  const auto frame = std::ranges::find(kFrames, c.kind, &Frame::kind);
  REQUIRE(frame != kFrames.end());
  return std::string(frame->text) + c.text;
}

std::string said(const config::Loaded& loaded) {
  std::string out;
  for (const config::Mistake& mistake : loaded.mistakes) {
    out += std::to_string(mistake.place.line) + ':' + std::to_string(mistake.place.column) + ' ' +
           mistake.message + '\n';
  }
  return out.empty() ? "good\n" : out;
}

}  // namespace

TEST_CASE("mistakes: each is said at its place, with its token and a way out",
          "[config][mistakes]") {
  const std::vector<Case> cases = read_cases();
  CHECK(cases.size() >= 60);
  for (const Case& c : cases) {
    INFO("tests/config/mistakes.txt:" << c.line);
    CHECK(said(config::parse(framed(c), {})) == c.expected);
  }
}

TEST_CASE("mistakes: messages are one line of text without a full stop", "[config][mistakes]") {
  for (const Case& c : read_cases()) {
    INFO("tests/config/mistakes.txt:" << c.line);
    for (const config::Mistake& mistake : config::parse(framed(c), {}).mistakes) {
      CHECK(mistake.message.find('\n') == std::string::npos);
      CHECK_FALSE(mistake.message.ends_with('.'));
    }
  }
}

TEST_CASE("mistakes: are described with their source line and a caret", "[config][mistakes]") {
  const std::string text = "data_dir: /d\nreactors: many\nflows:\n\tf: {}\n";
  CHECK(config::describe({{{2, 11}, "one"}, {{4, 2}, "two"}, {{}, "three"}}, "/etc/t.yaml", text) ==
        "/etc/t.yaml:2:11: one\n"
        "    2 | reactors: many\n"
        "      |           ^\n"
        "/etc/t.yaml:4:2: two\n"
        "    4 | \tf: {}\n"
        "      | \t^\n"
        "/etc/t.yaml: three\n");
  CHECK(config::describe({}, "t", text).empty());
}

TEST_CASE("mistakes: a place beyond the text is shown as far as there is text",
          "[config][mistakes]") {
  CHECK(config::describe({{{1, 99}, "x"}}, "t", "ab") == "t:1:99: x\n    1 | ab\n      |   ^\n");
  CHECK(config::describe({{{9, 1}, "x"}}, "t", "ab") == "t:9:1: x\n    9 | \n      | ^\n");
  CHECK(config::describe({{{1, 0}, "x"}}, "t", "") == "t:1:0: x\n    1 | \n      | ^\n");
  CHECK(config::describe({{{123456, 1}, "x"}}, "t", "") ==
        "t:123456:1: x\n123456 | \n       | ^\n");
}

TEST_CASE("mistakes: nothing of the source reaches a terminal raw", "[config][mistakes]") {
  CHECK(config::describe({{{1, 3}, "x"}}, "t", "\x1b[31m\x07\x7f") ==
        "t:1:3: x\n    1 | ?[31m??\n      |   ^\n");
}

TEST_CASE("mistakes: the caret counts characters and long lines are cut around it",
          "[config][mistakes]") {
  CHECK(config::describe({{{1, 8}, "x"}}, "t", "k: é\u20ac1") ==
        "t:1:8: x\n    1 | k: é\u20ac1\n      |      ^\n");
  const std::string line = std::string(300, 'a') + "B" + std::string(300, 'c');
  const std::string shown = config::describe({{{1, 301}, "x"}}, "t", line);
  CHECK(shown == "t:1:301: x\n    1 | " + std::string(100, 'a') + "B" + std::string(19, 'c') +
                     "\n      | " + std::string(100, ' ') + "^\n");
}

TEST_CASE("mistakes: come in the file's order, each once", "[config][mistakes]") {
  config::Mistakes mistakes;
  mistakes.add({2, 5}, "b");
  mistakes.add({2, 1}, "a");
  mistakes.add({2, 5}, "b");
  mistakes.add({2, 5}, "c");
  mistakes.add({}, "whole");
  mistakes.settle({3, 3});
  mistakes.add({3, 3}, "said already");
  const std::vector<config::Mistake> all = mistakes.take();
  REQUIRE(all.size() == 4);
  CHECK(all[0].message == "whole");
  CHECK(all[1].message == "a");
  CHECK(all[2].message == "b");
  CHECK(all[3].message == "c");
  CHECK(mistakes.empty());
}

TEST_CASE("mistakes: an alias is wrong once, however often it is used", "[config][mistakes]") {
  const config::Loaded loaded = config::parse(
      "data_dir: /d\nstreams: { a: &o { shards: 0 }, b: *o, c: *o }\n"
      "flows: { f: { from: { files: /a }, to: null } }\n",
      {});
  REQUIRE(loaded.mistakes.size() == 1);
  CHECK(loaded.mistakes[0].place == config::Place{2, 28});
}
