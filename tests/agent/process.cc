#include "tests/agent/process.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "tests/test.h"

namespace process {

Ran shell(const std::string& command) {
  std::FILE* pipe = ::popen(("{ " + command + "; } 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  Ran ran{.exit_code = -1, .out = {}};
  char buffer[65536];
  while (const std::size_t bytes = std::fread(buffer, 1, sizeof buffer, pipe)) {
    ran.out.append(buffer, bytes);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) ran.exit_code = WEXITSTATUS(status);
  return ran;
}

bool contains(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool eventually(const std::function<bool()>& condition, std::chrono::seconds longest) {
  const auto deadline = std::chrono::steady_clock::now() + longest;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 20);  // only lets others run
  }
  return true;
}

Background::Background(const std::string& command, const std::string& log) {
  // What an earlier one said is not to be taken for this one's.
  REQUIRE(std::ofstream(log).good());
  // Before exec, SIGTERM would find the test framework's handler.
  sigset_t term, before;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &term, &before);
  pid_ = ::fork();
  if (pid_ == 0) ::signal(SIGTERM, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  REQUIRE(pid_ >= 0);
  if (pid_ != 0) return;
  const std::string line = "exec " + command + " >" + log + " 2>&1";
  ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
  ::_exit(127);
}

Background::~Background() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace process
