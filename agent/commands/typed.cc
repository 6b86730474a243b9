#include "agent/commands/typed.h"

#include <filesystem>
#include <string>
#include <system_error>

namespace agent {

CLI::Validator not_empty() {
  return CLI::Validator([](std::string& word) { return word.empty() ? "is empty" : std::string(); },
                        "");
}

base::Result<std::string> absolute_path(const std::string& path) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  if (!error) return whole.lexically_normal().string();
  return base::fail(base::ErrorCode::io,
                    "cannot tell where '" + path + "' is, say it from '/' on: " + error.message());
}

}  // namespace agent
