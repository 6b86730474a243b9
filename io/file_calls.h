// FileCalls: a backend's operations that block a thread, because a disk, a directory or a listener
// keeps it waiting: carried out by a BlockingPool, whatever the backend.
//
// Not given to the ring: the kernel has to find a worker for each of them there, and where it may
// not start one (TasksMax, RLIMIT_NPROC) a request is cancelled or never answered. The pool runs a
// call on the owner's thread rather than never.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "io/blocking_pool.h"
#include "io/io.h"
#include "io/ready_list.h"
#include "io/request_pool.h"

namespace io {

// What Operation::backend points to: the beginning of every backend's own request.
struct InFlight {
  bool in_pool = false;  // a FileCall
};

enum class FileCallKind : std::uint8_t { open, read, write, sync, connect };

// One call. From a RequestPool: none is allocated in steady state.
struct FileCall : InFlight, BlockingJob {
  Operation* operation = nullptr;
  FileCall* next = nullptr;
  FileCallKind kind = FileCallKind::open;
  Handle handle = kNoHandle;
  int flags = 0;
  const void* data = nullptr;  // buffer, path or address
  std::size_t bytes = 0;
  std::uint64_t offset = 0;
  std::span<const std::string_view> pieces;
  std::int64_t result = 0;
};

class FileCalls {
 public:
  // `notify(owner)`: on a pool's thread, when take_finished() has something to take.
  FileCalls(ReadyList& ready, void* owner, void (*notify)(void* owner))
      : ready_(ready), pool_(owner, notify) {}

  void open(Operation& operation, const char* path, Open how);
  void read(Operation& operation, Handle handle, std::span<char> into, std::uint64_t offset);
  void write(Operation& operation, Handle handle, std::span<const std::string_view> pieces,
             std::uint64_t offset);
  void sync(Operation& operation, Handle handle);
  void connect(Operation& operation, Handle handle, const void* address, std::size_t bytes);

  // `operation.backend` is a FileCall. One that has begun ends as it ends.
  void cancel(Operation& operation);
  // Puts what is done into the ready list.
  void take_finished();

 private:
  FileCall& take(Operation& operation, FileCallKind kind, Handle handle);
  void finish(FileCall& call, std::int64_t result);

  ReadyList& ready_;
  RequestPool<FileCall> calls_;
  BlockingPool pool_;  // last: its threads use the calls
};

}  // namespace io
