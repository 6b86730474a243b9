// AgentProcess: `tailrace` as a child process: start, watch, kill, wait.
//
// Its output goes to a file, which is shown when it ends otherwise than it should.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace storm {

class AgentProcess {
 public:
  // Starts `arguments` (the program first). Its standard output and error are appended to
  // `log_path`.
  AgentProcess(const std::vector<std::string>& arguments, const std::string& log_path);
  ~AgentProcess();  // kills it if it still runs
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  // Waits until it ends, at most so long. True: it has ended.
  bool wait(std::chrono::milliseconds longest);
  void signal(int number) const;
  pid_t pid() const { return pid_; }
  // Sends SIGKILL and waits. False: it had ended by itself before.
  bool kill();

  // What it ended with: exit code, or 128 + signal; -1 while it runs.
  int exit_code() const { return exit_code_; }

 private:
  void reap();

  pid_t pid_ = -1;
  int pidfd_ = -1;  // readable when it has ended
  int exit_code_ = -1;
};

}  // namespace storm
