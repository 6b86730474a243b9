#include "base/log.h"

#include <string>
#include <thread>
#include <vector>

#include "tests/test.h"

using base::Log;
using base::LogLevel;

namespace {

constexpr std::int64_t kMinute = 60'000'000;

struct Captured {
  std::vector<std::string> lines;
  std::vector<LogLevel> levels;
  std::int64_t now = 29'000'000 * kMinute + 5'123'456;  // in a minute's middle

  Log::Output output() {
    return {this,
            [](void* self, LogLevel level, std::string_view line) {
              static_cast<Captured*>(self)->lines.emplace_back(line);
              static_cast<Captured*>(self)->levels.push_back(level);
            },
            [](void* self) { return static_cast<Captured*>(self)->now; }};
  }
};

std::string value_of(const std::string& text) {
  Captured captured;
  Log log(captured.output());
  log.info("m", {{"k", text}});
  const std::string& line = captured.lines.at(0);
  const std::size_t at = line.find(" k=") + 3;
  return line.substr(at, line.size() - at - 1);
}

}  // namespace

TEST_CASE("log: one line with time, level, message and fields", "[base][log]") {
  Captured captured;
  captured.now = 1'763'708'645'123'456;
  Log log(captured.output());
  log.warn("file unreadable", {{"path", "/var/log/x"}, {"error", "Permission denied"}});
  REQUIRE(captured.lines.size() == 1);
  CHECK(captured.lines[0] ==
        "2025-11-21T07:04:05.123Z warn  file unreadable path=/var/log/x error=\"Permission "
        "denied\"\n");
  CHECK(captured.levels[0] == LogLevel::warn);
}

TEST_CASE("log: values are quoted when a reader could misread them", "[base][log]") {
  CHECK(value_of("plain") == "plain");
  CHECK(value_of("/a/b-c_d.e:f,g") == "/a/b-c_d.e:f,g");
  CHECK(value_of("") == "\"\"");
  CHECK(value_of("two words") == "\"two words\"");
  CHECK(value_of("a=b") == "\"a=b\"");
  CHECK(value_of("say \"x\"") == "\"say \\\"x\\\"\"");
  CHECK(value_of("back\\slash") == "\"back\\\\slash\"");
  CHECK(value_of("line\nbreak") == "\"line\\x0abreak\"");
  CHECK(value_of("\x7f\x1b[1m") == "\"\\x7f\\x1b[1m\"");
  CHECK(value_of(std::string("\0", 1)) == "\"\\x00\"");
  CHECK(value_of("h\u00e9") == "h\u00e9");
}

TEST_CASE("log: levels below the least are not written", "[base][log]") {
  Captured captured;
  Log log(captured.output(), LogLevel::warn);
  log.debug("d");
  log.info("i");
  log.warn("w");
  log.error("e");
  CHECK(captured.levels == std::vector<LogLevel>{LogLevel::warn, LogLevel::error});
}

TEST_CASE("log: a message that repeats is held back and counted, per minute", "[base][log]") {
  Captured captured;
  Log log(captured.output());
  for (std::uint32_t i = 0; i < Log::kLinesPerMinute + 7; ++i) log.info("again");
  CHECK(captured.lines.size() == Log::kLinesPerMinute);
  log.info("another");  // has its own allowance
  CHECK(captured.lines.size() == Log::kLinesPerMinute + 1);
  CHECK(captured.lines.back().find("suppressed") == std::string::npos);

  captured.now += kMinute;
  log.info("again");
  CHECK(captured.lines.back().ends_with("again suppressed=7\n"));
  log.info("again");  // said once
  CHECK(captured.lines.back().ends_with("again\n"));
}

TEST_CASE("log: what somebody asked for is never held back", "[base][log]") {
  Captured captured;
  Log log(captured.output(), LogLevel::warn);
  for (int i = 0; i < 500; ++i) log.answer("counter", {{"value", std::to_string(i)}});
  REQUIRE(captured.lines.size() == 500);
  CHECK(captured.lines.back().ends_with("counter value=499\n"));
}

TEST_CASE("log: without an output nothing happens", "[base][log]") {
  Log log({});
  log.error("lost");
  SUCCEED();
}

TEST_CASE("log: lines of several threads stay whole", "[base][log]") {
  Captured captured;
  Log log(captured.output());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&log, i] {
      for (int j = 0; j < 50; ++j)
        log.info("message " + std::to_string(i), {{"n", std::to_string(j)}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(captured.lines.size() == 200);
  for (const std::string& line : captured.lines) CHECK(line.ends_with("\n"));
}
