// Whose a file is: what the operator's right to write to it does not say.
//
// Blocking, for the command line.
#pragma once

#include <optional>
#include <string>

namespace io {

// The name of the user, or "user 1234", whose the file or directory behind `path` is, if not of the
// one we run as. nullopt: it is ours, is not there, or cannot be looked at.
std::optional<std::string> other_owner(const std::string& path);

}  // namespace io
