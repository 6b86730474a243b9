// tailrace version: which build is this?
#include <fmt/format.h>

#include <memory>

#include "agent/commands/commands.h"
#include "agent/output.h"

namespace agent {

void add_version_command(CLI::App& app, int& exit_code) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("version", "Print the version");
  command->add_flag("--json", *json, "For programs");
  command->callback([json, &exit_code] {
    Output output;
    if (*json) {
      output.print("{{\"version\":\"{}\",\"compiler\":\"{}\"}}\n", TAILRACE_VERSION,
                   TAILRACE_COMPILER);
    } else {
      output.print("tailrace {} ({})\n", TAILRACE_VERSION, TAILRACE_COMPILER);
    }
    exit_code = output.finish();
  });
}

}  // namespace agent
