// Call: an Operation with a memory of what happened to it, for tests.
#pragma once

#include <cstdint>

#include "io/io.h"
#include "tests/test.h"

namespace io_test {

struct Call {
  io::Operation operation = io::on<&Call::done>(*this);
  int calls = 0;
  std::int64_t result = 0;

  Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() = default;

  void done(std::int64_t value) {
    ++calls;
    result = value;
  }
};

// Runs `io` until `call` has been done; each wait lasts as long as it must.
inline std::int64_t finish(io::Io& io, Call& call) {
  REQUIRE(call.calls == 0);  // never from inside the call that started it
  while (call.calls == 0) io.run_once(io::Io::kForever);
  REQUIRE(call.calls == 1);
  return call.result;
}

}  // namespace io_test
