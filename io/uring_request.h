// UringRequest: one operation's state while the ring has it. Private to uring_io.cc; apart from it
// only because it needs nothing of liburing.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "io/blocking_calls.h"
#include "io/file_calls.h"
#include "io/gather.h"
#include "io/io.h"

namespace io {

enum class UringKind : std::uint8_t {
  read,
  receive,
  send,
  write_stream,
  accept,
  connect,
  cancel,
  wake,
};

// What a request not done in one go has in the kernel's hands.
struct UringVectors {
  msghdr header{};
  std::array<iovec, kPiecesTogether> pieces{};
  UringVectors* next = nullptr;
};

// One operation's state while it is in flight. From a pool: none is allocated in steady state.
struct UringRequest : InFlight {
  Operation* operation = nullptr;  // none: the ring's own (cancel, wake)
  UringRequest* next = nullptr;    // in the free list or the backlog
  UringKind kind = UringKind::read;
  bool in_kernel = false;   // a completion is owed
  bool polling = false;     // that completion says "try again now"
  bool not_socket = false;  // learned from ENOTSOCK
  bool cancelled = false;
  Handle handle = kNoHandle;
  const void* data = nullptr;  // buffer, address or the request to cancel
  std::size_t bytes = 0;
  std::uint64_t offset = 0;
  Gather gather;
  UringVectors* vectors = nullptr;
};

}  // namespace io
