#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "tests/tidy/rules.h"

namespace tidy {

namespace {

using namespace std::string_view_literals;

// room → the rooms below it. tests, bench and examples may include everything; nobody includes
// them.
const std::map<std::string_view, std::vector<std::string_view>>& rooms_below() {
  static const std::map<std::string_view, std::vector<std::string_view>> table = {
      {"base", {}},
      {"io", {"base"}},
      {"store", {"base", "io"}},
      {"pipeline", {"base"}},
      {"sources", {"base", "io", "pipeline", "store"}},
      {"sinks", {"base", "io", "pipeline", "store"}},
      {"config", {"base", "io", "pipeline", "store", "sources", "sinks"}},
      {"agent", {"base", "io", "pipeline", "store", "sources", "sinks", "config"}},
  };
  return table;
}

struct ThirdParty {
  std::string_view header;   // as it begins
  std::string_view allowed;  // the file, or the folder when it ends in '/'
};
constexpr std::array kThirdParty = {
    ThirdParty{"liburing", "io/uring_io.cc"},
    ThirdParty{"lz4", "store/block.cc"},
    ThirdParty{"concurrentqueue", "pipeline/batch_queue.h"},
    ThirdParty{"simdjson", "pipeline/key_reader.cc"},
    ThirdParty{"re2", "pipeline/line_pattern.cc"},
    ThirdParty{"simdjson", "agent/foreign/json_tree.cc"},
    ThirdParty{"openssl/", "agent/foreign/fingerprints.cc"},
    ThirdParty{"xxhash", "agent/foreign/fingerprints.cc"},
    ThirdParty{"sqlite3", "agent/foreign/sqlite_table.cc"},
    ThirdParty{"yaml-cpp", "config/yaml.cc"},
    ThirdParty{"zlib", "sources/gzip_inflater.cc"},
    ThirdParty{"zstd", "sources/zstd_inflater.cc"},
    ThirdParty{"CLI/", "agent/"},
    ThirdParty{"fmt/", "agent/"},
    ThirdParty{"catch2", "tests/test.h"},
};

// Headers that bring the outside world. io/ has them all.
constexpr std::array kOutside = {"arpa/"sv,      "condition_variable"sv,
                                 "dirent.h"sv,   "fcntl.h"sv,
                                 "filesystem"sv, "fstream"sv,
                                 "future"sv,     "iostream"sv,
                                 "linux/"sv,     "netdb.h"sv,
                                 "netinet/"sv,   "poll.h"sv,
                                 "pthread"sv,    "random"sv,
                                 "sched.h"sv,    "semaphore"sv,
                                 "signal.h"sv,   "csignal"sv,
                                 "spawn.h"sv,    "stdio.h"sv,
                                 "cstdio"sv,     "sys/"sv,
                                 "termios.h"sv,  "thread"sv,
                                 "time.h"sv,     "ctime"sv,
                                 "unistd.h"sv};

struct Exception {
  std::string_view file, header, why;
};
constexpr std::array kOutsideExceptions = {
    Exception{"agent/", "cstdio", "commands and reports print"},
    Exception{"agent/commands/", "unistd.h", "isatty: is there a person looking?"},
    Exception{"agent/commands/tail.cc", "filesystem",
              "a path from the command line becomes absolute"},
    Exception{"agent/commands/typed.cc", "filesystem",
              "a path from the command line becomes absolute"},
    Exception{"agent/commands/stream_put.cc", "iostream", "reads records from standard input"},
    Exception{"agent/descriptor_limit.cc", "sys/resource.h", "raises the limit of open files"},
    Exception{"agent/output.cc", "csignal", "a closed pipe is an error, not the end"},
    Exception{"agent/stream_follower.cc", "csignal", "Ctrl-C ends --follow cleanly"},
    Exception{"agent/runner.cc", "thread", "makes the reactors' threads"},
    Exception{"agent/signals.cc", "csignal", "SIGTERM and SIGINT"},
    Exception{"agent/signals.cc", "unistd.h", "_exit on the second signal"},
    Exception{"base/crc32c.cc", "sys/auxv.h", "asks which instructions the processor has"},
    Exception{"base/assert.cc", "cstdio", "last words on standard error"},
    Exception{"base/log.cc", "cstdio", "standard error is where the log goes"},
    Exception{"base/log.cc", "ctime", "gmtime_r: pure arithmetic on a time it is given"},
};

bool covers(std::string_view place, std::string_view path) {
  return place.ends_with('/') ? path.starts_with(place) : path == place;
}

bool excepted(std::string_view path, std::string_view header) {
  return std::ranges::any_of(kOutsideExceptions, [&](const Exception& exception) {
    return covers(exception.file, path) && header == exception.header;
  });
}

bool brings_outside(std::string_view header) {
  return std::ranges::any_of(kOutside, [&](std::string_view one) {
    return one.ends_with('/') ? header.starts_with(one) : header == one;
  });
}

class IncludeRule {
 public:
  IncludeRule(const SourceText& source, Violations& violations)
      : source_(source), violations_(violations), room_(room_of(source.path)) {}

  void ours(std::size_t line, const std::string& target) {
    const std::string other = room_of(target);
    const bool free = !rooms_below().contains(room_);
    if (!rooms_below().contains(other)) {
      if (free && !other.empty()) return;
      add(line, "\"" + target + "\" is no path from the root into a room");
      return;
    }
    if (free || other == room_) return;
    const auto& below = rooms_below().at(room_);
    if (std::ranges::find(below, other) == below.end()) {
      add(line, room_ + " must not include " + other + " (\"" + target + "\"): arrows point down");
    }
  }

  void theirs(std::size_t line, const std::string& target) {
    std::string homes;  // a library may have two: one for the data's way, one for small documents
    for (const ThirdParty& library : kThirdParty) {
      if (!target.starts_with(library.header)) continue;
      const bool measured = room_ == "bench" || (room_ == "tests" && library.header != "catch2");
      if (covers(library.allowed, source_.path) || measured) return;
      homes += (homes.empty() ? "" : " and ") + std::string(library.allowed);
    }
    if (!homes.empty()) {
      add(line, "<" + target + "> belongs in " + homes + " only");
      return;
    }
    if (!rooms_below().contains(room_) || room_ == "io" || !brings_outside(target)) return;
    if (excepted(source_.path, target)) return;
    add(line, "<" + target + "> reaches outside; only io/ may");
  }

 private:
  void add(std::size_t line, std::string message) {
    violations_.push_back({source_.path, line, std::move(message)});
  }

  const SourceText& source_;
  Violations& violations_;
  std::string room_;
};

}  // namespace

void check_includes(const SourceText& source, Violations& violations) {
  IncludeRule rule(source, violations);
  for (std::size_t i = 0; i < source.code.size(); ++i) {
    if (!is_directive(source.code[i])) continue;
    const std::string& line = source.lines[i];
    const std::size_t word = line.find("include");
    if (word == line.npos || line.find_first_not_of("# \t") != word) continue;
    const std::size_t open = line.find_first_of("\"<", word);
    if (open == line.npos) continue;
    const std::size_t close = line.find(line[open] == '<' ? '>' : '"', open + 1);
    if (close == line.npos) continue;
    const std::string target = line.substr(open + 1, close - open - 1);
    line[open] == '<' ? rule.theirs(i + 1, target) : rule.ours(i + 1, target);
  }
}

}  // namespace tidy
