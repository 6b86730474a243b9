// UringRequest: one operation's state while the ring has it. Private to uring_io.cc; apart from it
// only because it needs nothing of liburing.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "io/gather.h"
#include "io/io.h"

namespace io {

constexpr std::size_t kVectorsPerRequest = 64;  // pieces of a send given to the kernel at once

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

// What a request not done in one go has in the kernel's hands.
struct UringVectors {
  msghdr header{};
  std::array<iovec, kVectorsPerRequest> pieces{};
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

}  // namespace io
