// What was mistyped on a command line that did not parse.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace agent {

// "unknown command 'chekc', did you mean 'check'?" for the first word nobody knows; "" if all are
// known.
std::string mistyped(const CLI::App& app);

}  // namespace agent
