// The command line: one file per subcommand, each adding itself to the parser.
//
// Parsing runs the chosen command (CLI11 calls its callback), which prints for itself and leaves
// its exit code in `exit_code`. CLI11 appears in agent/commands/ and main.cc only.
#pragma once

#include <CLI/CLI.hpp>

namespace agent {

enum ExitCode : int {
  kExitOk = 0,
  kExitDamaged = 1,         // store verify: damage was found
  kExitRefused = 1,         // state import: some could not be taken over
  kExitUsage = 64,          // the command line makes no sense (EX_USAGE)
  kExitNoInput = 66,        // an input could not be read (EX_NOINPUT)
  kExitInternal = 70,       // something failed that should not (EX_SOFTWARE)
  kExitConfiguration = 78,  // what we were given to work with is wrong or missing (EX_CONFIG)
};

// Every `app` and `exit_code` must outlive the parsing.
void add_run_command(CLI::App& app, int& exit_code);
void add_check_command(CLI::App& app, int& exit_code);
void add_reload_command(CLI::App& app, int& exit_code);
void add_status_command(CLI::App& app, int& exit_code);
void add_tail_command(CLI::App& app, int& exit_code);
void add_version_command(CLI::App& app, int& exit_code);

// tailrace stream …
void add_stream_list_command(CLI::App& stream, int& exit_code);
void add_stream_describe_command(CLI::App& stream, int& exit_code);
void add_stream_get_command(CLI::App& stream, int& exit_code);
void add_stream_put_command(CLI::App& stream, int& exit_code);

// tailrace store …
void add_store_verify_command(CLI::App& store, int& exit_code);
void add_store_dump_command(CLI::App& store, int& exit_code);

// tailrace state …
void add_state_list_command(CLI::App& state, int& exit_code);
void add_state_show_command(CLI::App& state, int& exit_code);
void add_state_forget_command(CLI::App& state, int& exit_code);
void add_state_reset_command(CLI::App& state, int& exit_code);
void add_state_import_command(CLI::App& state, int& exit_code);

}  // namespace agent
