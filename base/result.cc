#include "base/result.h"

#include <system_error>

namespace base {

std::unexpected<Error> fail_system(int system, const std::string& what) {
  return std::unexpected(
      Error{ErrorCode::io, system, what + ": " + std::generic_category().message(system)});
}

}  // namespace base
