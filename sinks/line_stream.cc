#include "sinks/line_stream.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/packed_record.h"

namespace sinks {

void LineStream::start(std::span<pipeline::Batch* const> batches) {
  *this = LineStream{};
  batches_ = batches;
}

std::size_t LineStream::fill(std::span<char> into) {
  char* to = into.data();
  char* const end = to + into.size();
  while (to < end) {
    if (!newline_due_ && !next_record()) break;
    const std::size_t bytes = std::min(data_.size(), static_cast<std::size_t>(end - to));
    if (bytes > 0) std::memcpy(to, data_.data(), bytes);
    to += bytes;
    data_.remove_prefix(bytes);
    if (to == end) break;
    *to++ = '\n';
    newline_due_ = false;
  }
  return static_cast<std::size_t>(to - into.data());
}

std::uint64_t LineStream::skip(std::uint64_t bytes) {
  std::uint64_t skipped = 0;
  while (skipped < bytes) {
    if (!newline_due_ && !next_record()) break;
    const std::uint64_t part = std::min<std::uint64_t>(data_.size(), bytes - skipped);
    data_.remove_prefix(part);
    skipped += part;
    if (skipped == bytes) break;
    newline_due_ = false;
    ++skipped;
  }
  return skipped;
}

bool LineStream::next_record() {
  while (at_ == end_) {
    if (batches_.empty()) return false;
    const std::span<char> run = batches_.front()->run;
    at_ = run.data() + base::kRunHeaderBytes;
    end_ = run.data() + run.size();
    batches_ = batches_.subspan(1);
  }
  base::Record record;
  at_ = base::unpack(at_, end_, record);
  ASSERT(at_ != nullptr);  // we packed it ourselves
  data_ = record.data;
  newline_due_ = true;
  return true;
}

}  // namespace sinks
