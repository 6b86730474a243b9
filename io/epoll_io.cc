#include "io/epoll_io.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <deque>
#include <vector>

#include "base/assert.h"
#include "io/blocking_pool.h"
#include "io/gather.h"
#include "io/open_flags.h"
#include "io/ready_list.h"
#include "io/wake_signal.h"

namespace io {
namespace {

constexpr std::size_t kTransferBytesMax = std::size_t{1} << 30;
constexpr std::size_t kEventsPerWait = 256;
// A pipe that is ready for writing takes at least this much without blocking (PIPE_BUF, man 7
// pipe).
constexpr std::size_t kPipeBytes = PIPE_BUF;

enum class Kind : std::uint8_t { open, read, sync, receive, send, write_stream, accept, connect };

// One operation's state while it is in flight. From a pool: none is allocated in steady state.
struct Request : BlockingJob {
  Operation* operation = nullptr;
  Request* next_waiting = nullptr;  // on the same descriptor and direction; or the free list
  Kind kind = Kind::open;
  bool in_pool = false;
  bool connecting = false;  // started; the next readiness tells how it went
  Handle handle = kNoHandle;
  int flags = 0;
  const void* data = nullptr;  // buffer, path or address
  std::size_t bytes = 0;
  std::uint64_t offset = 0;
  Gather gather;
  std::int64_t result = 0;

  char* buffer() const { return static_cast<char*>(const_cast<void*>(data)); }
  bool is_output() const {
    return kind == Kind::send || kind == Kind::write_stream || kind == Kind::connect;
  }
};

constexpr std::int64_t kNotYet = -EAGAIN;

std::int64_t or_errno(std::int64_t result) { return result < 0 ? -errno : result; }

// True when a call on a descriptor that may be blocking would not block.
bool ready(Handle handle, short events) {
  pollfd query{.fd = handle, .events = events, .revents = 0};
  return ::poll(&query, 1, 0) > 0;
}

std::int64_t attempt_receive(const Request& request) {
  const std::int64_t got =
      or_errno(::recv(request.handle, request.buffer(), request.bytes, MSG_DONTWAIT));
  if (got != -ENOTSOCK) return got;
  if (!ready(request.handle, POLLIN)) return kNotYet;
  return or_errno(::read(request.handle, request.buffer(), request.bytes));
}

// One transfer of a send or of a write to something that is not a regular file.
std::int64_t attempt_part(const Request& request) {
  std::array<iovec, 64> vectors;
  if (request.kind == Kind::send) {
    msghdr header{};
    header.msg_iov = vectors.data();
    header.msg_iovlen = request.gather.fill(vectors, kTransferBytesMax);
    const std::int64_t sent =
        or_errno(::sendmsg(request.handle, &header, MSG_DONTWAIT | MSG_NOSIGNAL));
    if (sent != -ENOTSOCK) return sent;
  }
  if (!ready(request.handle, POLLOUT)) return kNotYet;
  const std::size_t count = request.gather.fill(vectors, kPipeBytes);
  return or_errno(::writev(request.handle, vectors.data(), static_cast<int>(count)));
}

std::int64_t attempt_gather(Request& request) {
  while (!request.gather.done()) {
    const std::int64_t part = attempt_part(request);
    if (part == -EINTR) continue;
    if (part < 0) return part;
    if (part == 0) return -EIO;  // no error and no progress: must not happen, must not spin
    request.gather.advance(static_cast<std::uint64_t>(part));
  }
  return static_cast<std::int64_t>(request.gather.written_bytes());
}

std::int64_t attempt_accept(const Request& request) {
  if (!ready(request.handle, POLLIN)) return kNotYet;
  return or_errno(::accept4(request.handle, nullptr, nullptr, SOCK_CLOEXEC));
}

std::int64_t attempt_connect(Request& request) {
  if (request.connecting) {
    if (!ready(request.handle, POLLOUT)) return kNotYet;
    int error = 0;
    socklen_t bytes = sizeof error;
    const int result = ::getsockopt(request.handle, SOL_SOCKET, SO_ERROR, &error, &bytes);
    return result < 0 ? -errno : -error;
  }
  const int flags = ::fcntl(request.handle, F_GETFL);
  if (flags < 0) return -errno;
  ::fcntl(request.handle, F_SETFL, flags | O_NONBLOCK);
  const std::int64_t result =
      or_errno(::connect(request.handle, static_cast<const sockaddr*>(request.data),
                         static_cast<socklen_t>(request.bytes)));
  ::fcntl(request.handle, F_SETFL, flags);
  if (result != -EINPROGRESS && result != -EINTR) return result;
  request.connecting = true;
  return kNotYet;
}

// A call that does not block, on what epoll can watch.
std::int64_t attempt(Request& request) {
  std::int64_t result = -EINTR;
  while (result == -EINTR) {
    switch (request.kind) {
      case Kind::receive:
        result = attempt_receive(request);
        break;
      case Kind::send:
      case Kind::write_stream:
        result = attempt_gather(request);
        break;
      case Kind::accept:
        result = attempt_accept(request);
        break;
      case Kind::connect:
        result = attempt_connect(request);
        break;
      default:
        ASSERT(false);
    }
  }
  return result;
}

// On a pool's thread.
void run_blocking(BlockingJob& job) {
  auto& request = static_cast<Request&>(job);
  do {
    switch (request.kind) {
      case Kind::open:
        request.result =
            or_errno(::open(static_cast<const char*>(request.data), request.flags, kFileMode));
        break;
      case Kind::read:
        request.result = or_errno(::pread(request.handle, request.buffer(), request.bytes,
                                          static_cast<off_t>(request.offset)));
        break;
      case Kind::sync:
        request.result = or_errno(is_directory(request.handle) ? ::fsync(request.handle)
                                                               : ::fdatasync(request.handle));
        break;
      case Kind::connect:
        request.result =
            or_errno(::connect(request.handle, static_cast<const sockaddr*>(request.data),
                               static_cast<socklen_t>(request.bytes)));
        break;
      default:
        ASSERT(false);
    }
  } while (request.result == -EINTR);
}

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
  EpollIo() : pool_(this, [](void* io) { static_cast<EpollIo*>(io)->wake_.raise(); }) {}
  ~EpollIo() override {
    if (epoll_ >= 0) ::close(epoll_);
  }
  base::Result<void> open_epoll();

