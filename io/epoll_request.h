// EpollRequest: one operation's state while it is in flight in epoll_io.cc, and the system calls
// that carry it out. Private to the epoll backend.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "io/blocking_pool.h"
#include "io/gather.h"
#include "io/io.h"

namespace io {

constexpr std::size_t kTransferBytesMax = std::size_t{1} << 30;  // well below the kernel's own 2^31
constexpr std::int64_t kNotYet = -EAGAIN;

enum class EpollKind : std::uint8_t {
  open,
  read,
  sync,
  receive,
  send,
  write_stream,
  write_file,
  accept,
  connect
};

// One operation's state while it is in flight. From a pool: none is allocated in steady state.
struct EpollRequest : BlockingJob {
  Operation* operation = nullptr;
  EpollRequest* next = nullptr;  // waiting for the same descriptor and direction; or the pool's
  EpollKind kind = EpollKind::open;
  bool in_pool = false;
  bool connecting = false;  // started; the next readiness tells how it went
  Handle handle = kNoHandle;
  int flags = 0;
  const void* data = nullptr;  // buffer, path or address
  std::size_t bytes = 0;
  std::uint64_t offset = 0;
  Gather gather;
  std::span<const std::string_view> pieces;  // of a write_file
  std::int64_t result = 0;

  char* buffer() const { return static_cast<char*>(const_cast<void*>(data)); }
  bool is_output() const {
    return kind == EpollKind::send || kind == EpollKind::write_stream || kind == EpollKind::connect;
  }
};

// A call that does not block, for what epoll can watch, whether or not the descriptor is
// O_NONBLOCK. Result: what the operation's `done` gets, or kNotYet: wait until the descriptor is
// ready.
std::int64_t attempt(EpollRequest& request);

// One plain pread that does not wait for a disk. kNotYet: it would, or nobody can tell.
std::int64_t read_from_memory(Handle handle, std::span<char> into, std::uint64_t offset);

// The call that may block: open, read, write_file, sync, connect. On a pool's thread.
void run_blocking(BlockingJob& job);

}  // namespace io
