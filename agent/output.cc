#include "agent/output.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "agent/commands/commands.h"
#include "agent/standard_error.h"

namespace agent {

Output::Output() {
  (void)std::signal(SIGPIPE, SIG_IGN);
  (void)std::setvbuf(stdout, nullptr, _IONBF, 0);  // the buffer is ours
  buffer_.reserve(kBufferBytes + (64 << 10));
}

Output::~Output() { flush(); }

void Output::flush() {
  if (!closed() && !buffer_.empty()) {
    errno = 0;
    if (std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) != buffer_.size()) {
      error_ = errno != 0 ? errno : EIO;
    }
  }
  buffer_.clear();
}

int Output::exit_code() const {
  if (error_ == 0 || error_ == EPIPE) return kExitOk;
  print_error("tailrace: cannot write to standard output: {}\n", std::strerror(error_));
  return kExitInternal;
}

}  // namespace agent
