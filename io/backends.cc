#include "io/backends.h"

#include <cerrno>

#include "io/epoll_io.h"
#include "io/uring_io.h"

namespace io {
namespace {

// What a kernel says that has no ring for us: denied by seccomp or sysctl, not built in, no memory
// to lock, too old. Anything else (EMFILE) would hit epoll as well and is an error.
bool denied(const base::Error& error) {
  return error.system == EPERM || error.system == ENOSYS || error.system == ENOMEM ||
         error.system == EINVAL;
}

void notify(const base::Error& error, base::Log& log) {
  log.warn("io_uring is not available, using epoll",
           {{"reason", error.message},
            {"cost", "more threads and CPU time for files that are not in memory; nothing is lost"},
            {"silence", "io: epoll"}});
}

}  // namespace

Backend choose_backend(Backend wanted, base::Log& log) {
  if (wanted != Backend::automatic) return wanted;
  const auto ring = make_uring_io();
  if (ring || !denied(ring.error())) return Backend::io_uring;
  notify(ring.error(), log);
  return Backend::epoll;
}

base::Result<std::unique_ptr<Io>> make_io(Backend backend, base::Log& log) {
  if (backend == Backend::epoll) return make_epoll_io();
  auto ring = make_uring_io();
  if (ring || backend == Backend::io_uring || !denied(ring.error())) return ring;
  notify(ring.error(), log);
  return make_epoll_io();
}

}  // namespace io
