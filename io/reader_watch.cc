#include "io/reader_watch.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace io {

ReaderWatch::ReaderWatch(Handle out, std::function<void()> gone)
    : out_(out), gone_(std::move(gone)) {
  if (!ended_.open()) return;
  try {
    thread_ = std::jthread([this] { watch(); });
  } catch (const std::system_error&) {  // TasksMax: then a write has to tell
  }
}

ReaderWatch::~ReaderWatch() {
  if (!thread_.joinable()) return;
  ended_.raise();
  thread_.join();
}

void ReaderWatch::watch() {
  std::array<pollfd, 2> polled{pollfd{.fd = out_, .events = 0, .revents = 0},
                               pollfd{.fd = ended_.descriptor(), .events = POLLIN, .revents = 0}};
  int ready = 0;
  do {
    ready = ::poll(polled.data(), polled.size(), -1);
  } while (ready < 0 && errno == EINTR);
  if (ready > 0 && polled[1].revents == 0 && (polled[0].revents & (POLLERR | POLLHUP)) != 0) {
    gone_();
  }
}

}  // namespace io
