#include "sinks/file_sink.h"

#include <cerrno>
#include <utility>

#include "base/assert.h"
#include "base/result.h"

namespace sinks {

FileSink::FileSink(const io::Environment& environment, std::string path)
    : environment_(environment), path_(std::move(path)), buffer_(kBufferBytes) {}

FileSink::~FileSink() = default;

void FileSink::deliver(Group& group) {
  ASSERT(group_ == nullptr);
  group_ = &group;
  if (file_) {
    begin();
    return;
  }
  operation_ = io::on<&FileSink::on_opened>(*this);
  environment_.io.open(operation_, path_.c_str(), io::Open::append);
}

void FileSink::on_opened(std::int64_t result) {
  if (result < 0) {
    fail(static_cast<int>(-result), "open ");
    return;
  }
  file_ = io::UniqueHandle(environment_.files, static_cast<io::Handle>(result));
  const base::Result<void> ready = open_end();
  if (!ready) {
    file_.reset();
    reason_ = ready.error().message + " (" + path_ + ")";
    answer(Outcome::retry);
    return;
  }
  begin();
}

// Learns where the file ends and cuts off what a failed group left, if it is ours to cut: the file
// ends where our writes can have brought it. What is not a regular file (a FIFO, a terminal) cannot
// be cut.
base::Result<void> FileSink::open_end() {
  const io::FileStatus status = TRY(environment_.files.status(file_.get()));
  file_bytes_ = status.size;
  if (status.kind == io::FileKind::regular && file_bytes_ > group_begin_ &&
      file_bytes_ <= half_end_) {
    TRY_VOID(environment_.files.truncate(file_.get(), group_begin_));
    file_bytes_ = group_begin_;
  }
  half_end_ = 0;
  return {};
}

void FileSink::begin() {
  group_begin_ = file_bytes_;
  stream_.start(group_->batches);
  write_next();
}

void FileSink::write_next() {
  const std::size_t bytes = stream_.fill(buffer_);
  if (bytes == 0) {
    answer(Outcome::delivered);
    return;
  }
  piece_ = std::string_view(buffer_.data(), bytes);
  operation_ = io::on<&FileSink::on_written>(*this);
  environment_.io.write(operation_, file_.get(), std::span(&piece_, 1), io::Io::kAtEnd);
}

void FileSink::on_written(std::int64_t result) {
  if (result == static_cast<std::int64_t>(piece_.size())) {
    file_bytes_ += piece_.size();
    write_next();
    return;
  }
  half_end_ = file_bytes_ + piece_.size();
  // At once, so that nobody sees half a line while we wait; if it fails, when the file is opened
  // next.
  (void)open_end();
  file_.reset();
  fail(result < 0 ? static_cast<int>(-result) : ENOSPC, "write ");
}

void FileSink::fail(int error, const char* doing) {
  reason_ = base::fail_system(error, doing + path_).error().message;
  answer(Outcome::retry);
}

void FileSink::answer(Outcome outcome) {
  Group& group = *std::exchange(group_, nullptr);
  group.done(group.owner, group, outcome, base::Duration(0));
}

}  // namespace sinks
