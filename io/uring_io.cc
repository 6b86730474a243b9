#include "io/uring_io.h"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/assert.h"
#include "io/blocking_calls.h"
#include "io/file_calls.h"
#include "io/ready_list.h"
#include "io/request_pool.h"
#include "io/uring_request.h"
#include "io/wake_signal.h"

namespace io {
namespace {

constexpr unsigned kSubmissionEntries = 256;
constexpr unsigned kCompletionEntries = 4096;  // the kernel keeps what does not fit
constexpr std::size_t kTransferBytesMax = std::size_t{1} << 30;  // lengths in the ring are 32 bits

// Kernel threads a reactor may cause, for files and for what can block without end. Nothing we ask
// for needs one (io/file_calls.h); they would count against the service's TasksMax.
constexpr std::array<unsigned, 2> kWorkersMax = {1, 1};

// Without these (Linux 5.11) completions could be lost, sockets would block a worker each, or a
// wait with a limit would need a request of its own.
constexpr unsigned kFeaturesNeeded =
    IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG;

constexpr unsigned kSetupAlways = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
constexpr std::array<unsigned, 3> kSetups = {
    // Linux 6.1: completions are worked off only when we ask, on our thread, without interrupting
    // it.
    kSetupAlways | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG |
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    // Linux 5.19: at least without interrupting it.
    kSetupAlways | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_COOP_TASKRUN,
    kSetupAlways,
};

using Kind = UringKind;
using Request = UringRequest;
using Vectors = UringVectors;

class UringIo final : public Io {
 public:
  UringIo() : files_(ready_, this, [](void* io) { static_cast<UringIo*>(io)->wake_.raise(); }) {}
  ~UringIo() override;
  base::Result<void> open_ring();

  void open(Operation& operation, const char* path, Open how) override {
    files_.open(operation, path, how);
  }
  void read(Operation& operation, Handle handle, std::span<char> into,
            std::uint64_t offset) override {
    Request& request = take(operation, Kind::read, handle);
    request.data = into.data();
    request.bytes = std::min(into.size(), kTransferBytesMax);
    request.offset = offset;
    start(request);
  }
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
  const char* name() const override { return "io_uring"; }

 private:
  Request& take(Operation& operation, Kind kind, Handle handle);
  void start_gather(Operation& operation, Kind kind, Handle handle,
                    std::span<const std::string_view> pieces);
  void start(Request& request);
  bool submit_to_ring(Request& request);
  void prepare(Request& request, io_uring_sqe& sqe);
  void prepare_gather(Request& request, io_uring_sqe& sqe);
  void drain_backlog();
  void enter(base::Duration wait_max);
  void collect();
  void completed(Request& request, int result);
  void attempted(Request& request, int result);
  void read_from_disk(Request& request);
  void progressed(Request& request, int bytes);
  void poll_again(Request& request);
  void finish(Request& request, std::int64_t result);
  void release(Request& request);
  void arm_wake();

