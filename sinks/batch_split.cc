#include "sinks/batch_split.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace sinks {

BatchSplit::BatchSplit(pipeline::Batch& whole) : whole_(whole) {
  ASSERT(whole.record_count > 1);
  const char* at = whole.run.data() + base::kRunHeaderBytes;
  const char* const end = whole.run.data() + whole.run.size();
  starts_.reserve(whole.record_count + 1U);
  starts_.push_back(at);
  base::Record record;
  for (std::uint32_t i = 0; i < whole.record_count; ++i) {
    at = base::unpack(at, end, record);
    ASSERT(at != nullptr);  // we packed it ourselves
    starts_.push_back(at);
  }
  bisection_.refused(count());
  cut();
}

void BatchSplit::delivered() {
  if (!any_delivered_) {
    whole_.first_sequence = piece_.first_sequence;
    any_delivered_ = true;
  }
  next_ += piece_.record_count;
  bisection_.delivered(piece_.record_count);
  cut();
}

bool BatchSplit::rejected(base::Record& culprit) {
  const bool alone = piece_.record_count == 1;
  if (alone) {
    ASSERT(base::unpack(starts_[next_], starts_[next_ + 1], culprit) != nullptr);
    ++next_;
    bisection_.found();
  } else {
    bisection_.refused(piece_.record_count);
  }
  cut();
  return alone;
}

void BatchSplit::cut() {
  if (finished()) return;
  const std::size_t records = bisection_.next_count(count() - next_);
  const char* const from = starts_[next_];
  const char* const to = starts_[next_ + records];
  const auto bytes = static_cast<std::size_t>(to - from);

  base::RunHeader header;
  std::memcpy(&header, whole_.run.data(), base::kRunHeaderBytes);
  if (next_ + records < count()) header.end_offset = 0;
  header.record_count = static_cast<std::uint32_t>(records);
  header.bytes = static_cast<std::uint32_t>(bytes);
  run_.resize(base::kRunHeaderBytes + bytes);
  std::memcpy(run_.data(), &header, base::kRunHeaderBytes);
  std::memcpy(run_.data() + base::kRunHeaderBytes, from, bytes);

  piece_.parcel = whole_.parcel;
  piece_.shard = whole_.shard;
  piece_.record_count = header.record_count;
  piece_.run = run_;
  piece_.first_sequence = 0;
}

}  // namespace sinks
