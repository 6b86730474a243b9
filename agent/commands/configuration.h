// load_configuration: what every command with -c does first.
#pragma once

#include <optional>
#include <string>

#include "agent/reload_source.h"
#include "config/config.h"

namespace agent {

// Loads `path` with this process' environment. On any mistake prints all of them to standard error,
// each with its place in the file, and returns nothing.
std::optional<config::Config> load_configuration(const std::string& path);

// The same file, whenever a running agent asks for it.
ReloadSource reload_source(const std::string& path);

}  // namespace agent
