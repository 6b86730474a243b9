#include "store/run_reader.h"

#include <algorithm>

#include "store/block.h"

namespace store {

void RunReader::start(const BlockHeader& header, std::string_view payload) {
  payload_ = payload;
  run_ = {};
  left_ = 0;
  sequence_ = header.first_sequence;
  end_sequence_ = store::end_sequence(header);
  arrival_us_ = header.first_arrival_us;
}

bool RunReader::next_run() {
  base::RunHeader header;
  if (!front_run(payload_, header)) return false;
  run_ = payload_.substr(base::kRunHeaderBytes, header.bytes);
  payload_.remove_prefix(base::kRunHeaderBytes + header.bytes);
  left_ = header.record_count;
  origin_ = header.origin;
  arrival_us_ = std::max(arrival_us_, header.arrival_us);
  return true;
}

bool RunReader::next(base::Record& record) {
  while (left_ == 0) {
    if (!next_run()) return false;
  }
  const char* const end = run_.data() + run_.size();
  const char* const after = base::unpack(run_.data(), end, record);
  if (after == nullptr || sequence_ == end_sequence_) {
    stop();
    left_ = 0;
    return false;
  }
  run_ = {after, static_cast<std::size_t>(end - after)};
  --left_;
  ++sequence_;
  return true;
}

}  // namespace store
