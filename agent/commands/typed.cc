#include "agent/commands/typed.h"

#include <string>

namespace agent {

CLI::Validator not_empty() {
  return CLI::Validator([](std::string& word) { return word.empty() ? "is empty" : std::string(); },
                        "");
}

}  // namespace agent
