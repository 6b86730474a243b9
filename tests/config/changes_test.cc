#include "config/changes.h"

#include <string>
#include <vector>

#include "config/load.h"
#include "tests/test.h"

namespace {

using Names = std::vector<std::string>;

std::string text(const std::string& flows, const std::string& top = "",
                 const std::string& stream = "{ shards: 2 }") {
  return "data_dir: /d\n" + top + "streams: { s: " + stream + " }\nflows:\n" + flows;
}

config::Config parsed(const std::string& text) {
  const config::Loaded loaded = config::parse(text, {});
  CAPTURE(text, config::describe(loaded.mistakes, "t", loaded.text));
  CHECK(loaded.mistakes.empty());
  return loaded.config;
}

const std::string kA = "  a: { from: { files: /a.log }, to: { stream: s } }\n";
const std::string kB = "  b: { from: { files: /b.log }, to: { stream: s } }\n";

config::Changes between(const std::string& before, const std::string& after) {
  return config::changes(parsed(before), parsed(after));
}

}  // namespace

TEST_CASE("changes: a flow comes, goes, or is another in any key", "[config][changes]") {
  CHECK(between(text(kA), text(kA + kB)).added == Names{"b"});
  CHECK(between(text(kA + kB), text(kB)).removed == Names{"a"});
  for (const std::string from :
       {"from: { files: /c.log }", "from: { files: /a.log, start: beginning }",
        "from: { files: /a.log, rotate_wait: 1s }", "max_line: 1KiB, from: { files: /a.log }",
        "multiline: indented, from: { files: /a.log }",
        "empty_lines: skip, from: { files: /a.log }",
        "partition_key: { constant: x }, from: { files: /a.log }"}) {
    CAPTURE(from);
    const config::Changes changes =
        between(text(kA + kB), text("  a: { " + from + ", to: { stream: s } }\n" + kB));
    CHECK(changes.changed == Names{"a"});
    CHECK((changes.added.empty() && changes.removed.empty() && changes.refused.empty()));
  }
  for (const std::string to : {"null", "{ stream: s, flush: { age: 2s } }", "{ file: /f }"}) {
    CAPTURE(to);
    CHECK(between(text(kA), text("  a: { from: { files: /a.log }, to: " + to + " }\n")).changed ==
          Names{"a"});
  }
}

TEST_CASE("changes: where and in which order it is written is no change", "[config][changes]") {
  const config::Changes changes = between(text(kA + kB), text("\n# moved\n" + kB + kA));
  CHECK((changes.added.empty() && changes.removed.empty() && changes.changed.empty()));
  CHECK(changes.refused.empty());
  CHECK(between(text(kA), text(kA, "memory: 64MiB\nshutdown_grace: 1s\nmax_open_files: 9\n"))
            .refused.empty());
}

TEST_CASE("changes: what needs a restart is refused, by its key and at its place",
          "[config][changes]") {
  struct Case {
    std::string before, after, message;
    std::uint32_t line;
  };
  const std::string pipe = "  p: { from: { fifo: /p }, to: { stream: s } }\n";
  const std::string screen = "  p: { from: { files: /p }, to: stdout }\n";
  const std::string piped = "  p: { from: { files: \"-\" }, to: { stream: s } }\n";
  const std::vector<Case> cases = {
      {text(kA), text(kA, "reactors: 3\n"), "reactors cannot be changed", 2},
      {text(kA), text(kA, "io: epoll\n"), "io cannot be changed", 2},
      {text(kA), "data_dir: /e" + text(kA).substr(12), "data_dir cannot be changed", 1},
      {text(kA, "reactors: 3\n"), text(kA), "reactors cannot be changed", 0},
      {text(kA), text(kA, "", "{ shards: 3 }"), "shards of stream 's' cannot", 2},
      {text(kA), text(kA, "", "{ shards: 2, retention: 1h, sync: os }"),
       "retention, sync of stream 's' cannot", 2},
      {text(kA + pipe), text(kA), "flow 'p' reads a FIFO and cannot be removed", 0},
      {text(kA), text(kA + pipe), "flow 'p' reads a FIFO and cannot be added", 5},
      {text(kA + screen), text(kA), "writes to standard output and cannot be removed", 0},
      {text(kA + screen), text(kA + piped), "writes to standard output and cannot be changed", 5},
      {text(kA + kB), text(kA + "  b: { from: { files: \"-\" }, to: { stream: s } }\n"),
       "flow 'b' reads standard input and cannot be changed", 5},
  };
  for (const Case& each : cases) {
    CAPTURE(each.before, each.after);
    const config::Changes changes = between(each.before, each.after);
    REQUIRE(changes.refused.size() == 1);
    CAPTURE(changes.refused.front().message);
    CHECK(changes.refused.front().message.find(each.message) != std::string::npos);
    CHECK(changes.refused.front().message.find("restart") != std::string::npos);
    CHECK(changes.refused.front().place.line == each.line);
  }
}

TEST_CASE("changes: a stream may come, and one that is left out stays open", "[config][changes]") {
  const config::Changes changes =
      between(text(kA), "data_dir: /d\nstreams: { s: { shards: 2 }, t: }\nflows:\n" + kA);
  CHECK(changes.added_streams == Names{"t"});
  CHECK(changes.refused.empty());
  CHECK(between("data_dir: /d\nstreams: { s: { shards: 2 }, t: }\nflows:\n" + kA, text(kA))
            .refused.empty());
}