  io_uring ring_{};
  bool open_ = false;
  bool closing_ = false;
  bool woken_ = false;
  WakeSignal wake_;
  std::uint64_t wake_count_ = 0;  // where the ring reads the eventfd to
  RequestPool<Request> requests_;
  RequestPool<Vectors> vectors_;
  ReadyList ready_;
  Request* backlog_first_ = nullptr;  // started, but the submission queue was full
  Request* backlog_last_ = nullptr;
  std::size_t in_kernel_ = 0;  // completions owed
  FileCalls files_;            // last: its threads use the members above
};

base::Result<void> UringIo::open_ring() {
  int result = -EINVAL;
  for (const unsigned setup : kSetups) {
    io_uring_params parameters{};
    parameters.flags = setup;
    parameters.cq_entries = kCompletionEntries;
    result = io_uring_queue_init_params(kSubmissionEntries, &ring_, &parameters);
    if (result != -EINVAL) break;
  }
  if (result < 0) return base::fail_system(-result, "io_uring_setup");
  open_ = true;
  if ((ring_.features & kFeaturesNeeded) != kFeaturesNeeded) {
    return base::fail_system(ENOSYS, "io_uring features of Linux 5.11");
  }
  TRY_VOID(wake_.open());
  // Both only make it better; kernels before 5.15 and 5.18 do not know them.
  std::array<unsigned, 2> workers = kWorkersMax;
  io_uring_register_iowq_max_workers(&ring_, workers.data());
  io_uring_register_ring_fd(&ring_);
  arm_wake();
  return {};
}

UringIo::~UringIo() {
  if (!open_) return;
  // The kernel must not touch anybody's buffers after this: cancel all, wait for every completion.
  closing_ = true;
  backlog_first_ = backlog_last_ = nullptr;
  const std::size_t count = requests_.all().size();  // cancels come behind
  for (std::size_t i = 0; i < count; ++i) {
    Request& target = requests_.all()[i];
    if (!target.in_kernel || target.kind == Kind::cancel) continue;
    Request& request = requests_.take();
    request.kind = Kind::cancel;
    request.data = &target;
    while (!submit_to_ring(request)) collect();
  }
  while (in_kernel_ != 0) {
    const int result = io_uring_submit_and_wait(&ring_, 1);
    // EEXIST: destroyed by another thread than its owner. If the owner has ended, so has everything
    // it started.
    if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) break;
    collect();
  }
  io_uring_queue_exit(&ring_);
}

Request& UringIo::take(Operation& operation, Kind kind, Handle handle) {
  DEBUG_ASSERT(operation.backend == nullptr);  // started twice
  Request& request = requests_.take();
  request.operation = &operation;
  request.kind = kind;
  request.handle = handle;
  operation.backend = static_cast<InFlight*>(&request);
  return request;
}

void UringIo::start_gather(Operation& operation, Kind kind, Handle handle,
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

void UringIo::start(Request& request) {
  // Behind what waits already: a cancel must not overtake its target.
  if (backlog_first_ == nullptr && submit_to_ring(request)) return;
  request.next = nullptr;
  if (backlog_last_ == nullptr) {
    backlog_first_ = &request;
  } else {
    backlog_last_->next = &request;
  }
  backlog_last_ = &request;
}

bool UringIo::submit_to_ring(Request& request) {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  if (sqe == nullptr) {
    io_uring_submit(&ring_);  // its errors pass (EAGAIN, EBUSY): there is space afterwards, or not
    sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) return false;
  }
  prepare(request, *sqe);
  io_uring_sqe_set_data(sqe, &request);
  request.in_kernel = true;
  ++in_kernel_;
  return true;
}

void UringIo::prepare(Request& request, io_uring_sqe& sqe) {
  void* const buffer = const_cast<void*>(request.data);
  const auto bytes = static_cast<unsigned>(request.bytes);
  if (request.polling) {
    const bool out = request.kind == Kind::send || request.kind == Kind::write_stream;
    io_uring_prep_poll_add(&sqe, request.handle, out ? POLLOUT : POLLIN);
    return;
  }
  switch (request.kind) {
    case Kind::read:
      io_uring_prep_read(&sqe, request.handle, buffer, bytes, request.offset);
      sqe.rw_flags = RWF_NOWAIT;  // else the kernel takes a worker where it cannot do without
      break;
    case Kind::receive:
      if (request.not_socket) {
        io_uring_prep_read(&sqe, request.handle, buffer, bytes, kAtEnd);
      } else {
        io_uring_prep_recv(&sqe, request.handle, buffer, request.bytes, 0);
      }
      break;
    case Kind::send:
    case Kind::write_stream:
      prepare_gather(request, sqe);
      break;
    case Kind::accept:
      io_uring_prep_accept(&sqe, request.handle, nullptr, nullptr, SOCK_CLOEXEC);
      break;
    case Kind::connect:
      io_uring_prep_connect(&sqe, request.handle, static_cast<const sockaddr*>(request.data),
                            bytes);
      break;
    case Kind::cancel:
      io_uring_prep_cancel(&sqe, buffer, 0);
      break;
    case Kind::wake:
      io_uring_prep_read(&sqe, wake_.descriptor(), &wake_count_, sizeof wake_count_, 0);
      break;
  }
}

void UringIo::prepare_gather(Request& request, io_uring_sqe& sqe) {
  if (request.vectors == nullptr) request.vectors = &vectors_.take();
  Vectors& vectors = *request.vectors;
  const std::size_t count = request.gather.fill(vectors.pieces, kTransferBytesMax);
  if (request.kind == Kind::write_stream || request.not_socket) {
    io_uring_prep_writev(&sqe, request.handle, vectors.pieces.data(), static_cast<unsigned>(count),
                         kAtEnd);
    return;
  }
  vectors.header.msg_iov = vectors.pieces.data();
  vectors.header.msg_iovlen = count;
  io_uring_prep_sendmsg(&sqe, request.handle, &vectors.header, MSG_NOSIGNAL);
}

void UringIo::drain_backlog() {
  while (backlog_first_ != nullptr) {
    Request& request = *backlog_first_;
    Request* const next = request.next;
    if (request.cancelled) {
      finish(request, -ECANCELED);
    } else if (!submit_to_ring(request)) {
      return;
    }
    backlog_first_ = next;
    if (next == nullptr) backlog_last_ = nullptr;
  }
}

void UringIo::cancel(Operation& operation) {
  if (operation.backend == nullptr) return;  // not started, or its result is known already
  auto& in_flight = *static_cast<InFlight*>(operation.backend);
  if (in_flight.in_pool) {
    files_.cancel(operation);
    return;
  }
  auto& target = static_cast<Request&>(in_flight);
  if (target.cancelled) return;
  target.cancelled = true;
  if (!target.in_kernel) return;  // in the backlog: never reaches the kernel
  Request& request = requests_.take();
  request.kind = Kind::cancel;
  request.data = &target;
  start(request);
}

bool UringIo::run_once(base::Duration wait_max) {
  using Steady = std::chrono::steady_clock;
  const bool timed = wait_max > base::Duration::zero() && wait_max != kForever;
  const Steady::time_point end = timed ? Steady::now() + wait_max : Steady::time_point{};
  woken_ = false;
  base::Duration left = wait_max;
  while (true) {
    drain_backlog();
    enter(ready_.empty() ? left : base::Duration::zero());
    collect();
    // A wait may end for something that is nobody's completion yet, like a socket that is ready for
    // the next part of a send.
    if (!ready_.empty() || woken_ || left <= base::Duration::zero()) break;
    if (timed) left = end - Steady::now();
  }
  const bool any = woken_ || !ready_.empty();
  ready_.run();
  return any;
}

void UringIo::enter(base::Duration wait_max) {
  if (wait_max <= base::Duration::zero()) {
    const unsigned pending =
        IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
    if (io_uring_sq_ready(&ring_) != 0 || pending != 0) io_uring_submit_and_get_events(&ring_);
    return;
  }
  // Errors pass: EINTR, ETIME, and EAGAIN or EBUSY until completions have been collected.
  if (wait_max == kForever) {
    io_uring_submit_and_wait(&ring_, 1);
    return;
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wait_max);
  __kernel_timespec limit{.tv_sec = seconds.count(), .tv_nsec = (wait_max - seconds).count()};
  io_uring_cqe* first = nullptr;
  io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
}

void UringIo::collect() {
  while (true) {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      ++count;
      auto& request = *static_cast<Request*>(io_uring_cqe_get_data(cqe));
      request.in_kernel = false;
      --in_kernel_;
      completed(request, cqe->res);
    }
    io_uring_cq_advance(&ring_, count);
    if (!io_uring_cq_has_overflow(&ring_)) return;
    io_uring_get_events(&ring_);  // moves what the kernel kept into the freed places
  }
}

