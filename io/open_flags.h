// What each Open means to open(2). Shared by the backends and Files so that they cannot differ.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include "io/io.h"

namespace io {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;

inline int open_flags(Open how) {
  switch (how) {
    case Open::read:
      return O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    case Open::update:
      return O_RDWR | O_NOCTTY | O_CLOEXEC;
    case Open::create_new:
      return O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    case Open::append:
      return O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC;
    case Open::directory:
      return O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  }
  return O_RDONLY | O_CLOEXEC;
}

}  // namespace io
