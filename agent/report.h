// Report: what a running agent tells its operator: a line every now and then, all counters on
// request and at the end.
//
// Control thread only.
#pragma once

#include <cstdint>
#include <string>

#include "agent/agent.h"
#include "base/log.h"
#include "io/clock.h"

namespace agent {

class Report {
 public:
  // `progress`: lines overwrite each other on standard error, a terminal.
  Report(const Agent& agent, io::Clock& clock, base::Log& log, bool progress);

  void line();                               // rates since the last line, lag, files
  void counters(const AgentStatus& status);  // every counter that is not 0
  // Totals; ends the progress line. `quiet`: everything that was read is settled.
  void finish(bool quiet);

 private:
  struct Totals {
    std::uint64_t records = 0, bytes = 0, delivered = 0, dropped = 0, lag_bytes = 0;
    std::uint64_t files_open = 0, files_waiting = 0;
  };
  Totals totals() const;

  const Agent& agent_;
  io::Clock& clock_;
  base::Log& log_;
  bool progress_;
  base::Instant started_;
  base::Instant last_;
  Totals before_;
};

}  // namespace agent