  void open(Operation& operation, const char* path, Open how) override {
    Request& request = take(operation, Kind::open, kNoHandle);
    request.data = path;
    request.flags = open_flags(how);
    block(request);
  }
  void read(Operation& operation, Handle handle, std::span<char> into,
            std::uint64_t offset) override;
  void write(Operation& operation, Handle handle, std::span<const std::string_view> pieces,
             std::uint64_t offset) override {
    if (offset != kAtEnd || is_regular(handle)) {
      ready_.push(operation, write_all(handle, pieces, offset));
    } else {
      start_gather(operation, Kind::write_stream, handle, pieces);
    }
  }
  void sync(Operation& operation, Handle handle) override {
    block(take(operation, Kind::sync, handle));
  }
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
  void run_once(base::Duration wait_max) override;
  void wake() noexcept override { wake_.raise(); }
  const char* name() const override { return "epoll"; }

 private:
  Request& take(Operation& operation, Kind kind, Handle handle);
  void start_gather(Operation& operation, Kind kind, Handle handle,
                    std::span<const std::string_view> pieces);
  void block(Request& request);
  void start(Request& request);
  Waiters::Direction& direction_of(const Request& request);
  int arm(Handle handle);
  void unlink(const Request& request);
  void serve(Handle handle, std::uint32_t events);
  void serve(Waiters::Direction& direction);
  int wait(std::span<epoll_event> events, base::Duration wait_max);
  void take_finished();
  void finish(Request& request, std::int64_t result);

  int epoll_ = -1;
  bool woken_ = false;
  bool fine_waits_ = true;  // epoll_pwait2 is there
  WakeSignal wake_;
  std::deque<Request> requests_;  // never shrinks: as many as were ever in flight together
  Request* free_ = nullptr;
  std::vector<Waiters> waiters_;  // by descriptor
  ReadyList ready_;
  BlockingPool pool_;  // last: its threads use the members above
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
  Request* request = free_;
  if (request == nullptr) {
    request = &requests_.emplace_back();
  } else {
    free_ = request->next_waiting;
    *request = Request{};
  }
  request->operation = &operation;
  request->kind = kind;
  request->handle = handle;
  operation.backend = request;
  return *request;
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
  const iovec vector{.iov_base = into.data(), .iov_len = std::min(into.size(), kTransferBytesMax)};
  std::int64_t got = -EINTR;
  while (got == -EINTR) {
    got = or_errno(::preadv2(handle, &vector, 1, static_cast<off_t>(offset), RWF_NOWAIT));
  }
  // EAGAIN: not in memory. The others: file system, kernel or sandbox do not know RWF_NOWAIT.
  if (got != -EAGAIN && got != -EOPNOTSUPP && got != -ENOSYS && got != -EPERM) {
    ready_.push(operation, got);
    return;
  }
  Request& request = take(operation, Kind::read, handle);
  request.data = into.data();
  request.bytes = vector.iov_len;
  request.offset = offset;
  block(request);
}

void EpollIo::block(Request& request) {
  request.run = run_blocking;
  request.in_pool = true;
  pool_.submit(request);
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
      block(request);  // a Unix listener's queue is full, and epoll cannot tell when it is not
      return;
    }
    if (result != kNotYet) {
      finish(request, result);
      return;
    }
    direction.first = &request;
  } else {
    direction.last->next_waiting = &request;
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
    direction.first = request.next_waiting;
    finish(request, result);
  }
}

void EpollIo::cancel(Operation& operation) {
  if (operation.backend == nullptr) return;  // not started, or its result is known already
  Request& request = *static_cast<Request*>(operation.backend);
  if (request.in_pool) {
    if (pool_.withdraw(request)) finish(request, -ECANCELED);
    return;
  }
  unlink(request);
  finish(request, -ECANCELED);
}

void EpollIo::unlink(const Request& request) {
  Waiters::Direction& direction = direction_of(request);
  Request* previous = nullptr;
  Request* each = direction.first;
  while (each != &request) {
    previous = each;
    each = each->next_waiting;
  }
  (previous == nullptr ? direction.first : previous->next_waiting) = request.next_waiting;
  if (direction.last == &request) direction.last = previous;
}

void EpollIo::run_once(base::Duration wait_max) {
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
      take_finished();  // after clear(): what finishes later raises again
    }
    if (!ready_.empty() || woken_ || left <= base::Duration::zero()) break;
    if (timed) left = end - Steady::now();
  }
  ready_.run();
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

void EpollIo::take_finished() {
  BlockingJob* job = pool_.take_finished();
  while (job != nullptr) {
    auto& request = static_cast<Request&>(*job);
    job = job->next;
    finish(request, request.result);
  }
}

void EpollIo::finish(Request& request, std::int64_t result) {
  ready_.push(*request.operation, result);
  request.next_waiting = free_;
  free_ = &request;
}

}  // namespace

base::Result<std::unique_ptr<Io>> make_epoll_io() {
  auto io = std::make_unique<EpollIo>();
  TRY_VOID(io->open_epoll());
  return io;
}

}  // namespace io
