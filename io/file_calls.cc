#include "io/file_calls.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/assert.h"
#include "io/blocking_calls.h"
#include "io/open_flags.h"

namespace io {
namespace {

std::int64_t carry_out(const FileCall& call) {
  switch (call.kind) {
    case FileCallKind::open:
      return open_now(static_cast<const char*>(call.data), call.flags);
    case FileCallKind::read:
      return read_now(call.handle, {static_cast<char*>(const_cast<void*>(call.data)), call.bytes},
                      call.offset);
    case FileCallKind::write:
      return write_all(call.handle, call.pieces, call.offset);
    case FileCallKind::sync:
      return sync_now(call.handle);
    case FileCallKind::connect:
      return connect_now(call.handle, call.data, call.bytes);
  }
  return -EINVAL;
}

void run(BlockingJob& job) {
  auto& call = static_cast<FileCall&>(job);
  call.result = carry_out(call);
}

}  // namespace

void FileCalls::open(Operation& operation, const char* path, Open how) {
  FileCall& call = take(operation, FileCallKind::open, kNoHandle);
  call.data = path;
  call.flags = open_flags(how);
  pool_.submit(call);
}

void FileCalls::read(Operation& operation, Handle handle, std::span<char> into,
                     std::uint64_t offset) {
  FileCall& call = take(operation, FileCallKind::read, handle);
  call.data = into.data();
  call.bytes = into.size();
  call.offset = offset;
  pool_.submit(call);
}

void FileCalls::write(Operation& operation, Handle handle, std::span<const std::string_view> pieces,
                      std::uint64_t offset) {
  FileCall& call = take(operation, FileCallKind::write, handle);
  call.pieces = pieces;
  call.offset = offset;
  pool_.submit(call);
}

void FileCalls::sync(Operation& operation, Handle handle) {
  pool_.submit(take(operation, FileCallKind::sync, handle));
}

void FileCalls::connect(Operation& operation, Handle handle, const void* address,
                        std::size_t bytes) {
  FileCall& call = take(operation, FileCallKind::connect, handle);
  call.data = address;
  call.bytes = bytes;
  pool_.submit(call);
}

void FileCalls::cancel(Operation& operation) {
  auto& call = static_cast<FileCall&>(*static_cast<InFlight*>(operation.backend));
  if (pool_.withdraw(call)) finish(call, -ECANCELED);
}

void FileCalls::take_finished() {
  BlockingJob* job = pool_.take_finished();
  while (job != nullptr) {
    auto& call = static_cast<FileCall&>(*job);
    job = job->next_job;
    finish(call, call.result);
  }
}

FileCall& FileCalls::take(Operation& operation, FileCallKind kind, Handle handle) {
  DEBUG_ASSERT(operation.backend == nullptr);  // started twice
  FileCall& call = calls_.take();
  call.in_pool = true;
  call.run = run;
  call.operation = &operation;
  call.kind = kind;
  call.handle = handle;
  operation.backend = static_cast<InFlight*>(&call);
  return call;
}

void FileCalls::finish(FileCall& call, std::int64_t result) {
  ready_.push(*call.operation, result);
  calls_.give_back(call);
}

}  // namespace io
