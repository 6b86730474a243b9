#include "agent/standard_error.h"

#include <cerrno>
#include <cstdio>

namespace agent {

void write_error(std::string_view text) noexcept {
  while (!text.empty()) {
    text.remove_prefix(std::fwrite(text.data(), 1, text.size(), stderr));
    if (text.empty() || errno != EINTR) return;
    std::clearerr(stderr);
  }
}

}  // namespace agent
