// Words as they are typed on the command line, before they mean anything.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/result.h"

namespace agent {

// Refuses "", which is what "$VARIABLE" comes to when it is not set: where nothing typed means all,
// it would be taken for that.
CLI::Validator not_empty();

// As typed → as checkpoints and patterns have it: absolute, without "." and "..". Fails for a
// relative path when nobody can say where we are: the working directory was removed.
base::Result<std::string> absolute_path(const std::string& path);

}  // namespace agent
