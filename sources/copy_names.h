// Names of copies: what rotation by copy and truncation calls the copy of a log (F06), and what it
// called a file before.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sources {

// Names `name` may be a copy of, the longest first: "app.log" for "app.log.1", "app.log-20260101",
// "app.log~" and, as logrotate's `extension` makes them, "app-20260101.log". A name decides only
// who is compared; bytes decide the rest.
std::vector<std::string> names_copied(std::string_view name);
// What rotation by number called `name` before it made room for younger ones, the last first:
// "app.log.2", "app.log.1", "app.log.0" for "app.log.3". Of so many as are looked for.
std::vector<std::string> names_shifted(std::string_view name);

}  // namespace sources
