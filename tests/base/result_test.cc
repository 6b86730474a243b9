#include "base/result.h"

#include <cerrno>
#include <memory>
#include <string>

#include "tests/test.h"

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

Result<std::unique_ptr<int>> make(int value) {
  if (value < 0) return base::fail(ErrorCode::limit, "negative");
  return std::make_unique<int>(value);
}

Result<> refuse_odd(int value) {
  if (value % 2 != 0) return base::fail(ErrorCode::invalid, "odd");
  return {};
}

Result<int> twice(int value) {
  TRY_VOID(refuse_odd(value));
  const std::unique_ptr<int> number = TRY(make(value));  // moved out, not copied
  return 2 * *number;
}

}  // namespace

TEST_CASE("result: TRY unwraps a value or returns the error", "[base][result]") {
  CHECK(twice(4).value() == 8);
  CHECK(twice(3).error().message == "odd");
  CHECK(twice(-2).error().code == ErrorCode::limit);
}

TEST_CASE("result: a system's error has its number and its words", "[base][result]") {
  const Error error = base::fail_system(ENOENT, "open /x").error();
  CHECK(error.code == ErrorCode::io);
  CHECK(error.system == ENOENT);
  CHECK(error.message == "open /x: No such file or directory");
}
