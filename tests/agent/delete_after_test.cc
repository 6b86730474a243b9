// Real files that the built program deletes when it has read them (F67).
//
// A file goes when it was quiet for a second or two, and nothing shortens that: so the agents of a
// test case run beside each other, each with its own place, and wait together.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
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
  options.reconcile = "100ms";
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

// A place and what is to be stored there.
struct Case {
  explicit Case(const LogPlace::Options& options)
      : told("backend " + options.backend), place(options) {}

  void append(const std::string& name, const std::string& line) {
    place.append("logs/" + name, line + "\n");
    lines.push_back(line);
  }
  void start() { agent.emplace(place.command(), place.log_path()); }
  bool comes_to(const Lines& names) const {
    return process::eventually([&] { return names_in(place) == names; });
  }
  std::uint64_t counter(const std::string& name) const {
    return process::counter(place, *agent, name);
  }

  std::string told;  // what is special about it
  const LogPlace place;
  Lines lines;
  Lines stay;  // names
  std::uint64_t scans = 0;
  std::optional<Background> agent;
};
using Cases = std::vector<std::unique_ptr<Case>>;

Cases of_all_backends() {
  Cases cases;
  for (const char* backend : {"auto", "epoll", "poll"}) {
    cases.push_back(std::make_unique<Case>(with(backend)));
  }
  return cases;
}

// Do `act` with all of them, one after the other.
void each(const Cases& cases, const std::function<void(Case&)>& act) {
  for (const auto& one : cases) {
    INFO(one->told);
    act(*one);
  }
}

}  // namespace

TEST_CASE("delete after: files that were read go, others stay", "[agent][process]") {
  const Cases cases = of_all_backends();
  each(cases, [](Case& its) {
    its.append("a.log", "one");
    its.append("linked.log", "two");
    its.append("b.log", "three");
    fs::create_hard_link(its.place.path("logs/linked.log"), its.place.path("elsewhere"));
    its.place.append("logs/half.log", "no end");
    its.place.append("logs/other", "not ours\n");
    its.append(".tailrace-delete.c.log", "left over");
    its.stay = {"half.log", "linked.log", "other"};
    its.start();
  });
  each(cases, [](Case& its) {
    REQUIRE(its.place.stores(its.lines));
    CHECK(its.comes_to(its.stay));
    its.append("a.log", "another");
  });
  each(cases, [](Case& its) {
    REQUIRE(its.place.stores(its.lines));
    CHECK(its.comes_to(its.stay));
    CHECK(its.counter("files_removed") == 4);
    CHECK(its.counter("bytes_removed") == 4 + 6 + 10 + 8);
    CHECK(its.counter("files_given_back") == 1);
    CHECK(its.counter("remove_errors") == 0);
    CHECK(its.counter("files_lost_unread") == 0);
    its.place.append("logs/half.log", "\n");
    its.lines.emplace_back("no end");
  });
  each(cases, [](Case& its) {
    CHECK(its.place.stores(its.lines));
    CHECK(its.comes_to({"linked.log", "other"}));
    its.agent.reset();
    CHECK(its.place.stores(its.lines));
  });
}

TEST_CASE("delete after: what was read counts if it is noted, and if all that read it keep it",
          "[agent][process]") {
  Cases cases;
  for (const std::string before : {"0", "10m"}) {
    for (const std::string target :
         {"null", "{ stream: s }", "{ stream: s }, long_lines: reject"}) {
      Case& its = *cases.emplace_back(std::make_unique<Case>(with("auto", before)));
      its.told = "delete_after: " + before + ", to: " + target;
      std::string text = process::read_file(its.place.path("c.yaml"));
      text += "  second: { from: { files: " + its.place.path("logs/both.log") +
              ", start: beginning, close_inactive: 100ms }, to: " + target + " }\n";
      its.place.write("c.yaml", text);
      its.append("both.log", "one");
      its.append("a.log", "two");
      if (target != "null") its.lines.emplace_back("one");
      if (before == "0") its.stay.emplace_back("a.log");
      if (before == "0" || target != "{ stream: s }") its.stay.emplace_back("both.log");
      its.start();
    }
  }
  each(cases, [](Case& its) {
    REQUIRE(its.place.stores(its.lines));
    its.agent.reset();
    std::string text = process::read_file(its.place.path("c.yaml"));
    const std::string key = "delete_after: ";
    const std::size_t from = text.find(key) + key.size();
    text.replace(from, text.find('\n', from) - from, "1s");
    its.place.write("c.yaml", text);
    its.append("later.log", "three");
    its.start();
  });
  each(cases, [](Case& its) {
    REQUIRE(its.place.stores(its.lines));
    CHECK(its.comes_to(its.stay));
    its.scans = its.counter("scans");
  });
  each(cases, [](Case& its) {  // nor later
    CHECK(process::eventually([&] { return its.counter("scans") > its.scans + 20; }));
    CHECK(names_in(its.place) == its.stay);
    its.agent.reset();
    CHECK(its.place.stores(its.lines));
  });
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
  const Cases cases = of_all_backends();
  constexpr int kKills = 6;
  const auto write = [&](int kill) {
    each(cases, [kill](Case& its) {
      its.start();
      for (int i = 0; i < 20; ++i) {
        its.append(std::to_string(i) + ".log",
                   "line " + std::to_string(kill) + " " + std::to_string(i));
      }
    });
  };
  for (int kill = 0; kill < kKills; ++kill) {
    write(kill);
    std::set<Case*> alive;
    for (const auto& one : cases) alive.insert(one.get());
    // Each when some of its files are gone, and others may just be going.
    CHECK(process::eventually([&] {
      std::erase_if(alive, [](Case* its) {
        if (names_in(its->place).size() == 20) return false;
        ::kill(its->agent->pid(), SIGKILL);
        return true;
      });
      return alive.empty();
    }));
    each(cases, [](Case& its) { its.agent.reset(); });
  }
  write(kKills);
  each(cases, [](Case& its) {
    CHECK(its.place.stores(its.lines));
    CHECK(its.comes_to({}));
    its.agent.reset();
    CHECK(its.place.stores(its.lines));
  });
}
