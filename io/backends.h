// The real parts of an Environment, by name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "io/clock.h"
#include "io/files.h"
#include "io/io.h"
#include "io/random.h"

namespace io {

enum class Backend : std::uint8_t {
  automatic,  // io_uring, or epoll when the kernel denies the ring
  io_uring,   // io_uring or an error
  epoll,
};

// Settles `automatic` by trying a ring: epoll on EPERM, ENOSYS, ENOMEM and EINVAL, with one notice
// in `log` that says why and what it costs. Any thread. A program with many reactors asks once.
Backend choose_backend(Backend wanted, base::Log& log);

// Must be called on the thread that will own the Io: the ring has a single issuer.
// `automatic` falls back to epoll as choose_backend does, with the same notice.
base::Result<std::unique_ptr<Io>> make_io(Backend backend, base::Log& log);

std::unique_ptr<Files> make_files();
std::unique_ptr<Clock> make_clock();
std::unique_ptr<Random> make_random();  // from the kernel

// "pid 4711 (tailrace)" for a lock file's number. Empty if nobody can be named.
std::string process_name(std::int64_t pid);

}  // namespace io
