// tailrace: the command line.
#include <cstdio>
#include <string>

#include "agent/commands/commands.h"
#include "agent/commands/mistyped.h"
#include "io/standard_streams.h"

namespace {

// Groups of commands; each needs one of its own.
void add_stream_commands(CLI::App& app, int& exit_code) {
  CLI::App& stream = *app.add_subcommand("stream", "Look into streams, read them, write to them");
  stream.require_subcommand(1);
  agent::add_stream_list_command(stream, exit_code);
  agent::add_stream_describe_command(stream, exit_code);
  agent::add_stream_get_command(stream, exit_code);
  agent::add_stream_put_command(stream, exit_code);
}

void add_store_commands(CLI::App& app, int& exit_code) {
  CLI::App& store = *app.add_subcommand("store", "Check the store's files, print what they hold");
  store.require_subcommand(1);
  agent::add_store_verify_command(store, exit_code);
  agent::add_store_dump_command(store, exit_code);
}

void add_state_commands(CLI::App& app, int& exit_code) {
  CLI::App& state = *app.add_subcommand("state", "See and change how far files were read");
  state.require_subcommand(1);
  agent::add_state_list_command(state, exit_code);
  agent::add_state_show_command(state, exit_code);
  agent::add_state_forget_command(state, exit_code);
  agent::add_state_reset_command(state, exit_code);
  agent::add_state_import_command(state, exit_code);
}

}  // namespace

int main(int argc, char** argv) {
  io::occupy_standard_streams();
  int exit_code = agent::kExitOk;
  CLI::App app("tailrace: files into an embedded, sharded, durable store, exactly once");
  app.name("tailrace");
  app.require_subcommand(1);
  agent::add_run_command(app, exit_code);
  agent::add_check_command(app, exit_code);
  agent::add_reload_command(app, exit_code);
  agent::add_status_command(app, exit_code);
  agent::add_tail_command(app, exit_code);
  add_stream_commands(app, exit_code);
  add_store_commands(app, exit_code);
  add_state_commands(app, exit_code);
  agent::add_version_command(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // --help is one of them, with code 0
    const std::string word = error.get_exit_code() == 0 ? "" : agent::mistyped(app);
    if (!word.empty()) std::fprintf(stderr, "tailrace: %s\n", word.c_str());
    return app.exit(error) == 0 ? agent::kExitOk : agent::kExitUsage;
  }
  return exit_code;
}
