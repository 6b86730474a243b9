// What is in log files on real hosts, written to real files under the built program: other
// delimiters, other encodings, empty lines, headers, files that are no text. Each on the ring, on
// epoll, and without notification.
#include <signal.h>
#include <sys/wait.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using process::Background;
using process::contains;
using process::count;
using process::LogPlace;
using Lines = std::vector<std::string>;

std::string each_backend() { return GENERATE("auto"s, "epoll"s, "poll"s); }

// `from`: more of the flow's `from`; `flow`: more of the flow.
LogPlace::Options with(const std::string& backend, const std::string& from,
                       const std::string& flow = "") {
  return {.backend = backend,
          .from_more = from.empty() ? "" : "      " + from + "\n",
          .flows_more = flow.empty() ? "" : "    " + flow + "\n"};
}

void kill_at_once(const Background& agent) { ::kill(agent.pid(), SIGKILL); }

// In pieces of `bytes`, each a write of its own.
void append_in_pieces(const LogPlace& place, const std::string& name, const std::string& text,
                      std::size_t bytes) {
  for (std::size_t at = 0; at < text.size(); at += bytes) {
    place.append(name, text.substr(at, bytes));
  }
}

// What copytruncate does to a file.
void copy_and_truncate(const LogPlace& place, const std::string& name) {
  fs::copy_file(place.path(name), place.path("copied"), fs::copy_options::overwrite_existing);
  fs::resize_file(place.path(name), 0);
}

std::string utf16(std::u16string_view text, bool big_endian) {
  std::string bytes;
  for (const char16_t unit : text) {
    const char high = static_cast<char>(unit >> 8);
    const char low = static_cast<char>(unit & 0xff);
    bytes += big_endian ? high : low;
    bytes += big_endian ? low : high;
  }
  return bytes;
}

}  // namespace

TEST_CASE("content: lines end at a delimiter of several bytes, cut at any of them (F41)",
          "[agent][process]") {
  const std::string backend = each_backend();
  const LogPlace place(with(backend, "", "delimiter: ABAB"));
  CAPTURE(backend);
  Lines lines = {"", "ABone", "A", "two A B ABA", "three\nin two"};
  std::string text = "ABAB";  // the first that can be is one: ABABABone is an empty line and ABone
  for (std::size_t i = 1; i < lines.size(); ++i) text += lines[i] + "ABAB";
  lines.back() = "three";  // as it is printed
  lines.push_back("in two");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::running(place));
    append_in_pieces(place, "logs/a.log", text + "kill", 3);
    REQUIRE(place.stores(lines));
    kill_at_once(agent);
  }
  append_in_pieces(place, "logs/a.log", "edABABrestA", 1);
  lines.emplace_back("killed");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    place.append("logs/a.log", "BAB");
    lines.emplace_back("rest");
    CHECK(place.stores(lines));
  }
}

TEST_CASE("content: NUL ends lines when it is the delimiter (F41)", "[agent][process]") {
  const std::string backend = each_backend();
  CAPTURE(backend);
  const LogPlace place(with(backend, "", "delimiter: \"\\0\""));
  Lines lines;
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    lines.push_back("entry " + std::to_string(i));
    text += lines.back() + '\0';
  }
  place.write("logs/a.log", text);
  const auto grow = [&](const std::string& line) {
    place.append("logs/a.log", line + '\0');
    lines.push_back(line);
  };
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    grow("grown");
    grow("");
    REQUIRE(place.stores(lines));
    fs::rename(place.path("logs/a.log"), place.path("logs/a.log.1"));
    grow("rotated");
    REQUIRE(place.stores(lines));
    kill_at_once(agent);
  }
  grow("after the kill");
  place.once();
  CHECK(place.stores(lines));
}

