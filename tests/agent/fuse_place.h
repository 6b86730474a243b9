// FusePlace: a LogPlace whose logs are seen through a FaultFs: what is written to behind/ is read
// in logs/.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/agent/fault_fs.h"
#include "tests/agent/log_place.h"

namespace process {

struct FusePlace : LogPlace {
  explicit FusePlace(const Options& options) : LogPlace(options) {
    std::filesystem::create_directory(path("behind"));
    faults = std::make_unique<FaultFs>(path("behind"), path("logs"));
  }
  void grow(const std::string& name, const std::string& line) {
    append("behind/" + name, line + "\n");
    lines.push_back(line);
  }
  std::unique_ptr<FaultFs> faults;
  std::vector<std::string> lines;
};

}  // namespace process
