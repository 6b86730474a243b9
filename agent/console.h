// Console: a process' Log on standard error, and its last words.
#pragma once

#include <memory>

#include "agent/runner.h"
#include "base/log.h"
#include "base/result.h"
#include "io/clock.h"

namespace agent {

class Console {
 public:
  explicit Console(base::LogLevel least);
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  base::Log& log() { return log_; }
  // Prints why a command ends. Returns the exit code that goes with it.
  int say(const base::Error& error);
  int say(const RunEnd& end);

 private:
  std::unique_ptr<io::Clock> clock_;
  base::Log log_;
};

}  // namespace agent