void UringIo::completed(Request& request, int result) {
  if (request.kind == Kind::cancel || closing_) {
    release(request);
  } else if (request.kind == Kind::wake) {
    ASSERT(result == sizeof wake_count_ || result == -EINTR || result == -EAGAIN);
    release(request);
    wake_.clear();
    woken_ = true;
    files_.take_finished();  // after clear(): what finishes later raises again
    arm_wake();
  } else if (request.cancelled && (result < 0 || request.polling)) {
    finish(request, -ECANCELED);  // a worker that was interrupted says EINTR
  } else if (!request.polling) {
    attempted(request, result);
  } else if (result < 0) {
    finish(request, result);
  } else {
    request.polling = false;
    start(request);
  }
}

void UringIo::attempted(Request& request, int result) {
  if (request.kind == Kind::read && (result == -EAGAIN || result == -EOPNOTSUPP)) {
    read_from_disk(request);
    return;
  }
  switch (result) {
    case -EINTR:
      start(request);
      return;
    case -ENOTSOCK:
      if (request.kind == Kind::receive && !request.not_socket) {
        request.not_socket = true;
        poll_again(request);
      } else if (request.kind == Kind::send && !request.not_socket) {
        request.not_socket = true;
        start(request);
      } else {
        finish(request, result);
      }
      return;
    case -EAGAIN:
      // Descriptors opened with O_NONBLOCK: the ring takes it literally.
      if (request.kind == Kind::connect) {
        finish(request, result);
      } else {
        poll_again(request);
      }
      return;
    default:
      break;
  }
  const bool gathers = request.kind == Kind::send || request.kind == Kind::write_stream;
  if (gathers && result >= 0) {
    progressed(request, result);
  } else {
    finish(request, result);
  }
}

// It is not in memory, or the file system cannot tell.
void UringIo::read_from_disk(Request& request) {
  Operation& operation = *request.operation;
  operation.backend = nullptr;
  files_.read(operation, request.handle,
              {static_cast<char*>(const_cast<void*>(request.data)), request.bytes}, request.offset);
  release(request);
}

void UringIo::progressed(Request& request, int bytes) {
  request.gather.advance(static_cast<std::uint64_t>(bytes));
  if (request.gather.done()) {
    finish(request, static_cast<std::int64_t>(request.gather.written_bytes()));
  } else if (request.cancelled) {
    finish(request, -ECANCELED);
  } else if (bytes == 0) {
    finish(request, -EIO);  // no error and no progress: must not happen, must not spin
  } else {
    start(request);
  }
}

void UringIo::poll_again(Request& request) {
  request.polling = true;
  start(request);
}

void UringIo::finish(Request& request, std::int64_t result) {
  Operation& operation = *request.operation;
  release(request);
  ready_.push(operation, result);
}

void UringIo::release(Request& request) {
  if (request.vectors != nullptr) vectors_.give_back(*request.vectors);
  requests_.give_back(request);
}

void UringIo::arm_wake() {
  Request& request = requests_.take();
  request.kind = Kind::wake;
  start(request);
}

}  // namespace

base::Result<std::unique_ptr<Io>> make_uring_io() {
  auto io = std::make_unique<UringIo>();
  TRY_VOID(io->open_ring());
  return io;
}

}  // namespace io
