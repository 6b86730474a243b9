// Signals: what the operator asks for with kill(1), as calls on the control.
//
// The one place with a global: a signal handler has no other way to find the program. Only
// async-signal-safe things happen in the handler: an atomic store and Io::wake, which is one write.
#pragma once

#include "agent/control.h"

namespace agent {

// From construction to destruction: SIGTERM and SIGINT ask `control` to stop (a second one ends the
// process at once: correct, only slower to restart), SIGUSR1 asks for the counters in the log,
// SIGPIPE is ignored.
class Signals {
 public:
  // `reloads`: SIGHUP asks `control` to take the configuration over, else it ends the process.
  Signals(Control& control, bool reloads);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // From now on a SIGHUP and a SIGUSR1 are kept for the control that comes: a service manager may
  // send one while the store is still being opened.
  static void expect_requests();

  bool take_report_request();  // was SIGUSR1 received since the last call?
};

}  // namespace agent
