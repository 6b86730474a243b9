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

// Must be called on the thread that will own the Io: the ring has a single issuer.
// `automatic` falls back to epoll on EPERM, ENOSYS, ENOMEM and EINVAL with one notice in `log`
// that says why and what it costs.
base::Result<std::unique_ptr<Io>> make_io(Backend backend, base::Log& log);

std::unique_ptr<Files> make_files();
std::unique_ptr<Clock> make_clock();
std::unique_ptr<Random> make_random();  // seeded by the kernel

// "inode 5:123 …" → who holds a lock file: "pid 4711 (tailrace)". Empty if nobody can be named.
std::string process_name(std::int64_t pid);

}  // namespace io
