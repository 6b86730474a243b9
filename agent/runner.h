// Runner: gives an Agent its threads: one per reactor, and the caller's for the control.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "agent/agent.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"

namespace agent {

struct RunnerOptions {
  bool once = false;
  std::vector<sources::Checkpoint> start_at;  // see AgentOptions
  base::Duration report_interval{0};     // 0: no periodic report of what was read and what waits
  std::optional<ReloadSource> reload{};  // see AgentOptions; none: SIGHUP ends the process
  bool progress = false;                 // the report overwrites one line of a terminal
};

// How a run ended that did not fail.
struct RunEnd {
  std::size_t not_read = 0;  // inputs that could not be read; see Control::not_read()
};

// Runs `config` until it is finished or told to stop by a signal. Blocking. Error: it could not
// start, or could not settle everything within shutdown_grace.
base::Result<RunEnd> run(const config::Config& config, RunnerOptions options, base::Log& log);

}  // namespace agent
