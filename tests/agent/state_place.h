// StatePlace: a directory with logs, a configuration and a data directory, and the program run in
// it, for tests of the state's commands.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/agent/process.h"

namespace state_test {

class StatePlace {
 public:
  // `start`: beginning or end. `top`: more lines at the top of the configuration.
  explicit StatePlace(const std::string& start = "beginning", const std::string& top = "");
  ~StatePlace();
  StatePlace(const StatePlace&) = delete;
  StatePlace& operator=(const StatePlace&) = delete;

  void write(const std::string& name, const std::string& text) const;  // replaces what was there
  void append(const std::string& name, const std::string& text) const;
  // One flow "f" of logs/*.log into stream "s", and `flows` after it.
  void configure(const std::string& start, const std::string& top = "",
                 const std::string& flows = "") const;
  std::string path(const std::string& name) const { return (root_ / name).string(); }
  std::string data_dir() const { return path("data"); }

  std::string run_command() const;
  process::Ran once() const { return process::shell(run_command() + " --once"); }
  process::Ran once_well() const;  // the same, which must succeed
  // tailrace state <arguments> with -c
  process::Ran state(const std::string& arguments) const;
  std::string stored() const;  // the stream's records, as lines
  std::vector<std::filesystem::path> checkpoint_segments() const;
  std::string checkpoints() const;  // tailrace store dump _checkpoints --json

 private:
  std::filesystem::path root_;
};

}  // namespace state_test
