// Names of copies: what rotation by copy and truncation calls the copy of a log (F06).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sources {

// Names `name` may be a copy of, the longest first: "app.log" for "app.log.1", "app.log-20260101",
// "app.log~" and, as logrotate's `extension` makes them, "app-20260101.log". A name decides only
// who is compared; bytes decide the rest.
std::vector<std::string> names_copied(std::string_view name);

}  // namespace sources
