// Words as they are typed on the command line, before they mean anything.
#pragma once

#include <CLI/CLI.hpp>

namespace agent {

// Refuses "", which is what "$VARIABLE" comes to when it is not set: where nothing typed means all,
// it would be taken for that.
CLI::Validator not_empty();

}  // namespace agent
