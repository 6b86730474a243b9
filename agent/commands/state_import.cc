// tailrace state import: go on where another agent stopped.
#include "agent/state_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/commands/commands.h"
#include "agent/commands/configuration.h"
#include "agent/commands/offline_world.h"
#include "agent/commands/state_rows.h"
#include "agent/commands/store_location.h"
#include "agent/descriptor_limit.h"
#include "agent/output.h"
#include "agent/record_printer.h"
#include "config/suggest.h"

namespace agent {

namespace {

struct ImportCommand {
  std::string config;
  std::string from;
  std::string path;
  bool dry_run = false;
};

std::string visible(std::string_view text) {
  std::string out;
  append_visible(out, text);
  return out;
}

void print_table(Output& output, const std::vector<ImportRow>& rows) {
  std::size_t width = 4;
  for (const ImportRow& row : rows) {
    if (row.checkpoint) width = std::max(width, row.checkpoint->flow.size());
  }
  output.print("{:8}  {:{}}  {:>14}  {}\n", "RESULT", "FLOW", width, "OFFSET", "PATH");
  for (const ImportRow& row : rows) {
    const std::string reason = row.there_already     ? " (was there already)"
                               : row.refusal.empty() ? ""
                                                     : ": " + visible(row.refusal);
    output.print("{:8}  {:{}}  {:>14}  {}{}\n", row.checkpoint ? "imported" : "refused",
                 row.checkpoint ? row.checkpoint->flow : "-", width, row.offset, visible(row.name),
                 reason);
  }
}

// The checkpoints to write, each once.
std::vector<sources::Checkpoint> new_checkpoints(const std::vector<ImportRow>& rows) {
  std::vector<sources::Checkpoint> checkpoints;
  for (const ImportRow& row : rows) {
    if (row.checkpoint && !row.there_already) checkpoints.push_back(*row.checkpoint);
  }
  return checkpoints;
}

int import_from(const ImportCommand& command, const config::Config& config, OfflineWorld& world) {
  const auto foreign = read_foreign(world.files(), command.from, command.path);
  if (!foreign) return complain(kExitConfiguration, foreign.error().message);
  // Also before a dry run: it promises nothing that is then refused.
  const auto before = read_state(world.files(), config.data_dir);
  if (before && lost(world.files(), config.data_dir, *before)) return kExitConfiguration;
  if (const auto may = StateLog::may_write(world.environment(), config.data_dir); !may) {
    return world.console().say(may.error());
  }
  // First, so that nobody begins to read what we are about to judge.
  std::optional<StateLog> log;
  if (!command.dry_run) {
    auto opened = StateLog::open(world.environment(), config.data_dir);
    if (!opened) return world.console().say(opened.error());
    log.emplace(std::move(*opened));
  }
  const auto state = read_state(world.files(), config.data_dir);
  if (!state) return complain(kExitInternal, state.error().message);
  raise_descriptor_limit();
  const std::vector<ImportRow> rows = judge_import(
      world.environment(), *foreign, find_followed_files(config, world.environment()), *state);
  if (log) {
    if (const auto put = log->put(new_checkpoints(rows)); !put) {
      return complain(kExitInternal, put.error().message);
    }
  }
  Output output;
  print_table(output, rows);
  const auto refused = static_cast<std::size_t>(
      std::ranges::count_if(rows, [](const ImportRow& row) { return !row.checkpoint; }));
  output.print("{} imported, {} refused{}\n", rows.size() - refused, refused,
               command.dry_run ? "; nothing was written" : "");
  const int told = output.finish();
  if (told != kExitOk && log) complain(kExitInternal, "what could be imported is, all the same");
  return refused == 0 ? told : kExitRefused;
}

int run_import(const ImportCommand& command) {
  const auto known = foreign_agents();
  if (std::ranges::find(known, command.from) == known.end()) {
    std::string all;
    for (const std::string_view each : known) all += (all.empty() ? "" : ", ") + std::string(each);
    return complain(kExitUsage,
                    fmt::format("unknown agent '{}'{}; there are {}", visible(command.from),
                                config::did_you_mean(command.from, known), all));
  }
  const auto config = load_configuration(command.config);
  if (!config) return kExitConfiguration;
  if (config->data_dir.empty()) {
    return complain(kExitConfiguration, command.config + " names no data_dir");
  }
  auto world = OfflineWorld::make();
  if (!world) return complain(kExitInternal, world.error().message);
  return import_from(command, *config, **world);
}

}  // namespace

void add_state_import_command(CLI::App& state, int& exit_code) {
  auto options = std::make_shared<ImportCommand>();
  CLI::App* command = state.add_subcommand(
      "import",
      "Take over how far another agent has read files; exit 1: some were refused. Not "
      "while an agent runs");
  command->add_option("path", options->path, "The other agent's state: a file or directory")
      ->required();
  command
      ->add_option("--from", options->from,
                   "kinesis-agent, fluent-bit, vector, filebeat, promtail (and Alloy) or rsyslog")
      ->required();
  command->add_option("-c,--config", options->config, "Configuration file")->required();
  command->add_flag("--dry-run", options->dry_run, "Only say what would be imported");
  command->callback([options, &exit_code] { exit_code = run_import(*options); });
}

}  // namespace agent
