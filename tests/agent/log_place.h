// LogPlace: a temporary directory with logs, a configuration that follows them, and the agent's own
// data, for tests that let accidents happen to real files.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/agent/process.h"

namespace process {

class LogPlace {
 public:
  struct Options {
    std::string backend = "auto";  // or epoll; poll: auto, and changes are only polled for
    std::vector<std::string> patterns = {"logs/*.log"};  // below the directory
    std::string reconcile = "1h";                        // nothing is found but by events
    std::string sync = "os";
    std::string from_more = "";   // more keys of the flow's `from`
    std::string flows_more = "";  // more flows, indented by two
  };
  // The directory and its logs/ are there afterwards, and nothing runs.
  explicit LogPlace(const Options& options);
  ~LogPlace();
  LogPlace(const LogPlace&) = delete;
  LogPlace& operator=(const LogPlace&) = delete;

  std::string path(const std::string& name) const { return root_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const;   // creates or empties
  void append(const std::string& name, const std::string& text) const;  // creates or not

  std::string command() const;  // that runs the agent in the foreground
  std::string once() const;     // runs it to its end; what it says
  // For Background's `log`: what the agent has said since.
  std::string log_path() const { return path("agent.said"); }
  std::string log() const { return read_file(log_path()); }

  Ran ask(const std::string& command) const;      // one that takes --data-dir
  std::string stored() const;                     // as it is stored
  std::vector<std::string> stored_lines() const;  // sorted
  // True as soon as these lines, in any order, and no others are stored.
  bool stores(std::vector<std::string> lines) const;
  bool stores_within(std::chrono::seconds longest, std::vector<std::string> lines) const;

 private:
  std::string root_;
};

// Root without its right to open everything, or nothing for another user: put before a command.
std::string without_override();

// Waits until the agent's log says that it runs.
bool running(const LogPlace& place);
std::size_t count(const std::string& text, const std::string& what);
// A counter as the agent reports it at SIGUSR1, summed over its labels; 0 if it does not.
std::uint64_t counter(const LogPlace& place, const Background& agent, const std::string& name);
// One of them alone, as `status --counters` has it, "name{labels}".
std::uint64_t sample(const LogPlace& place, const std::string& which);
std::size_t watches(pid_t pid);  // inotify's, as /proc tells

}  // namespace process