TEST_CASE("content: UTF-16 is stored as UTF-8, written in pieces of odd length (F44)",
          "[agent][process]") {
  const std::string backend = each_backend();
  const auto [encoding, mark, big] =
      GENERATE(table<std::string, bool, bool>({{"utf-16", true, false},
                                               {"utf-16", true, true},
                                               {"utf-16", false, false},
                                               {"utf-16le", true, false},
                                               {"utf-16be", false, true}}));
  CAPTURE(backend, encoding, mark, big);
  const LogPlace place(with(backend, "encoding: " + encoding));
  const Lines texts = {"plain", "gr\u00fc\u00dfe", "\u20ac", "\U0001F600 smiles", ""};
  const std::u16string raw = u"plain\ngr\u00fc\u00dfe\r\n\u20ac\n\U0001F600 smiles\n\n";
  Lines lines = texts;
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::running(place));
    append_in_pieces(place, "logs/a.log", (mark ? utf16(u"\ufeff", big) : "") + utf16(raw, big), 3);
    REQUIRE(place.stores(lines));
    const std::string more = utf16(raw, big);
    place.append("logs/a.log", more.substr(0, 13));  // within a character
    lines.emplace_back("plain");
    REQUIRE(place.stores(lines));
    kill_at_once(agent);
    place.append("logs/a.log", more.substr(13));
    lines.insert(lines.end(), texts.begin() + 1, texts.end());
  }
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    copy_and_truncate(place, "logs/a.log");
    append_in_pieces(place, "logs/a.log", (mark ? utf16(u"\ufeff", big) : "") + utf16(raw, big), 5);
    lines.insert(lines.end(), texts.begin(), texts.end());
    CHECK(place.stores(lines));
  }
}

TEST_CASE("content: empty lines are left out and counted, those of a CR alone too (F46)",
          "[agent][process]") {
  const std::string backend = each_backend();
  CAPTURE(backend);
  const LogPlace place(with(backend, "", "empty_lines: skip"));
  Lines lines = {"one", "two", " ", "three"};
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  append_in_pieces(place, "logs/a.log", "\n\r\none\r\n\r\n\n\ntwo\n \n\r\n", 2);
  place.append("logs/a.log", "\r");  // the end of the line is not there yet
  place.append("logs/a.log", "\nthree\n");
  REQUIRE(place.stores(lines));
  CHECK(process::counter(place, agent, "lines_skipped") == 7);
  place.append("logs/a.log", "\n\n\n");
  CHECK(process::eventually([&] { return process::counter(place, agent, "lines_skipped") == 10; }));
  CHECK(process::counter(place, agent, "records_unaccounted") == 0);
  CHECK(place.stores(lines));
}

TEST_CASE("content: without the option empty lines are records", "[agent][process]") {
  const std::string backend = each_backend();
  CAPTURE(backend);
  const LogPlace place(with(backend, ""));
  place.write("logs/a.log", "one\n\n\r\ntwo\n");
  const Background agent(place.command(), place.log_path());
  CHECK(place.stores({"one", "", "", "two"}));
}

TEST_CASE("content: a header is left out of every generation of a file (F50)", "[agent][process]") {
  const std::string backend = each_backend();
  CAPTURE(backend);
  const LogPlace place(with(backend, "skip_header: 2"));
  Lines lines = {"a 1"};
  const std::string header = "#Software: x\n#Fields: y\n";
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  append_in_pieces(place, "logs/a.log", header + "a 1\n", 5);
  REQUIRE(place.stores(lines));
  fs::rename(place.path("logs/a.log"), place.path("logs/a.log.1"));
  place.append("logs/a.log.1", "a 2, to the renamed\n");
  append_in_pieces(place, "logs/a.log", header + "b 1\n", 7);
  lines.insert(lines.end(), {"a 2, to the renamed", "b 1"});
  REQUIRE(place.stores(lines));
  copy_and_truncate(place, "logs/a.log");
  append_in_pieces(place, "logs/a.log", header + "c 1\n", 11);
  lines.emplace_back("c 1");
  REQUIRE(place.stores(lines));
  place.append("logs/a.log", "c 2\n");
  lines.emplace_back("c 2");
  CHECK(place.stores(lines));
  CHECK(process::counter(place, agent, "lines_skipped") == 6);
}

