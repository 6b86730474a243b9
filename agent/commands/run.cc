// tailrace run: the daemon.
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "agent/commands/commands.h"
#include "agent/commands/configuration.h"
#include "agent/console.h"
#include "agent/runner.h"

namespace agent {

void add_run_command(CLI::App& app, int& exit_code) {
  struct Options {
    std::string config;
    bool once = false;
    bool verbose = false;
    double report_seconds = 0;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "Run the agent: follow sources, deliver records");
  command->add_option("-c,--config", options->config, "Configuration file")->required();
  command->add_flag("--once", options->once,
                    "Read to the end of what is there, make it durable, exit");
  command
      ->add_option("--report", options->report_seconds,
                   "Log rates and lag every so many seconds (0: never)")
      ->check(CLI::Range(0.0, 86400.0));
  command->add_flag("-v,--verbose", options->verbose, "Log more");
  command->callback([options, &exit_code] {
    const auto config = load_configuration(options->config);
    if (!config) {
      exit_code = kExitConfiguration;
      return;
    }
    Console console(options->verbose ? base::LogLevel::debug : base::LogLevel::info);
    RunnerOptions runner;
    runner.reload = reload_source(options->config);
    runner.once = options->once;
    runner.progress = options->once && options->report_seconds <= 0 && ::isatty(2) == 1;
    if (options->report_seconds > 0) {
      runner.report_interval = std::chrono::duration_cast<base::Duration>(
          std::chrono::duration<double>(options->report_seconds));
    } else if (runner.progress) {
      runner.report_interval = std::chrono::seconds(1);
    }
    const auto result = run(*config, runner, console.log());
    exit_code = result ? console.say(*result) : console.say(result.error());
  });
}

}  // namespace agent
