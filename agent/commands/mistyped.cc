#include "agent/commands/mistyped.h"

#include <string_view>
#include <vector>

#include "config/suggest.h"

namespace agent {

namespace {

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

}  // namespace

std::string mistyped(const CLI::App& app) {
  const CLI::App* innermost = &app;
  while (!innermost->get_subcommands().empty()) innermost = innermost->get_subcommands().front();
  const std::vector<std::string> unknown = app.remaining(true);
  if (unknown.empty()) return {};
  const std::string word = unknown.front().substr(0, unknown.front().find('='));
  const bool option = word.starts_with('-');
  const std::vector<std::string> known = option ? options_of(*innermost) : commands_of(*innermost);
  if (!option && known.empty()) return {};
  const std::vector<std::string_view> views(known.begin(), known.end());
  return (option ? "unknown option '" : "unknown command '") + word + "'" +
         config::did_you_mean(word, views);
}

}  // namespace agent
