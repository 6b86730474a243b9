// Child: one piece of work in a process of its own, so that its processor time and its memory can
// be told from everybody else's.
//
// The caller stays small: a child begins with its parent's peak memory (getrusage(2), ru_maxrss).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace agent_bench {

struct Usage {
  double wall_s = 0;
  double cpu_s = 0;             // user and system, its own children's too
  std::uint64_t rss_bytes = 0;  // peak
  int exit_code = 0;            // or 128 + signal
};

// Runs `body` in a fork and waits for it.
Usage run_child(const std::function<int()>& body);

// The same for a program; its output goes to `log_path`, "" for /dev/null.
Usage run_program(const std::vector<std::string>& arguments, const std::string& log_path = "");

// Starts a program and returns; end_program() ends it with SIGTERM and waits.
pid_t start_program(const std::vector<std::string>& arguments, const std::string& log_path);
int end_program(pid_t pid);

}  // namespace agent_bench
