// The io_uring backend of Io. Everything about the ring is in uring_io.cc, the only file that knows
// liburing.
//
// Reads of what is in memory and all about sockets and pipes go through the ring. What a disk keeps
// waiting (other reads, opens, syncs, long writes to regular files) goes to a pool of our own
// (io/file_calls.h). Short writes are plain pwritev inside write(), for which that would be too
// much (docs/design/0003-how-the-store-writes.md).
#pragma once

#include <memory>

#include "base/result.h"
#include "io/io.h"

namespace io {

// On the thread that will own it: the ring has a single issuer. Destroy it there too; what is in
// flight then is cancelled and waited for, and no `done` is called. Error.system: ENOSYS and EINVAL
// (too old a kernel), EPERM (denied), ENOMEM (memory lock limit).
base::Result<std::unique_ptr<Io>> make_uring_io();

}  // namespace io
