#include "tests/agent/log_place.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/test.h"

namespace process {

namespace fs = std::filesystem;

namespace {

const std::string kProgram = TAILRACE_PROGRAM;

std::vector<std::string> sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::ranges::sort(lines);
  return lines;
}

}  // namespace

LogPlace::LogPlace(const Options& options) {
  // Not in memory: inodes and births are a real file system's.
  const char* const base = std::getenv("TMPDIR");
  root_ = std::string(base != nullptr ? base : "/var/tmp") + "/tailrace-accident-XXXXXX";
  REQUIRE(::mkdtemp(root_.data()) != nullptr);
  fs::permissions(root_, fs::perms(0755));
  fs::create_directory(path("logs"));
  std::string patterns;
  for (const std::string& pattern : options.patterns) {
    patterns += (patterns.empty() ? "\"" : ", \"") + path(pattern) + "\"";
  }
  const bool polling = options.backend == "poll";
  write("c.yaml", "data_dir: " + path("data") + "\nio: " + (polling ? "auto" : options.backend) +
                      "\nreactors: 2\nstreams:\n  s: { shards: 1, sync: " + options.sync +
                      " }\nflows:\n  f:\n" + "    from:\n      files: [" + patterns +
                      "]\n      start: beginning\n" + "      reconcile: " + options.reconcile +
                      "\n" + (polling ? "      watch: poll\n" : "") + options.from_more +
                      "    to: { stream: s, flush: { age: 20ms } }\n" + options.flows_more);
}

LogPlace::~LogPlace() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void LogPlace::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::binary) << text;
}

void LogPlace::append(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::binary | std::ios::app) << text;
}

std::string LogPlace::command() const { return kProgram + " run -c " + path("c.yaml"); }

std::string LogPlace::once() const { return shell("timeout 120 " + command() + " --once").out; }

Ran LogPlace::ask(const std::string& command) const {
  return shell(kProgram + " " + command + " --data-dir " + path("data"));
}

std::string LogPlace::stored() const {
  return shell(kProgram + " stream get s --raw --data-dir " + path("data") + " 2>/dev/null").out;
}

std::vector<std::string> LogPlace::stored_lines() const { return sorted_lines(stored()); }

bool LogPlace::stores(std::vector<std::string> lines) const {
  return stores_within(std::chrono::seconds(20), std::move(lines));
}

bool LogPlace::stores_within(std::chrono::seconds longest, std::vector<std::string> lines) const {
  std::ranges::sort(lines);
  std::vector<std::string> there;
  const bool good = eventually(
      [&] {
        there = stored_lines();
        return there.size() >= lines.size();
      },
      longest);
  if (good && there == lines) return true;
  std::vector<std::string> missing, extra;
  std::ranges::set_difference(lines, there, std::back_inserter(missing));
  std::ranges::set_difference(there, lines, std::back_inserter(extra));
  UNSCOPED_INFO(there.size() << " lines instead of " << lines.size() << ", " << missing.size()
                             << " missing, first '" << (missing.empty() ? "" : missing.front())
                             << "', " << extra.size() << " too many, first '"
                             << (extra.empty() ? "" : extra.front()) << "'; the agent said:\n"
                             << log());
  return false;
}

std::string without_override() {
  return ::geteuid() == 0 ? "setpriv --bounding-set=-dac_override,-dac_read_search " : "";
}

bool running(const LogPlace& place) {
  return eventually([&] { return contains(place.log(), " running "); });
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

std::uint64_t counter(const LogPlace& place, const Background& agent, const std::string& name) {
  const std::string last = "all other counters are 0";
  const std::size_t before = count(place.log(), last);
  const std::size_t from = place.log().size();
  ::kill(agent.pid(), SIGUSR1);
  REQUIRE(eventually([&] { return count(place.log(), last) > before; }));
  std::uint64_t sum = 0;
  std::istringstream in(place.log().substr(from));
  for (std::string line; std::getline(in, line);) {
    if (!contains(line, "counter name=" + name + " ")) continue;
    sum += std::stoull(line.substr(line.find("value=") + 6));
  }
  return sum;
}

std::uint64_t sample(const LogPlace& place, const std::string& which) {
  const Ran ran = place.ask("status --counters");
  INFO(ran.out);
  REQUIRE(ran.exit_code == 0);
  const std::string line = "\ntailrace_" + which + " ";
  const std::size_t at = ran.out.find(line);
  REQUIRE(at != std::string::npos);
  return std::stoull(ran.out.substr(at + line.size()));
}

std::size_t watches(pid_t pid) {
  std::size_t found = 0;
  const fs::path descriptors = "/proc/" + std::to_string(pid) + "/fdinfo";
  for (const auto& entry : fs::directory_iterator(descriptors)) {
    found += count(read_file(entry.path().string()), "inotify wd:");
  }
  return found;
}

}  // namespace process
