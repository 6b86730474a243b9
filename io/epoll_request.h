// EpollRequest: one operation's state while it is in flight in epoll_io.cc, and the system calls
// that carry it out. Private to the epoll backend.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "io/file_calls.h"
#include "io/gather.h"
#include "io/io.h"

namespace io {

constexpr std::size_t kTransferBytesMax = std::size_t{1} << 30;  // well below the kernel's own 2^31
constexpr std::int64_t kNotYet = -EAGAIN;

enum class EpollKind : std::uint8_t { receive, send, write_stream, accept, connect };

// One operation's state while it is in flight. From a pool: none is allocated in steady state.
struct EpollRequest : InFlight {
  Operation* operation = nullptr;
  EpollRequest* next = nullptr;  // waiting for the same descriptor and direction; or the pool's
  EpollKind kind = EpollKind::receive;
  bool connecting = false;  // started; the next readiness tells how it went
  Handle handle = kNoHandle;
  const void* data = nullptr;  // buffer or address
  std::size_t bytes = 0;
  Gather gather;

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

}  // namespace io
