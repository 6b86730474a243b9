// tailrace state forget|reset: take checkpoints out, so that files are read again.
#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/commands/commands.h"
#include "agent/commands/offline_world.h"
#include "agent/commands/state_rows.h"
#include "agent/commands/store_location.h"
#include "agent/commands/typed.h"
#include "agent/output.h"
#include "store/data_dir.h"

namespace agent {

namespace {

struct ForgetCommand {
  StoreLocation location;
  std::string path;  // of reset: empty, everything
  std::string flow;  // empty: all
  bool reset = false;
  bool dry_run = false;
  bool yes = false;
};

std::string s(std::size_t count) { return count == 1 ? "" : "s"; }

// What will happen, or what has.
void tell(Output& output, const ForgetCommand& command, std::size_t count) {
  const char* verb = command.dry_run ? "would be forgotten" : "forgotten";
  output.print("{} checkpoint{} {}", count, s(count), verb);
  if (command.reset) {
    output.print("; {} start{} over as at the first start, where 'start' says",
                 command.flow.empty() ? "all flows" : "flow '" + command.flow + "'",
                 command.flow.empty() ? "" : "s");
  } else {
    output.print(
        "; files still there are read again from their beginning, but those that 'ignore_older' "
        "passes over are not");
  }
  output.print("; lines that are stored already are then stored again\n");
}

std::vector<sources::Checkpoint> checkpoints_of(const std::vector<StateRow>& rows) {
  std::vector<sources::Checkpoint> checkpoints;
  for (const StateRow& row : rows) checkpoints.push_back(row.checkpoint);
  return checkpoints;
}

// Has an agent ever run there? What cannot be looked at may be one's.
bool is_ours(io::Files& files, const std::string& data_dir) {
  for (const char* name : {"/LOCK", "/_catalog", "/_checkpoints"}) {
    const auto status = files.status(data_dir + name, true);
    if (status || (status.error().system != ENOENT && status.error().system != ENOTDIR)) {
      return true;
    }
  }
  return false;
}

int change(const ForgetCommand& command) {
  if (command.reset && !command.dry_run && !command.yes) {
    return complain(
        kExitUsage,
        "this forgets how far every file was read; look with --dry-run, then say --yes");
  }
  auto world = OfflineWorld::make();
  if (!world) return complain(kExitInternal, world.error().message);
  io::Files& files = (*world)->files();
  int exit_code = kExitOk;
  const auto data_dir = find_data_dir(files, command.location, exit_code);
  if (!data_dir) return exit_code;
  if (!is_ours(files, *data_dir)) {
    return complain(kExitConfiguration, *data_dir + " is no data directory of tailrace");
  }
  const auto state = read_state(files, *data_dir);
  if (!state) return complain(kExitInternal, state.error().message);
  tell_unreadable(*state);
  if (!command.reset && lost(files, *data_dir, *state)) return kExitConfiguration;
  const auto rows =
      select_rows(files, *state, {.path = command.path, .flow = command.flow}, exit_code);
  if (!rows) return exit_code;
  // Also before a dry run: it promises nothing that is then refused.
  if (const auto may = StateLog::may_write((*world)->environment(), *data_dir); !may) {
    return (*world)->console().say(may.error());
  }
  if (!command.dry_run) {
    auto log = StateLog::open((*world)->environment(), *data_dir);
    if (!log) return (*world)->console().say(log.error());
    const auto changed = command.reset ? log->reset(command.flow.empty() ? nullptr : &command.flow)
                                       : log->erase(checkpoints_of(*rows));
    if (!changed) return complain(kExitInternal, changed.error().message);
  }
  Output output;
  print_rows(output, *rows, false);
  tell(output, command, rows->size());
  const int told = output.finish();
  if (told != kExitOk && !command.dry_run) complain(kExitInternal, "it is forgotten all the same");
  return told;
}

}  // namespace

void add_state_forget_command(CLI::App& state, int& exit_code) {
  auto options = std::make_shared<ForgetCommand>();
  CLI::App* command = state.add_subcommand(
      "forget",
      "Forget one path: its file is read again from its beginning. Not while the agent "
      "runs");
  command->add_option("path", options->path, "The file's path, as 'state list' shows it")
      ->required()
      ->check(not_empty());
  add_store_options(*command, options->location);
  command->add_option("--flow", options->flow, "Only for this flow")->check(not_empty());
  command->add_flag("--dry-run", options->dry_run, "Only say what would be forgotten");
  command->callback([options, &exit_code] { exit_code = change(*options); });
}

void add_state_reset_command(CLI::App& state, int& exit_code) {
  auto options = std::make_shared<ForgetCommand>();
  options->reset = true;
  CLI::App* command = state.add_subcommand(
      "reset", "Forget all paths: the next start is a first start. Not while the agent runs");
  add_store_options(*command, options->location);
  command->add_option("--flow", options->flow, "Only this flow's")->check(not_empty());
  command->add_flag("--dry-run", options->dry_run, "Only say what would be forgotten");
  command->add_flag("--yes", options->yes, "Yes, forget it");
  command->callback([options, &exit_code] { exit_code = change(*options); });
}

}  // namespace agent
