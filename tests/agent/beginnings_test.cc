// Where reading begins, in real files under the built program: `start` at the first start and at
// later ones, files that come later, files too old to be opened. Each on the ring, on epoll, and
// without notification.
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace std::string_literals;
using process::Background;
using process::contains;
using process::LogPlace;
using Lines = std::vector<std::string>;

std::string each_backend() { return GENERATE("auto"s, "epoll"s, "poll"s); }

void begin_at(const LogPlace& place, const std::string& start) {
  std::string config = process::read_file(place.path("c.yaml"));
  const std::size_t at = config.find("start: ");
  REQUIRE(at != std::string::npos);
  config.replace(at, config.find('\n', at) - at, "start: " + start);
  place.write("c.yaml", config);
}

void age(const std::string& path, std::chrono::hours by) {
  fs::last_write_time(path, fs::last_write_time(path) - by);
}

}  // namespace

TEST_CASE("beginnings: start is for what is there at the first start, and never again (F34)",
          "[agent][process]") {
  const std::string backend = each_backend();
  const std::string first = GENERATE("beginning"s, "end"s);
  const std::string later = GENERATE("beginning"s, "end"s);
  const bool killed = GENERATE(false, true);
  CAPTURE(backend, first, later, killed);
  const LogPlace place({.backend = backend});
  begin_at(place, first);
  place.append("logs/there.log", "there 1\n");
  Lines lines;
  if (first == "beginning") lines.emplace_back("there 1");
  const auto grow = [&](const std::string& name, const std::string& line) {
    place.append("logs/" + name, line + "\n");
    lines.push_back(line);
  };
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(process::running(place));
    grow("there.log", "there 2");
    grow("comes.log", "comes 1");  // while it runs: from its beginning
    REQUIRE(place.stores(lines));
    if (killed) ::kill(agent.pid(), SIGKILL);
  }
  begin_at(place, later);
  grow("there.log", "there 3");
  grow("comes.log", "comes 2");
  grow("between.log", "between 1");  // while it did not run: new all the same
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    grow("after.log", "after 1");
    grow("between.log", "between 2");
    CHECK(place.stores(lines));
  }
  place.once();
  CHECK(place.stores(lines));
}

TEST_CASE("beginnings: a file too old is not opened, and read from the size it had (F33)",
          "[agent][process]") {
  const std::string backend = each_backend();
  const bool killed = GENERATE(false, true);
  CAPTURE(backend, killed);
  const LogPlace place({.backend = backend, .from_more = "      ignore_older: 24h\n"});
  place.append("logs/old.log", "old 1\nold 2\n");
  place.append("logs/later.log", "later 1\n");
  place.append("logs/fresh.log", "fresh 1\n");
  age(place.path("logs/old.log"), 48h);
  age(place.path("logs/later.log"), 48h);
  Lines lines = {"fresh 1"};
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    CHECK(process::counter(place, agent, "files_ignored_old") == 2);
    CHECK(process::counter(place, agent, "files_opened") == 1);
    REQUIRE(process::eventually([&] { return contains(place.ask("state list"), "later.log"); }));
    // A new time alone opens it perhaps, and gives nothing.
    fs::last_write_time(place.path("logs/old.log"), fs::file_time_type::clock::now());
    place.append("logs/old.log", "old 3\n");
    lines.emplace_back("old 3");
    REQUIRE(place.stores(lines));
    if (killed) ::kill(agent.pid(), SIGKILL);
  }
  // Nor is the size it had forgotten.
  place.append("logs/later.log", "later 2\n");
  place.append("logs/old.log", "old 4\n");
  lines.insert(lines.end(), {"later 2", "old 4"});
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores(lines));
  // Unread bytes of a file with state are read, however old it looks.
  place.append("logs/fresh.log", "fresh 2\n");
  lines.emplace_back("fresh 2");
  CHECK(place.stores(lines));
}
