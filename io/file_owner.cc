#include "io/file_owner.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace io {

std::optional<std::string> other_owner(const std::string& path) {
  struct ::stat status{};
  if (::stat(path.c_str(), &status) != 0 || status.st_uid == ::geteuid()) return std::nullopt;
  const ::passwd* const user = ::getpwuid(status.st_uid);
  return user != nullptr ? user->pw_name : "user " + std::to_string(status.st_uid);
}

}  // namespace io
