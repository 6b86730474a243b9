// UringRequest: one operation's state while the ring has it. Private to uring_io.cc; apart from it
// only because it needs nothing of liburing.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "io/blocking_calls.h"
#include "io/io.h"

namespace io {

enum class UringKind : std::uint8_t {
  open,
  read,
  sync,
  receive,
  send,
  write_stream,
  write_file,
  accept,
  connect,
  cancel,
  wake,
};

// What any thread can do with a plain call.
constexpr bool needs_no_ring(UringKind kind) {
  return kind == UringKind::open || kind == UringKind::sync || kind == UringKind::write_file;
}

// What a request not done in one go has in the kernel's hands.
struct UringVectors {
  msghdr header{};
  std::array<iovec, kPiecesTogether> pieces{};
  UringVectors* next = nullptr;
};

// One operation's state while it is in flight. From a pool: none is allocated in steady state.
struct UringRequest {
  Operation* operation = nullptr;  // none: the ring's own (cancel, wake)
  UringRequest* next = nullptr;    // in the free list or the backlog
  UringKind kind = UringKind::open;
  bool in_kernel = false;   // a completion is owed
  bool polling = false;     // that completion says "try again now"
  bool forced = false;      // was given to a worker thread
  bool not_socket = false;  // learned from ENOTSOCK
  bool cancelled = false;
  Handle handle = kNoHandle;
  int flags = 0;
  const void* data = nullptr;  // buffer, path, address or the request to cancel
  std::size_t bytes = 0;
  std::uint64_t offset = 0;
  Gather gather;
  UringVectors* vectors = nullptr;
};

inline std::int64_t run_here(UringRequest& request) {
  if (request.kind == UringKind::open) {
    return open_now(static_cast<const char*>(request.data), request.flags);
  }
  if (request.kind == UringKind::sync) return sync_now(request.handle);
  return write_rest(request.gather, request.handle, request.offset);
}

}  // namespace io
