#include "config/paths.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace config {

namespace {

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0 && path.substr(0, end) != ".") parts.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

}  // namespace

std::string path_problem(std::string_view path) {
  constexpr std::size_t kPathBytesMax = 4095;  // PATH_MAX without its terminating NUL
  if (!path.starts_with('/')) return "begin it with '/'";
  if (path.find('\0') != std::string_view::npos) return "it contains a NUL byte";
  if (path.size() > kPathBytesMax) return "it is longer than 4095 bytes";
  const auto parts = parts_of(path);
  if (std::ranges::find(parts, "..") != parts.end()) return "write it without '..'";
  return {};
}

std::string tidy_path(std::string_view path) {
  std::string out;
  for (const std::string_view part : parts_of(path)) out += '/' + std::string(part);
  return out.empty() ? "/" : out;
}

bool is_inside(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

std::string literal_part(std::string_view pattern) {
  std::string out;
  for (const std::string_view part : parts_of(pattern)) {
    if (part.find_first_of("*?[{\\") != std::string_view::npos) break;
    out += '/' + std::string(part);
  }
  return out.empty() ? "/" : out;
}

}  // namespace config
