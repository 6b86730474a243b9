// What `tailrace status` calls real files of several names, hard links and symlinks (F14, F19).
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::Background;
using process::contains;
using process::eventually;
using process::LogPlace;
using Names = std::vector<std::string>;

// As `status --json --files` has it of the one file there is.
bool is_called(const LogPlace& place, const Names& names) {
  std::string wanted = "\"path\":\"" + place.path(names.front()) + "\",";
  std::string all;
  for (const std::string& name : names) {
    all += (all.empty() ? "\"" : ",\"") + place.path(name) + "\"";
  }
  wanted += names.size() > 1 ? "\"names\":[" + all + "],\"names_left_out\":0,\"state\""
                             : std::string("\"state\"");
  std::string said;
  const bool good = eventually([&] {
    said = place.ask("status --json --files").out;
    return contains(said, wanted);
  });
  if (!good) UNSCOPED_INFO("no " << wanted << " in\n" << said << "the agent:\n" << place.log());
  return good && process::count(said, "\"path\":") == 1;
}

std::string noted_path(const LogPlace& place) {
  const std::string said = place.ask("state list --json").out;
  const std::string before = "\"path\":\"" + place.path("logs/");
  const std::size_t at = said.find(before);
  if (at == std::string::npos) return said;
  const std::size_t from = at + before.size();
  return said.substr(from, said.find('"', from) - from);
}

}  // namespace

TEST_CASE("labels: a file of many names has one reader, and status tells them all (F14, F19)",
          "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  const bool at_start = GENERATE(false, true);  // all of them are there, or they come one by one
  CAPTURE(backend, at_start);
  const LogPlace place({.backend = backend, .patterns = {"logs/z*.log", "logs/*.log"}});
  place.append("logs/m.log", "one\n");
  const Names later{"logs/b.log", "logs/z.log", "logs/q.log", "logs/a.log"};
  const auto link = [&] {
    for (const std::string& name : later) {
      fs::create_hard_link(place.path("logs/m.log"), place.path(name));
      if (!at_start)
        REQUIRE(eventually(
            [&] { return contains(place.ask("status --json --files"), place.path(name)); }));
    }
    fs::create_symlink("b.log", place.path("logs/s.log"));
  };
  if (at_start) link();
  std::vector<std::string> lines{"one"};
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    if (!at_start) link();
    CHECK(is_called(place, {"logs/z.log", "logs/a.log", "logs/b.log", "logs/m.log", "logs/q.log",
                            "logs/s.log"}));
    CHECK(contains(place.ask("status --files"), "also " + place.path("logs/a.log") + "\n"));
    fs::remove(place.path("logs/z.log"));
    fs::rename(place.path("logs/a.log"), place.path("logs/n.log"));
    CHECK(is_called(place, {"logs/b.log", "logs/m.log", "logs/n.log", "logs/q.log", "logs/s.log"}));
    place.append("logs/q.log", "two\n");
    lines.emplace_back("two");
    REQUIRE(place.stores(lines));
  }
  CHECK(noted_path(place) == (at_start ? "z.log" : "m.log"));  // what it was first known by
  place.append("logs/n.log", "three\n");
  lines.emplace_back("three");
  const Background agent(place.command(), place.log_path());
  REQUIRE(place.stores(lines));
  CHECK(is_called(place, {"logs/b.log", "logs/m.log", "logs/n.log", "logs/q.log", "logs/s.log"}));
  for (const char* name : {"b.log", "q.log", "n.log"}) {
    fs::remove(place.path("logs/" + std::string(name)));
  }
  CHECK(is_called(place, {"logs/m.log"}));  // s.log leads nowhere
  place.append("logs/m.log", "four\n");
  lines.emplace_back("four");
  CHECK(place.stores(lines));
}
