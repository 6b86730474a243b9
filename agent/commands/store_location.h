// StoreLocation: where the store is; what every command that reads it begins with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/commands/commands.h"
#include "io/files.h"
#include "store/catalog.h"

namespace agent {

struct StoreLocation {
  std::string config;    // -c: read data_dir from this configuration
  std::string data_dir;  // --data-dir
};

// Adds -c and --data-dir to `command`.
void add_store_options(CLI::App& command, StoreLocation& location);

// The data directory, which is there. On failure says why on standard error and sets `exit_code`.
std::optional<std::string> find_data_dir(io::Files& files, const StoreLocation& location,
                                         int& exit_code);

// The streams of the catalogue. On failure says why and sets `exit_code`.
std::optional<std::vector<store::StreamInfo>> read_catalog(io::Files& files,
                                                           const std::string& data_dir,
                                                           int& exit_code);

// The stream of that name; if there is none, says so with the nearest name and sets `exit_code`.
const store::StreamInfo* find_stream(const std::vector<store::StreamInfo>& streams,
                                     std::string_view name, int& exit_code);

// Says "tailrace: <message>" on standard error. Returns `code`.
int complain(ExitCode code, std::string_view message);

}  // namespace agent
