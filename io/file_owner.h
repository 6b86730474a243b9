// Whose a file is: what root's right to write to it does not say.
//
// Blocking, for the command line.
#pragma once

#include <optional>
#include <string>

namespace io {

// The name of the user, or "user 1234", who could not write to what we create beside the file or
// directory behind `path`: we are root and it is another's. nullopt: not so, it is not there or
// cannot be looked at. Who is not root is told by the system what he may write.
std::optional<std::string> owner_shut_out(const std::string& path);

}  // namespace io
