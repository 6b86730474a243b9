// tailrace state list|show: how far has every file been read?
#include <fmt/format.h>

#include <memory>
#include <string>

#include "agent/commands/commands.h"
#include "agent/commands/state_rows.h"
#include "agent/commands/store_location.h"
#include "agent/commands/typed.h"
#include "agent/output.h"
#include "io/backends.h"

namespace agent {

namespace {

struct StateQuery {
  StoreLocation location;
  std::string path;  // empty: all
  std::string flow;  // empty: all
  bool json = false;
};

int look(const StateQuery& query) {
  const std::unique_ptr<io::Files> files = io::make_files();
  int exit_code = kExitOk;
  const auto data_dir = find_data_dir(*files, query.location, exit_code);
  if (!data_dir) return exit_code;
  const auto state = read_state(*files, *data_dir);
  if (!state) return complain(kExitInternal, state.error().message);
  tell_unreadable(*state);
  const auto rows = select_rows(
      *files, *state, {.path = query.path, .flow = query.flow, .any_name = true}, exit_code);
  if (!rows) return exit_code;
  Output output;
  if (query.path.empty() || query.json) {
    print_rows(output, *rows, query.json);
    return output.finish();
  }
  for (std::size_t i = 0; i < rows->size(); ++i) {
    if (i > 0) output.print("\n");
    print_row_whole(output, (*rows)[i]);
  }
  return output.finish();
}

}  // namespace

void add_state_list_command(CLI::App& state, int& exit_code) {
  auto query = std::make_shared<StateQuery>();
  CLI::App* command = state.add_subcommand("list", "List the checkpoints of all files");
  add_store_options(*command, query->location);
  command->add_option("--flow", query->flow, "Only this flow's")->check(not_empty());
  command->add_flag("--json", query->json, "For programs");
  command->callback([query, &exit_code] { exit_code = look(*query); });
}

void add_state_show_command(CLI::App& state, int& exit_code) {
  auto query = std::make_shared<StateQuery>();
  CLI::App* command =
      state.add_subcommand("show",
                           "Everything about the checkpoints of one path: of each flow, "
                           "and of files that had this name before");
  command->add_option("path", query->path, "The file's path")->required()->check(not_empty());
  add_store_options(*command, query->location);
  command->add_option("--flow", query->flow, "Only this flow's")->check(not_empty());
  command->add_flag("--json", query->json, "For programs");
  command->callback([query, &exit_code] { exit_code = look(*query); });
}

}  // namespace agent
