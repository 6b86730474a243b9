#include "io/wake_signal.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace io {

WakeSignal::~WakeSignal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

base::Result<void> WakeSignal::open() {
  descriptor_ = ::eventfd(0, EFD_CLOEXEC);
  if (descriptor_ < 0) return base::fail_system(errno, "eventfd");
  return {};
}

void WakeSignal::raise() noexcept {
  if (raised_.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  const int saved = errno;  // a signal handler must leave errno as it found it
  while (::write(descriptor_, &one, sizeof one) < 0 && errno == EINTR) {
  }
  errno = saved;
}

}  // namespace io
