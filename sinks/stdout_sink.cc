#include "sinks/stdout_sink.h"

#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "base/result.h"

namespace sinks {

StdoutSink::StdoutSink(const io::Environment& environment, io::Handle out)
    : environment_(environment), out_(out), buffer_(kBufferBytes) {}

void StdoutSink::deliver(Group& group) {
  ASSERT(group_ == nullptr);
  group_ = &group;
  stream_.start(group.batches);
  // Given again after a failure: the same batches in the same order, so what was written is at its
  // front, however the groups are cut now.
  group_bytes_ = stream_.skip(ahead_bytes_);
  ahead_bytes_ -= group_bytes_;
  write_next();
}

void StdoutSink::write_next() {
  const std::size_t bytes = stream_.fill(buffer_);
  if (bytes == 0) {
    Group& group = *std::exchange(group_, nullptr);
    group.done(group.owner, group, Outcome::delivered, base::Duration(0));
    return;
  }
  piece_ = std::string_view(buffer_.data(), bytes);
  operation_ = io::on<&StdoutSink::on_written>(*this);
  environment_.io.write(operation_, out_, std::span(&piece_, 1), io::Io::kAtEnd);
}

void StdoutSink::on_written(std::int64_t result) {
  if (result == static_cast<std::int64_t>(piece_.size())) {
    group_bytes_ += piece_.size();
    write_next();
    return;
  }
  fail(result < 0 ? static_cast<int>(-result) : EIO);
}

void StdoutSink::fail(int error) {
  if (error == EPIPE) reader_gone_ = true;
  reason_ = base::fail_system(error, "write to standard output").error().message;
  ahead_bytes_ = group_bytes_;
  Group& group = *std::exchange(group_, nullptr);
  group.done(group.owner, group, Outcome::retry, base::Duration(0));
}

}  // namespace sinks
