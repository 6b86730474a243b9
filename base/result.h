// Result<T>: a value or an Error. Crosses every function that can fail for reasons outside the
// program.
//
// Exceptions cross nothing of ours; a broken invariant is an ASSERT (base/assert.h), not an Error.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace base {

enum class ErrorCode : std::uint8_t {
  io,           // a system call failed; `system` says how
  invalid,      // what was asked makes no sense: configuration, arguments
  corrupt,      // bytes on disk are not what their checksum says
  not_found,    // the named thing does not exist
  busy,         // somebody else holds it
  limit,        // a named bound was reached
  unsupported,  // a newer version's format, or a feature this kernel or machine lacks
};

struct Error {
  ErrorCode code = ErrorCode::invalid;
  int system = 0;       // errno, or 0
  std::string message;  // one sentence an operator can act on, without a trailing full stop
};

template <typename T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, 0, std::move(message)});
}

// "`what`: strerror(`system`)". `system`: a positive errno.
std::unexpected<Error> fail_system(int system, const std::string& what);

}  // namespace base

// Unwraps a Result or returns its Error from the calling function.
#define TRY(expression)                                                       \
  __extension__({                                                             \
    auto try_result_ = (expression);                                          \
    if (!try_result_) return std::unexpected(std::move(try_result_.error())); \
    *std::move(try_result_);                                                  \
  })

// The same for Result<void>.
#define TRY_VOID(expression)                                                  \
  do {                                                                        \
    auto try_result_ = (expression);                                          \
    if (!try_result_) return std::unexpected(std::move(try_result_.error())); \
  } while (false)
