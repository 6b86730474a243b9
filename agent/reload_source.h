// ReloadSource: where a running agent gets its new configuration from.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "config/load.h"

namespace agent {

struct ReloadSource {
  std::string path;                                    // for messages
  std::function<base::Result<config::Loaded>()> load;  // blocking; on the control thread
  // Told when a reload begins (true) and when it is over. May be empty.
  std::function<void(bool begins)> notice = {};
};

}  // namespace agent
