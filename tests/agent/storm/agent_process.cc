#include "tests/agent/storm/agent_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace storm {

namespace {

[[noreturn]] void become(const std::vector<std::string>& arguments, const std::string& log_path) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGPIPE, SIG_DFL);  // as if it was started by a shell
  const int log = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(log, 1);
  ::dup2(log, 2);
  std::vector<char*> texts;
  for (const std::string& argument : arguments) {
    texts.push_back(const_cast<char*>(argument.c_str()));
  }
  texts.push_back(nullptr);
  ::execv(texts[0], texts.data());
  std::perror(texts[0]);
  ::_exit(127);
}

}  // namespace

AgentProcess::AgentProcess(const std::vector<std::string>& arguments, const std::string& log_path)
    : pid_(::fork()) {
  if (pid_ == 0) become(arguments, log_path);
  // Not pidfd_open(): glibc 2.36 declares it without C linkage.
  pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (pid_ < 0 || pidfd_ < 0) {
    std::perror("storm: starting the agent");
    std::abort();
  }
}

AgentProcess::~AgentProcess() {
  if (exit_code_ < 0) kill();
  ::close(pidfd_);
}

bool AgentProcess::wait(std::chrono::milliseconds longest) {
  if (exit_code_ >= 0) return true;
  pollfd ended{pidfd_, POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(longest.count())) <= 0) return false;
  reap();
  return true;
}

void AgentProcess::signal(int number) const { ::kill(pid_, number); }

bool AgentProcess::kill() {
  if (exit_code_ >= 0) return false;
  ::kill(pid_, SIGKILL);
  reap();
  return exit_code_ == 128 + SIGKILL;
}

void AgentProcess::reap() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace storm
