#include "io/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

namespace io {

void occupy_standard_streams() {
  for (int stream = 0; stream <= 2; ++stream) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // The others below are open, so this gets the number itself.
    if (::open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY) < 0) return;
  }
}

}  // namespace io
