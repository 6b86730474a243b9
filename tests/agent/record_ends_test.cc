// Where records end in real files under the built program: unfinished lines, carriage returns,
// lines that belong together; over stops, kills and rotations. Each on the ring, on epoll, and
// without notification.
#include <signal.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace std::string_literals;
using process::Background;
using process::LogPlace;
using Lines = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

std::string each_backend() { return GENERATE("auto"s, "epoll"s, "poll"s); }

// `from`: more of the flow's `from`; `flow`: more of the flow.
LogPlace::Options with(const std::string& backend, const std::string& from,
                       const std::string& flow = "") {
  return {.backend = backend,
          .from_more = from.empty() ? "" : "      " + from + "\n",
          .flows_more = flow.empty() ? "" : "    " + flow + "\n"};
}

void end(const Background& agent, bool killed) {
  if (killed) ::kill(agent.pid(), SIGKILL);
}

// What is stored, record by record, in order; newlines within records as "|".
Lines records(const LogPlace& place) {
  Lines all;
  std::istringstream in(place.ask("stream get s").out);
  for (std::string line; std::getline(in, line);) {
    const std::size_t time = line.find("  ");
    const std::size_t number = line.find("  ", time + 2);
    if (number == std::string::npos) continue;  // no record
    line.erase(0, number + 2);
    for (std::size_t at; (at = line.find("\\x0a")) != std::string::npos;) line.replace(at, 4, "|");
    all.push_back(line);
  }
  return all;
}

bool becomes(const LogPlace& place, const Lines& wanted) {
  const bool good = process::eventually([&] { return records(place) == wanted; });
  if (!good) {
    std::string there;
    for (const std::string& each : records(place)) there += "'" + each + "' ";
    UNSCOPED_INFO("there is: " << there << "; the agent said:\n" << place.log());
  }
  return good;
}

}  // namespace

TEST_CASE("record ends: half a line at the end of a life is a whole line in the next (F39)",
          "[agent][process]") {
  const std::string backend = each_backend();
  const bool killed = GENERATE(false, true);
  CAPTURE(backend, killed);
  const LogPlace place(with(backend, ""));
  place.append("logs/a.log", "one\nhal");
  Lines lines = {"one"};
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(becomes(place, lines));
    place.append("logs/a.log", "f a ");
    place.append("logs/b.log", "seen\n");
    lines.emplace_back("seen");
    REQUIRE(becomes(place, lines));
    end(agent, killed);
  }
  place.append("logs/a.log", "line\n");
  lines.emplace_back("half a line");
  const Background agent(place.command(), place.log_path());
  CHECK(becomes(place, lines));
}

TEST_CASE("record ends: an unfinished line waits for its end, or for its time (F37)",
          "[agent][process]") {
  const std::string backend = each_backend();
  const bool timed = GENERATE(false, true);
  CAPTURE(backend, timed);
  const LogPlace place(with(backend, timed ? "partial_line_timeout: 1s" : ""));
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  const Clock::time_point written = Clock::now();
  place.append("logs/a.log", "ab");
  if (timed) {
    REQUIRE(becomes(place, {"ab"}));
    CHECK(Clock::now() - written >= 1s);
  } else {
    place.append("logs/b.log", "seen\n");
    REQUIRE(becomes(place, {"seen"}));
  }
  place.append("logs/a.log", "cd\n");
  CHECK(becomes(place, timed ? Lines{"ab", "cd"} : Lines{"seen", "abcd"}));
}

TEST_CASE("record ends: the unfinished line of a file without its name is taken in the end (F38)",
          "[agent][process]") {
  const std::string backend = each_backend();
  const bool deleted = GENERATE(false, true);
  CAPTURE(backend, deleted);
  const LogPlace place(with(backend, "rotate_wait: 1s"));
  place.append("logs/a.log", "one\nla");
  const Background agent(place.command(), place.log_path());
  REQUIRE(becomes(place, {"one"}));
  place.append("logs/a.log", "st");
  const Clock::time_point gone = Clock::now();
  if (deleted) {
    fs::remove(place.path("logs/a.log"));
  } else {
    fs::rename(place.path("logs/a.log"), place.path("logs/a.1"));
  }
  place.append("logs/a.log", "two\n");
  // The new file does not wait for it: who writes may end it yet.
  REQUIRE(becomes(place, {"one", "two", "last"}));
  CHECK(Clock::now() - gone >= 1s);
}