TEST_CASE("content: killed within a header, it is left out once and nothing else is (F50)",
          "[agent][process]") {
  const std::string backend = each_backend();
  // So much of the header, or of the first line, is there when the agent is killed.
  const std::size_t there = GENERATE(1U, 12U, 13U, 20U, 24U, 26U, 28U);
  CAPTURE(backend, there);
  const LogPlace place(with(backend, "skip_header: 2"));
  const std::string text = "#Software: x\n#Fields: y\na 1\na 2\n";
  place.write("logs/a.log", text.substr(0, there));
  place.write("logs/b.log", "1\n2\nseen\n");
  Lines lines = {"seen"};
  if (there == 28) lines.emplace_back("a 1");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    kill_at_once(agent);
  }
  place.append("logs/a.log", text.substr(there));
  lines = {"seen", "a 1", "a 2"};
  const Background agent(place.command(), place.log_path());
  CHECK(place.stores(lines));
}

TEST_CASE("content: lines that match begin and end every generation of a file (F50)",
          "[agent][process]") {
  const std::string backend = each_backend();
  CAPTURE(backend);
  const LogPlace place(with(backend, "skip_header_pattern: '^#'\n      footer_pattern: '^-- end'"));
  Lines lines = {"a 1", "# a 2"};
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::running(place));
    append_in_pieces(place, "logs/a.log", "#Software: x\n#\na 1\n# a 2\n-- end\nnot this\n", 5);
    REQUIRE(place.stores(lines));
    place.append("logs/a.log", "nor this\n");
    fs::rename(place.path("logs/a.log"), place.path("logs/a.log.1"));
    append_in_pieces(place, "logs/a.log", "# y\nb 1\n", 7);
    lines.emplace_back("b 1");
    REQUIRE(place.stores(lines));
    place.append("logs/a.log", "-- end\n");
    REQUIRE(process::eventually([&] { return process::counter(place, agent, "footers") == 2; }));
    CHECK(process::counter(place, agent, "lines_skipped") == 3);
    kill_at_once(agent);
  }
  place.append("logs/a.log", "behind\n");
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  REQUIRE(process::eventually(
      [&] { return process::counter(place, agent, "footer_bytes_skipped") > 0; }));
  copy_and_truncate(place, "logs/a.log");
  place.append("logs/a.log", "c 1\n");
  lines.emplace_back("c 1");
  CHECK(place.stores(lines));
  CHECK(process::counter(place, agent, "records_unaccounted") == 0);
}

TEST_CASE(
    "content: a file that is no text is set aside with one warning, until it is allowed (F51)",
    "[agent][process]") {
  const std::string backend = each_backend();
  CAPTURE(backend);
  const LogPlace place(with(backend, "allow_binary: false"));
  std::string binary;
  for (int i = 0; i < 1000; ++i) binary += static_cast<char>(1 + i % 8);
  Lines lines = {"text"};
  place.write("logs/core.log", binary + "\n");
  place.write("logs/a.log", "text\n");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    REQUIRE(process::eventually([&] { return contains(place.log(), "file is no text"); }));
    place.append("logs/core.log", binary + "\n");
    place.append("logs/a.log", "more text\n");
    lines.emplace_back("more text");
    REQUIRE(place.stores(lines));
    CHECK(process::counter(place, agent, "files_binary") == 1);
    CHECK(count(place.log(), "file is no text") == 1);
    // It becomes text.
    place.write("logs/core.log", "now it is text, and of some length, so that it can be judged\n");
    lines.emplace_back("now it is text, and of some length, so that it can be judged");
    REQUIRE(place.stores(lines));
    place.write("logs/other.log", binary + "\n");
    REQUIRE(process::eventually([&] { return count(place.log(), "file is no text") == 2; }));
    kill_at_once(agent);
  }
  std::string configuration = process::read_file(place.path("c.yaml"));
  configuration.replace(configuration.find("allow_binary: false"), 19, "allow_binary: true");
  place.write("c.yaml", configuration);
  lines.push_back(binary);
  const Background agent(place.command(), place.log_path());
  CHECK(place.stores(lines));
}
