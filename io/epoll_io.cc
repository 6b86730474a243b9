#include "io/epoll_io.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <vector>

#include "base/assert.h"
#include "io/blocking_calls.h"
#include "io/epoll_request.h"
#include "io/file_calls.h"
#include "io/ready_list.h"
#include "io/request_pool.h"
#include "io/wake_signal.h"

namespace io {
namespace {

constexpr std::size_t kEventsPerWait = 256;

using Kind = EpollKind;
using Request = EpollRequest;

// Operations waiting for one descriptor, per direction, first come first served.
struct Waiters {
  struct Direction {
    Request* first = nullptr;
    Request* last = nullptr;
  };
  std::array<Direction, 2> directions;  // in, out
};

class EpollIo final : public Io {
 public:
  EpollIo() : files_(ready_, this, [](void* io) { static_cast<EpollIo*>(io)->wake_.raise(); }) {}
  ~EpollIo() override {
    if (epoll_ >= 0) ::close(epoll_);
  }
  base::Result<void> open_epoll();

  void open(Operation& operation, const char* path, Open how) override {
    files_.open(operation, path, how);
  }
  void read(Operation& operation, Handle handle, std::span<char> into,
            std::uint64_t offset) override;
  void write(Operation& operation, Handle handle, std::span<const std::string_view> pieces,
             std::uint64_t offset) override {
    if (offset != kAtEnd && long_write(pieces)) {
      files_.write(operation, handle, pieces, offset);
    } else if (offset != kAtEnd || is_regular(handle)) {
      ready_.push(operation, write_all(handle, pieces, offset));
    } else {
      start_gather(operation, Kind::write_stream, handle, pieces);
    }
  }
  void sync(Operation& operation, Handle handle) override { files_.sync(operation, handle); }
  void receive(Operation& operation, Handle handle, std::span<char> into) override {
    Request& request = take(operation, Kind::receive, handle);
    request.data = into.data();
    request.bytes = std::min(into.size(), kTransferBytesMax);
    start(request);
  }
  void send(Operation& operation, Handle handle,
            std::span<const std::string_view> pieces) override {
    start_gather(operation, Kind::send, handle, pieces);
  }
  void accept(Operation& operation, Handle listener) override {
    start(take(operation, Kind::accept, listener));
  }
  void connect(Operation& operation, Handle handle, std::string_view address) override {
    Request& request = take(operation, Kind::connect, handle);
    request.data = address.data();
    request.bytes = address.size();
    start(request);
  }

  void cancel(Operation& operation) override;
  bool run_once(base::Duration wait_max) override;
  void wake() noexcept override { wake_.raise(); }
  const char* name() const override { return "epoll"; }

 private:
  Request& take(Operation& operation, Kind kind, Handle handle);
  void start_gather(Operation& operation, Kind kind, Handle handle,
                    std::span<const std::string_view> pieces);
  void start(Request& request);
  Waiters::Direction& direction_of(const Request& request);
  int arm(Handle handle);
  void unlink(const Request& request);
  void serve(Handle handle, std::uint32_t events);
  void serve(Waiters::Direction& direction);
  int wait(std::span<epoll_event> events, base::Duration wait_max);
  void finish(Request& request, std::int64_t result);

  int epoll_ = -1;
  bool woken_ = false;
  bool fine_waits_ = true;  // epoll_pwait2 is there
  WakeSignal wake_;
  RequestPool<Request> requests_;
  std::vector<Waiters> waiters_;  // by descriptor
  ReadyList ready_;
  FileCalls files_;  // last: its threads use the members above
};

base::Result<void> EpollIo::open_epoll() {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return base::fail_system(errno, "epoll_create1");
  TRY_VOID(wake_.open());
  epoll_event event{.events = EPOLLIN, .data = {.fd = wake_.descriptor()}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_.descriptor(), &event) < 0) {
    return base::fail_system(errno, "epoll_ctl");
  }
  return {};
}

Request& EpollIo::take(Operation& operation, Kind kind, Handle handle) {
  DEBUG_ASSERT(operation.backend == nullptr);  // started twice
  Request& request = requests_.take();
  request.operation = &operation;
  request.kind = kind;
  request.handle = handle;
  operation.backend = static_cast<InFlight*>(&request);
  return request;
}

void EpollIo::start_gather(Operation& operation, Kind kind, Handle handle,
                           std::span<const std::string_view> pieces) {
  const Gather gather(pieces);
  if (gather.done()) {
    ready_.push(operation, 0);
    return;
  }
  Request& request = take(operation, kind, handle);
  request.gather = gather;
  start(request);
}

void EpollIo::read(Operation& operation, Handle handle, std::span<char> into,
                   std::uint64_t offset) {
  into = into.first(std::min(into.size(), kTransferBytesMax));
  const std::int64_t got = read_from_memory(handle, into, offset);
  if (got != kNotYet) {
    ready_.push(operation, got);
  } else {
    files_.read(operation, handle, into, offset);
  }
}

void EpollIo::start(Request& request) {
  if (request.handle < 0) {
    finish(request, -EBADF);
    return;
  }
  const auto needed = static_cast<std::size_t>(request.handle) + 1;
  if (waiters_.size() < needed) waiters_.resize(needed);
  Waiters::Direction& direction = direction_of(request);
  if (direction.first == nullptr) {
    const std::int64_t result = attempt(request);
    if (result == -EAGAIN && request.kind == Kind::connect && !request.connecting) {
      // A Unix listener's queue is full, and epoll cannot tell when it is not.
      Operation& operation = *request.operation;
      operation.backend = nullptr;
      files_.connect(operation, request.handle, request.data, request.bytes);
      requests_.give_back(request);
      return;
    }
    if (result != kNotYet) {
      finish(request, result);
      return;
    }
    direction.first = &request;
  } else {
    direction.last->next = &request;
  }
  direction.last = &request;
  const int refused = arm(request.handle);
  if (refused == 0) return;
  unlink(request);
  finish(request, -refused);
}

Waiters::Direction& EpollIo::direction_of(const Request& request) {
  return waiters_[static_cast<std::size_t>(request.handle)].directions[request.is_output() ? 1 : 0];
}

// One shot: a descriptor that is closed and opened anew under the same number is simply not known
// any more, and an event left over from its former life is only one attempt too many.
int EpollIo::arm(Handle handle) {
  const Waiters& waiters = waiters_[static_cast<std::size_t>(handle)];
  epoll_event event{.events = EPOLLONESHOT, .data = {.fd = handle}};
  if (waiters.directions[0].first != nullptr) event.events |= EPOLLIN | EPOLLRDHUP;
  if (waiters.directions[1].first != nullptr) event.events |= EPOLLOUT;
  if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, handle, &event) == 0) return 0;
  if (errno != ENOENT) return errno;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, handle, &event) == 0 ? 0 : errno;
}

