// Real files that the built program deletes when it has read them (F67).
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/agent/log_place.h"
#include "tests/test.h"

namespace {

namespace fs = std::filesystem;
using process::Background;
using process::LogPlace;
using Lines = std::vector<std::string>;

LogPlace::Options with(const std::string& backend, const std::string& after = "1s") {
  LogPlace::Options options{.backend = backend, .patterns = {"logs/*.log"}};
  options.reconcile = "200ms";
  options.sync = "flush";
  options.from_more =
      "      close_inactive: 100ms\n      delete_after: " + after + "\n      rotate_wait: 1s\n";
  return options;
}

Lines names_in(const LogPlace& place) {
  Lines names;
  for (const auto& each : fs::directory_iterator(place.path("logs"))) {
    names.push_back(each.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

TEST_CASE("delete after: files that were read go, others stay", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  CAPTURE(backend);
  const LogPlace place(with(backend));
  Lines lines;
  const auto append = [&](const std::string& name, const std::string& line) {
    place.append("logs/" + name, line + "\n");
    lines.push_back(line);
  };
  append("a.log", "one");
  append("linked.log", "two");
  append("b.log", "three");
  fs::create_hard_link(place.path("logs/linked.log"), place.path("elsewhere"));
  place.append("logs/half.log", "no end");
  place.append("logs/other", "not ours\n");
  place.append("logs/.tailrace-delete.c.log", "left over\n");
  lines.emplace_back("left over");
  const Lines stay = {"half.log", "linked.log", "other"};
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    CHECK(process::eventually([&] { return names_in(place) == stay; }));
    append("a.log", "another");
    REQUIRE(place.stores(lines));
    CHECK(process::eventually([&] { return names_in(place) == stay; }));
    CHECK(process::counter(place, agent, "files_removed") == 4);
    CHECK(process::counter(place, agent, "bytes_removed") == 4 + 6 + 10 + 8);
    CHECK(process::counter(place, agent, "files_given_back") == 1);
    CHECK(process::counter(place, agent, "remove_errors") == 0);
    CHECK(process::counter(place, agent, "files_lost_unread") == 0);
    place.append("logs/half.log", "\n");
    lines.emplace_back("no end");
    CHECK(place.stores(lines));
    CHECK(process::eventually([&] { return names_in(place) == Lines{"linked.log", "other"}; }));
  }
  CHECK(place.stores(lines));
}

TEST_CASE("delete after: what was read counts if it is noted, and if all that read it keep it",
          "[agent][process]") {
  const std::string before = GENERATE("0", "10m");
  const std::string target = GENERATE("null", "{ stream: s }", "{ stream: s }, long_lines: reject");
  CAPTURE(before, target);
  const LogPlace place(with("auto", before));
  const std::string both = place.path("logs/both.log");
  std::string text = process::read_file(place.path("c.yaml"));
  text += "  second: { from: { files: " + both +
          ", start: beginning, close_inactive: 100ms }, to: " + target + " }\n";
  place.write("c.yaml", text);
  place.append("logs/both.log", "one\n");
  place.append("logs/a.log", "two\n");
  Lines lines = {"one", "two"};
  if (target != "null") lines.emplace_back("one");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
  }
  const std::string key = "delete_after: " + before;
  text.replace(text.find(key), key.size(), "delete_after: 1s");
  place.write("c.yaml", text);
  place.append("logs/later.log", "three\n");
  lines.emplace_back("three");
  Lines stay;
  if (before == "0") stay.emplace_back("a.log");
  if (before == "0" || target != "{ stream: s }") stay.emplace_back("both.log");
  {
    const Background agent(place.command(), place.log_path());
    REQUIRE(place.stores(lines));
    CHECK(process::eventually([&] { return names_in(place) == stay; }));
    const std::uint64_t scans = process::counter(place, agent, "scans");
    CHECK(process::eventually(
        [&] { return process::counter(place, agent, "scans") > scans + 10; }));  // nor later
    CHECK(names_in(place) == stay);
  }
  CHECK(place.stores(lines));
}

TEST_CASE("delete after: one that may not be deleted is said and stays", "[agent][process]") {
  const LogPlace place(with("auto"));
  place.append("logs/a.log", "one\n");
  fs::permissions(place.path("logs"), fs::perms(0555));
  const std::string command = process::without_override() + place.command();
  const Background agent(command, place.log_path());
  REQUIRE(place.stores({"one"}));
  CHECK(process::eventually(
      [&] { return process::contains(place.log(), "file was read and cannot be deleted"); }));
  CHECK(names_in(place) == Lines{"a.log"});
  fs::permissions(place.path("logs"), fs::perms(0755));
  CHECK(process::eventually([&] { return names_in(place).empty(); }));
  CHECK(place.stores({"one"}));
}

TEST_CASE("delete after: killed again and again, nothing is lost or doubled", "[agent][process]") {
  const std::string backend = GENERATE("auto", "epoll", "poll");
  CAPTURE(backend);
  const LogPlace place(with(backend));
  constexpr int kKills = 6;
  Lines lines;
  for (int kill = 0; kill <= kKills; ++kill) {
    const Background agent(place.command(), place.log_path());
    for (int i = 0; i < 20; ++i) {
      lines.push_back("line " + std::to_string(kill) + " " + std::to_string(i));
      place.append("logs/" + std::to_string(i) + ".log", lines.back() + "\n");
    }
    if (kill == kKills) {
      CHECK(place.stores(lines));
      CHECK(process::eventually([&] { return names_in(place).empty(); }));
      break;
    }
    // When some of them are gone, and others may just be going.
    CHECK(process::eventually([&] { return names_in(place).size() < 20; }));
    ::kill(agent.pid(), SIGKILL);
  }
  CHECK(place.stores(lines));
}
