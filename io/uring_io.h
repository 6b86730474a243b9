// The io_uring backend of Io. Everything about the ring is in uring_io.cc, the only file that knows
// liburing.
//
// Reads, syncs, opens and all about sockets and pipes go through the ring, long writes to regular
// files too: the kernel hands them to a worker thread of its own. Short ones are plain pwritev
// inside write(), for which that would be too much (docs/design/0003-how-the-store-writes.md).
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
