#include "tests/agent/storm/logrotate_configuration.h"

#include <array>

namespace storm {

namespace {

constexpr std::array kConfigurations = {
    LogrotateConfiguration{.name = "create",
                           .directives = "create 0644",
                           .reopen = Reopen::signalled,
                           .wait = Wait::begun,
                           .kill = true},
    LogrotateConfiguration{.name = "nocreate",
                           .directives = "nocreate",
                           .reopen = Reopen::moved,
                           .wait = Wait::begun,
                           .kill = true},
    LogrotateConfiguration{.name = "copytruncate",
                           .directives = "copytruncate",
                           .reopen = Reopen::never,
                           .wait = Wait::all_still,
                           .kill = true},
    // Copies under the pattern: what was read before must not be read again, the rest must.
    LogrotateConfiguration{.name = "copytruncate_read",
                           .directives = "copytruncate",
                           .reopen = Reopen::never,
                           .wait = Wait::still,
                           .kill = true,
                           .also = "logs/app-*.log.*",
                           .from = ", rotate_wait: 2s"},
    LogrotateConfiguration{.name = "copy",
                           .directives = "copy",
                           .reopen = Reopen::never,
                           .wait = Wait::nothing,
                           .kill = false},
    // Gone minutes before a reader that is behind gets there, were it not for its open descriptor.
    LogrotateConfiguration{.name = "compress",
                           .directives = "create 0644\n  compress",
                           .reopen = Reopen::signalled,
                           .wait = Wait::begun,
                           .kill = false},
    // The same, and compressed files are read as well: what the agent has not read when a file
    // goes, it finds there, and nothing else.
    LogrotateConfiguration{.name = "compress_read",
                           .directives = "create 0644\n  compress",
                           .reopen = Reopen::signalled,
                           .wait = Wait::nothing,
                           .kill = true,
                           .also = "logs/app-*.log.*",
                           .from = ", compressed: read, rotate_wait: 2s"},
    LogrotateConfiguration{.name = "zstd_read",
                           .directives = "create 0644\n  compress\n  compresscmd /usr/bin/zstd\n"
                                         "  compressext .zst\n  compressoptions -q -3",
                           .reopen = Reopen::signalled,
                           .wait = Wait::nothing,
                           .kill = true,
                           .also = "logs/app-*.log.*",
                           .from = ", compressed: read, rotate_wait: 2s",
                           .needs = "/usr/bin/zstd"},
    LogrotateConfiguration{.name = "delaycompress",
                           .directives = "create 0644\n  compress\n  delaycompress",
                           .reopen = Reopen::signalled,
                           .wait = Wait::older,
                           .kill = true},
    // Rotated names under the pattern, too: a file that was read must be known again. The seconds
    // give each rotation a name of its own if there is a second between two.
    LogrotateConfiguration{.name = "dateext",
                           .directives = "create 0644\n  dateext\n  dateformat -%Y%m%d-%s",
                           .reopen = Reopen::signalled,
                           .wait = Wait::nothing,
                           .kill = false,
                           .period_ms_least = 1250,
                           .also = "logs/app-*.log-*"},
    LogrotateConfiguration{.name = "olddir",
                           .directives = "create 0644\n  olddir {old}",
                           .reopen = Reopen::signalled,
                           .wait = Wait::nothing,
                           .kill = true,
                           .also = "old/app-*"},
};

}  // namespace

std::span<const LogrotateConfiguration> logrotate_configurations() { return kConfigurations; }

std::string logrotate_text(const LogrotateConfiguration& configuration,
                           const std::string& directory, std::uint32_t keep,
                           const std::vector<pid_t>& pids) {
  std::string directives(configuration.directives);
  constexpr std::string_view kOld = "{old}";
  if (const std::size_t at = directives.find(kOld); at != std::string::npos) {
    directives.replace(at, kOld.size(), directory + "/old");
  }
  std::string text = directory + "/logs/app-*.log {\n  rotate " + std::to_string(keep) + "\n  " +
                     directives + "\n";
  if (configuration.reopen == Reopen::signalled) {
    text += "  sharedscripts\n  postrotate\n    kill -USR1";
    for (const pid_t pid : pids) text += " " + std::to_string(pid);
    text += "\n  endscript\n";
  }
  return text + "}\n";
}

}  // namespace storm
