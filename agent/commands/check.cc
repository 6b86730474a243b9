// tailrace check: is this configuration sound?
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "agent/commands/commands.h"
#include "agent/commands/configuration.h"
#include "agent/output.h"

namespace agent {

void add_check_command(CLI::App& app, int& exit_code) {
  auto path = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("check", "Check a configuration and list every mistake in it");
  command->add_option("-c,--config", *path, "Configuration file")->required();
  command->callback([path, &exit_code] {
    const auto config = load_configuration(*path);
    if (!config) {
      exit_code = kExitConfiguration;
      return;
    }
    Output output;
    output.print("{}: ok, {} flow{}, {} stream{}\n", *path, config->flows.size(),
                 config->flows.size() == 1 ? "" : "s", config->streams.size(),
                 config->streams.size() == 1 ? "" : "s");
    exit_code = output.finish();
  });
}

}  // namespace agent
