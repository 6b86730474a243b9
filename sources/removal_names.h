// The name a file has for the moment between the last look at it and its removal, in its own
// directory. Whoever dies in between leaves it there.
#pragma once

#include <string>
#include <string_view>

namespace sources {

inline constexpr std::string_view kAsidePrefix = ".tailrace-delete.";

inline bool is_aside(std::string_view name) {
  return name.size() > kAsidePrefix.size() && name.starts_with(kAsidePrefix);
}

// The file's own.
inline std::string_view name_before(std::string_view aside) {
  return aside.substr(kAsidePrefix.size());
}

inline std::string name_aside(std::string_view name) {
  return std::string(kAsidePrefix).append(name);
}

}  // namespace sources
