// Io: the one way a reactor talks to the kernel while it runs. Three backends keep the same
// promises: io_uring (uring_io), epoll with a blocking pool (epoll_io) and the simulator
// (tests/sim).
//
// Promises:
//  * `done` runs exactly once per started operation, always from run_once() on the owner's thread,
//    never from inside the call that started it: no recursion, no stack surprise.
//  * All completions of one run_once() are collected first and called after. A `done` may start new
//    operations, the same one again included.
//  * Operations on different handles complete in any order. One owner who needs an order starts the
//    next when the last is done.
//  * Memory handed to an operation (buffers, the array of pieces, the path, the Operation itself)
//    stays valid and in place until `done` has run.
//
// One Io per thread; only wake() may be called by another.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/ids.h"

namespace io {

using Handle = int;  // a descriptor, or the simulator's number for one; -1: none
constexpr Handle kNoHandle = -1;

// One request in flight. It is a member of the object that waits for it, so requests never allocate
// and their number is bounded by the number of owners. Must not move or die before `done` has run.
struct Operation {
  void* owner = nullptr;
  void (*done)(void* owner, std::int64_t result) = nullptr;  // >= 0: count or handle; < 0: -errno
  Operation* next = nullptr;                                 // backend's own list
  std::int64_t result = 0;                                   // backend's own
  void* backend = nullptr;                                   // backend's own state while in flight
};

// An operation whose completion calls (owner.*Method)(result).
template <auto Method, typename Owner>
Operation on(Owner& owner) {
  Operation operation;
  operation.owner = &owner;
  operation.done = [](void* o, std::int64_t result) { (static_cast<Owner*>(o)->*Method)(result); };
  return operation;
}

enum class Open : std::uint8_t {
  read,        // O_RDONLY | O_NONBLOCK | O_NOCTTY: never hangs on a FIFO
  update,      // O_RDWR, must exist
  create_new,  // O_RDWR | O_CREAT | O_EXCL, mode 0640
  append,      // O_WRONLY | O_CREAT | O_APPEND, mode 0640
  directory,   // O_RDONLY | O_DIRECTORY: to sync or watch it
};

class Io {
 public:
  Io() = default;
  Io(const Io&) = delete;
  Io& operator=(const Io&) = delete;
  virtual ~Io() = default;

  // Result: a handle the caller must give to Files::close.
  virtual void open(Operation&, const char* path, Open how) = 0;
  // One pread. Result: bytes read, maybe fewer than asked; 0 at the end of the file.
  virtual void read(Operation&, Handle, std::span<char> into, std::uint64_t offset) = 0;
  // All of `pieces` at `offset`, in order, or an error after any part of them. Result: bytes
  // written. At kAtEnd: appends where the file ends (for files opened with Open::append, and for
  // pipes).
  virtual void write(Operation&, Handle, std::span<const std::string_view> pieces,
                     std::uint64_t offset) = 0;
  // fdatasync, or fsync of a directory. Result: 0.
  virtual void sync(Operation&, Handle) = 0;

  // Sockets, pipes and inotify descriptors: waits until there is something. Result: bytes; 0:
  // closed.
  virtual void receive(Operation&, Handle, std::span<char> into) = 0;
  // All of `pieces`, in order. Result: bytes sent.
  virtual void send(Operation&, Handle, std::span<const std::string_view> pieces) = 0;
  // Result: the new connection's handle.
  virtual void accept(Operation&, Handle listener) = 0;
  // `address`: the bytes of a sockaddr. Result: 0.
  virtual void connect(Operation&, Handle, std::string_view address) = 0;

  // Asks for an early end: `done` still runs, with -ECANCELED or whatever came first.
  virtual void cancel(Operation&) = 0;

  // Submits what was started, waits at most `wait_max` for the first completion, then calls every
  // due `done`. `wait_max` 0: does not wait; kForever: until a completion or wake(). False: there
  // was neither a completion nor a wake().
  virtual bool run_once(base::Duration wait_max) = 0;
  // Ends the present or the next wait early. Any thread, any time; cheap when repeated.
  virtual void wake() noexcept = 0;

  virtual const char* name() const = 0;  // "io_uring", "epoll", "simulated"

  static constexpr std::uint64_t kAtEnd = ~std::uint64_t{0};
  static constexpr base::Duration kForever = base::Duration::max();
};

}  // namespace io
