#include "sources/page_manners.h"

#include <utility>

namespace sources {

void PageManners::read_on(io::Files& files, io::Handle handle, std::uint64_t position,
                          const Options& options) {
  if (position < from_) {  // the first, or it is gone through once more
    from_ = position;
    ours_ = false;
  }
  if (position - from_ < options.step_bytes) return;
  const std::uint64_t from = std::exchange(from_, position);
  const bool ours = std::exchange(ours_, false);
  const auto status = files.status(handle);
  if (!status || status->size < position + options.step_bytes) return;
  if (!std::exchange(sequential_, true)) files.advise(handle, io::PageAdvice::sequential, {});
  if (status->size <= options.file_bytes_max) return;
  if (ours) {
    files.advise(handle, io::PageAdvice::done_with, {.offset = from, .bytes = position - from});
  }
  // Further away than the kernel reads ahead of us.
  ours_ = !files.in_memory(handle, position + options.step_bytes - 1);
}

}  // namespace sources
