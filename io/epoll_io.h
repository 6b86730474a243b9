// The epoll backend of Io, for where io_uring is denied: containers, old kernels. Same promises.
//
// Sockets, pipes and inotify descriptors are watched by epoll. A read of a regular file is tried
// without blocking first (preadv2, RWF_NOWAIT) and given to a thread only if it misses the page
// cache; opens, syncs and long writes always are. Other writes to regular files are plain pwritev
// inside write(), as in every backend.
#pragma once

#include <memory>

#include "base/result.h"
#include "io/io.h"

namespace io {

// Destroying it waits for the files' operations that a thread is in the middle of; no `done` is
// called.
base::Result<std::unique_ptr<Io>> make_epoll_io();

}  // namespace io
