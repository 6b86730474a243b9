// Changes: what makes a new configuration another than the one that runs, and whether it can be
// taken over without a restart (docs/design/0013-reload.md).
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/mistake.h"

namespace config {

struct Changes {
  std::vector<std::string> added, removed, changed;  // flows, each in its file's order
  std::vector<std::string> added_streams;
  std::vector<Mistake> refused;  // needs a restart; with one of these nothing may be changed
};

// Pure. `running` holds every stream that is open, also those of earlier configurations. `next` is
// without mistakes; what is refused is said with its places.
Changes changes(const Config& running, const Config& next);

}  // namespace config
