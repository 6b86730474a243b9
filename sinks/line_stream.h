// LineStream: a group's records as text, each record's data and a newline, cut to fit any buffer.
//
// One copy per record and none of the group's size: a sink fills one fixed buffer again and again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "pipeline/batch.h"

namespace sinks {

class LineStream {
 public:
  // The batches and their bytes stay in place until the last fill().
  void start(std::span<pipeline::Batch* const> batches);
  // Writes the next bytes; as many as fit. 0: all are written.
  std::size_t fill(std::span<char> into);
  // Passes over the next `bytes`, which are somewhere safe already. Returns how many there were.
  std::uint64_t skip(std::uint64_t bytes);

 private:
  bool next_record();

  std::span<pipeline::Batch* const> batches_;  // not yet begun
  const char* at_ = nullptr;                   // next packed record of the present batch
  const char* end_ = nullptr;
  std::string_view data_;     // rest of the present record
  bool newline_due_ = false;  // its newline is not written yet
};

}  // namespace sinks
