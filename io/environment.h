// Environment: everything outside the program, handed down by reference. Code that reaches the
// outside any other way cannot be simulated and fails tests/tidy_test.cc.
#pragma once

#include "base/log.h"
#include "io/clock.h"
#include "io/files.h"
#include "io/io.h"
#include "io/random.h"

namespace io {

struct Environment {
  Io& io;
  Files& files;
  Clock& clock;
  Random& random;
  base::Log& log;
};

}  // namespace io
