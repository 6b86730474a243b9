// Paths: their parts, and what it means when nothing is behind one.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sources {

inline std::string_view name_in(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Without a slash at its end, unless it is the root.
inline std::string directory_in(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(slash == 0 || slash == std::string_view::npos ? "/" : path.substr(0, slash));
}

// Nobody may look at `path` because the directory it is in may not be searched: that directory.
inline std::string shut_by(const base::Error& error, std::string_view path) {
  return error.system == EACCES ? directory_in(path) : std::string();
}

// Somebody looked, and there is no such file. Any other error says only that nobody could look
// (F30).
inline bool not_there(const base::Error& error) {
  return error.system == ENOENT || error.system == ENOTDIR || error.system == ELOOP ||
         (error.system == 0 && error.code == base::ErrorCode::not_found);
}

}  // namespace sources
