// Logrotate configurations as hosts have them, each with the writer it is made for and with what
// can be had of it: where lines can be lost by nobody's fault, the storm waits before it rotates.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/agent/storm/log_writer.h"

namespace storm {

// What must be in the store before the next rotation.
enum class Wait : std::uint8_t {
  nothing,    // rotated files are under the pattern: found whatever happened
  begun,      // a line of each present file: whoever has never seen a file cannot find it again
  older,      // all lines of all older files as well: the next rotation compresses one of them
  still,      // nothing is written meanwhile; what was not read yet is in the copies
  all_still,  // every line, and nothing is written meanwhile: the only gapless copytruncate
};

struct LogrotateConfiguration {
  std::string_view name;
  std::string_view directives;  // with {old} for a directory to move to
  Reopen reopen;
  Wait wait;
  bool kill;                          // the agent, again and again; else one lives throughout
  std::uint64_t period_ms_least = 0;  // between two rotations
  std::string_view also = "";         // a pattern beside logs/app-*.log, below the directory
  std::string_view from = "";         // more of the flow's `from`
  std::string_view needs = "";        // a program; skipped without it
};

std::span<const LogrotateConfiguration> logrotate_configurations();

// The text of the file: for logs/app-*.log below `directory`. `keep`: rotated files; the storm lets
// none be deleted, so that a missing line is the agent's fault. `pids`: whom to tell.
std::string logrotate_text(const LogrotateConfiguration& configuration,
                           const std::string& directory, std::uint32_t keep,
                           const std::vector<pid_t>& pids);

}  // namespace storm
