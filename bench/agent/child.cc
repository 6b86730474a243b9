#include "bench/agent/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace agent_bench {

namespace {

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

int become(const std::vector<std::string>& arguments, const std::string& log_path) {
  const char* const path = log_path.empty() ? "/dev/null" : log_path.c_str();
  const int log = ::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ::dup2(log, 1);
  ::dup2(log, 2);
  std::vector<char*> texts;
  for (const std::string& argument : arguments) {
    texts.push_back(const_cast<char*>(argument.c_str()));
  }
  texts.push_back(nullptr);
  ::execvp(texts[0], texts.data());
  return 127;
}

}  // namespace

Usage run_child(const std::function<int()>& body) {
  std::fflush(stdout);
  const auto started = std::chrono::steady_clock::now();
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = 0;
  rusage used{};
  ::wait4(pid, &status, 0, &used);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - started;
  return {wall.count(), seconds(used.ru_utime) + seconds(used.ru_stime),
          static_cast<std::uint64_t>(used.ru_maxrss) << 10, code_of(status)};
}

Usage run_program(const std::vector<std::string>& arguments, const std::string& log_path) {
  return run_child([&] { return become(arguments, log_path); });
}

pid_t start_program(const std::vector<std::string>& arguments, const std::string& log_path) {
  std::fflush(stdout);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::_exit(become(arguments, log_path));
}

int end_program(pid_t pid) {
  int status = 0;
  ::kill(pid, SIGTERM);
  ::waitpid(pid, &status, 0);
  return code_of(status);
}

}  // namespace agent_bench