TEST_CASE("record ends: a CR before the newline is none of the line's, however it is cut (F40)",
          "[agent][process]") {
  const std::string backend = each_backend();
  const std::size_t piece = GENERATE(range(std::size_t{1}, std::size_t{8}));
  CAPTURE(backend, piece);
  const LogPlace place(with(backend, ""));
  const std::string text = "one\r\n\rtwo\r\r\nthr\ree\n\r\nfour\r\n";
  Lines lines = {"one", "\\x0dtwo\\x0d", "thr\\x0dee", "", "four"};
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::running(place));
    for (std::size_t at = 0; at < text.size(); at += piece) {
      place.append("logs/a.log", text.substr(at, piece));
    }
    REQUIRE(becomes(place, lines));
    place.append("logs/a.log", "killed between\r");
    end(agent, true);
  }
  place.append("logs/a.log", "\n");
  lines.emplace_back("killed between");
  const Background agent(place.command(), place.log_path());
  CHECK(becomes(place, lines));
}

TEST_CASE("record ends: lines of two files that are written in turn belong to their own (F47)",
          "[agent][process]") {
  const std::string backend = each_backend();
  CAPTURE(backend);
  const LogPlace place(with(backend, "", "multiline: { preset: java, timeout: 1s }"));
  const Lines trace = {"Exception in thread main java.lang.Error: no",
                       "\tat com.example.A.b(A.java:1)", "Caused by: java.lang.Error: why",
                       "\t... 3 more"};
  std::string group;
  const Background agent(place.command(), place.log_path());
  REQUIRE(process::running(place));
  for (const std::string& line : trace) {
    place.append("logs/a.log", line + "\n");
    place.append("logs/b.log", line + "\n");
    group += (group.empty() ? "" : "|") + line;
  }
  const Clock::time_point written = Clock::now();
  Lines lines = {group, group};
  REQUIRE(becomes(place, lines));          // by time: no line follows
  CHECK(Clock::now() - written >= 900ms);  // the last of them was read a little earlier
  place.append("logs/a.log", trace[0] + "\n" + trace[1] + "\nplain\nplain, too\n");
  lines.insert(lines.end(), {trace[0] + "|" + trace[1], "plain", "plain, too"});
  CHECK(becomes(place, lines));
}

TEST_CASE("record ends: an open group is whole after a kill and over a rotation (F47)",
          "[agent][process]") {
  const std::string backend = each_backend();
  const bool killed = GENERATE(false, true);
  CAPTURE(backend, killed);
  const LogPlace place(
      with(backend, "rotate_wait: 1s", "multiline: { start: '^\\d', timeout: 1h }"));
  place.append("logs/a.log", "0 before\n1 first\n more");
  Lines lines = {"0 before"};
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(becomes(place, lines));
    place.append("logs/a.log", "\n");
    place.append("logs/b.log", "5 seen\n6 open\n");
    lines.emplace_back("5 seen");
    REQUIRE(becomes(place, lines));
    // A stop takes nothing before its time, neither does a kill.
    end(agent, killed);
  }
  place.append("logs/a.log", " and more\n2 second\n its end\n");
  lines.emplace_back("1 first| more| and more");
  const Background agent(place.command(), place.log_path());
  REQUIRE(becomes(place, lines));
  // The new file's lines are no part of the old one's group, which ends first.
  fs::rename(place.path("logs/a.log"), place.path("logs/a.1"));
  place.append("logs/a.log", " of nobody\n3 third\n4 fourth\n");
  lines.insert(lines.end(), {"2 second| its end", " of nobody", "3 third"});
  CHECK(becomes(place, lines));
}
