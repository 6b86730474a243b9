#include "agent/console.h"

#include <string_view>

#include "agent/commands/commands.h"
#include "agent/standard_error.h"
#include "io/backends.h"

namespace agent {

Console::Console(base::LogLevel least)
    : clock_(io::make_clock()),
      log_({.owner = clock_.get(),
            .write = [](void*, base::LogLevel, std::string_view line) { write_error(line); },
            .now_us =
                [](void* clock) {
                  return static_cast<io::Clock*>(clock)->wall().time_since_epoch().count();
                }},
           least) {}

int Console::say(const base::Error& error) {
  print_error("tailrace: {}\n", error.message);
  // `limit`: ran, but not to the end; everything else is about what we were given to work with.
  return error.code == base::ErrorCode::limit ? kExitInternal : kExitConfiguration;
}

int Console::say(const RunEnd& end) {
  if (end.not_read == 0) return kExitOk;
  print_error("tailrace: not everything was read: {} input{} could not be\n", end.not_read,
              end.not_read == 1 ? "" : "s");
  return kExitNoInput;
}

}  // namespace agent
