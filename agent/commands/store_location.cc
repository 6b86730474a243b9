#include "agent/commands/store_location.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "agent/commands/configuration.h"
#include "agent/standard_error.h"
#include "config/suggest.h"

namespace agent {

void add_store_options(CLI::App& command, StoreLocation& location) {
  CLI::Option* config = command.add_option("-c,--config", location.config,
                                           "Configuration file that names the data directory");
  CLI::Option* data_dir = command.add_option("--data-dir", location.data_dir, "Data directory");
  config->excludes(data_dir);
}

std::optional<std::string> find_data_dir(io::Files& files, const StoreLocation& location,
                                         int& exit_code) {
  std::string path = location.data_dir;
  if (!location.config.empty()) {
    const auto config = load_configuration(location.config);
    if (!config) {
      exit_code = kExitConfiguration;
      return std::nullopt;
    }
    path = config->data_dir;
    if (path.empty()) {
      exit_code = complain(kExitConfiguration, location.config + " names no data_dir");
      return std::nullopt;
    }
  }
  if (path.empty()) {
    exit_code = complain(kExitUsage, "say where the store is: -c FILE or --data-dir DIR");
    return std::nullopt;
  }
  const auto status = files.status(path, true);
  if (!status || status->kind != io::FileKind::directory) {
    exit_code = complain(kExitConfiguration, fmt::format("no data directory at {}{}", path,
                                                         status ? ": it is not a directory"
                                                                : ": nothing was stored "
                                                                  "there yet, or it is "
                                                                  "not ours to see"));
    return std::nullopt;
  }
  return path;
}

std::optional<std::vector<store::StreamInfo>> read_catalog(io::Files& files,
                                                           const std::string& data_dir,
                                                           int& exit_code) {
  auto streams = store::Catalog::read(files, data_dir);
  if (!streams) {
    exit_code = complain(kExitConfiguration, streams.error().message);
    return std::nullopt;
  }
  return std::move(*streams);
}

const store::StreamInfo* find_stream(const std::vector<store::StreamInfo>& streams,
                                     std::string_view name, int& exit_code) {
  std::vector<std::string_view> names;
  for (const store::StreamInfo& stream : streams) {
    if (stream.name == name) return &stream;
    names.emplace_back(stream.name);
  }
  exit_code = complain(kExitConfiguration,
                       fmt::format("no stream '{}'{}", name, config::did_you_mean(name, names)));
  return nullptr;
}

int complain(ExitCode code, std::string_view message) {
  print_error("tailrace: {}\n", message);
  return code;
}

}  // namespace agent
