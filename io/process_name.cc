#include <cstdint>
#include <fstream>
#include <string>

#include "io/backends.h"

namespace io {

std::string process_name(std::int64_t pid) {
  if (pid <= 0) return {};
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  if (!std::getline(file, name)) return {};
  return "pid " + std::to_string(pid) + " (" + name + ")";
}

}  // namespace io