void EpollIo::serve(Handle handle, std::uint32_t events) {
  Waiters& waiters = waiters_[static_cast<std::size_t>(handle)];
  // Errors and hang-ups concern both directions.
  constexpr std::uint32_t kBoth = EPOLLERR | EPOLLHUP;
  if ((events & (EPOLLIN | EPOLLRDHUP | kBoth)) != 0) serve(waiters.directions[0]);
  if ((events & (EPOLLOUT | kBoth)) != 0) serve(waiters.directions[1]);
  if (waiters.directions[0].first != nullptr || waiters.directions[1].first != nullptr) arm(handle);
}

void EpollIo::serve(Waiters::Direction& direction) {
  while (direction.first != nullptr) {
    Request& request = *direction.first;
    const std::int64_t result = attempt(request);
    if (result == kNotYet) return;
    direction.first = request.next;
    finish(request, result);
  }
}

void EpollIo::cancel(Operation& operation) {
  if (operation.backend == nullptr) return;  // not started, or its result is known already
  auto& in_flight = *static_cast<InFlight*>(operation.backend);
  if (in_flight.in_pool) {
    files_.cancel(operation);
    return;
  }
  auto& request = static_cast<Request&>(in_flight);
  unlink(request);
  finish(request, -ECANCELED);
}

void EpollIo::unlink(const Request& request) {
  Waiters::Direction& direction = direction_of(request);
  Request* previous = nullptr;
  Request* each = direction.first;
  while (each != &request) {
    previous = each;
    each = each->next;
  }
  (previous == nullptr ? direction.first : previous->next) = request.next;
  if (direction.last == &request) direction.last = previous;
}

bool EpollIo::run_once(base::Duration wait_max) {
  using Steady = std::chrono::steady_clock;
  const bool timed = wait_max > base::Duration::zero() && wait_max != kForever;
  const Steady::time_point end = timed ? Steady::now() + wait_max : Steady::time_point{};
  woken_ = false;
  base::Duration left = ready_.empty() ? wait_max : base::Duration::zero();
  while (true) {
    std::array<epoll_event, kEventsPerWait> events;
    const int count = wait(events, left);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd != wake_.descriptor()) {
        serve(event.data.fd, event.events);
        continue;
      }
      std::uint64_t raised = 0;
      if (::read(wake_.descriptor(), &raised, sizeof raised) < 0) ASSERT(errno == EINTR);
      wake_.clear();
      woken_ = true;
      files_.take_finished();  // after clear(): what finishes later raises again
    }
    if (!ready_.empty() || woken_ || left <= base::Duration::zero()) break;
    if (timed) left = end - Steady::now();
  }
  const bool any = woken_ || !ready_.empty();
  ready_.run();
  return any;
}

int EpollIo::wait(std::span<epoll_event> events, base::Duration wait_max) {
  const int room = static_cast<int>(events.size());
  if (wait_max <= base::Duration::zero()) return ::epoll_wait(epoll_, events.data(), room, 0);
  if (wait_max == kForever) return ::epoll_wait(epoll_, events.data(), room, -1);
  if (fine_waits_) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(wait_max);
    const timespec limit{.tv_sec = seconds.count(), .tv_nsec = (wait_max - seconds).count()};
    const int count = ::epoll_pwait2(epoll_, events.data(), room, &limit, nullptr);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    fine_waits_ = false;  // before Linux 5.11, or a sandbox that does not know it
  }
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(wait_max).count();
  return ::epoll_wait(epoll_, events.data(), room,
                      static_cast<int>(std::min<std::int64_t>(milliseconds, INT_MAX)));
}

void EpollIo::finish(Request& request, std::int64_t result) {
  ready_.push(*request.operation, result);
  requests_.give_back(request);
}

}  // namespace

base::Result<std::unique_ptr<Io>> make_epoll_io() {
  auto io = std::make_unique<EpollIo>();
  TRY_VOID(io->open_epoll());
  return io;
}

}  // namespace io
