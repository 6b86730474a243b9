#include "agent/commands/configuration.h"

#include <unistd.h>

#include <cstdio>
#include <map>
#include <utility>

#include "agent/standard_error.h"
#include "config/load.h"
#include "io/backends.h"

namespace agent {

namespace {

std::map<std::string, std::string, std::less<>> process_environment() {
  std::map<std::string, std::string, std::less<>> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) result[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return result;
}

// The file's text again, for the carets under the mistakes. Empty if it cannot be read any more.
std::string text_of(io::Files& files, const std::string& path) {
  auto opened = files.open(path, io::Open::read);
  if (!opened) return {};
  const io::UniqueHandle handle(files, *opened);
  const auto status = files.status(handle.get());
  if (!status) return {};
  std::string text(status->size, '\0');
  const auto size = files.read_at(handle.get(), text, 0);
  text.resize(size ? *size : 0);
  return text;
}

}  // namespace

std::optional<config::Config> load_configuration(const std::string& path) {
  const std::unique_ptr<io::Files> files = io::make_files();
  auto loaded = config::load(*files, path, process_environment());
  if (!loaded) {
    print_error("tailrace: {}\n", loaded.error().message);
    return std::nullopt;
  }
  if (!loaded->mistakes.empty()) {
    print_error("{}", config::describe(loaded->mistakes, path, text_of(*files, path)));
    return std::nullopt;
  }
  return std::move(loaded->config);
}

ReloadSource reload_source(const std::string& path) {
  return {.path = path, .load = [path] {
            const std::unique_ptr<io::Files> files = io::make_files();
            return config::load(*files, path, process_environment());
          }};
}

}  // namespace agent
