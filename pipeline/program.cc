#include "pipeline/program.h"

#include <string_view>

namespace pipeline {

Program::Program(ProgramOptions options)
    : framer_(options.framer), empty_lines_(options.empty_lines) {
  if (options.groups.by != GroupLines::off) {
    groups_.emplace(options.groups, options.framer.line_bytes_max);
  }
  const PartitionKey& key = options.partition_key;
  switch (key.kind) {
    case PartitionKey::Kind::random:
      break;
    case PartitionKey::Kind::constant:
      shared_key_bytes_ = key.text.size();
      shared_key_ = key.text + std::string(kPaddingBytes, '\0');
      break;
    case PartitionKey::Kind::field:
      key_reader_.emplace(key.text);
      break;
  }
}

void Program::run(const Chunk& chunk, RecordBlock& block) {
  FramerCounters framer;
  framer_.split(chunk, block, framer);
  if (groups_) {
    GroupCounters groups;
    groups_->join(chunk, block, groups);
    counters_.lines_grouped.add(groups.lines_grouped);
    counters_.groups_cut.add(groups.groups_cut);
  }
  if (empty_lines_ == EmptyLines::skip) leave_out_empty(block);
  fill_keys(block);
  count(block, framer);
}

void Program::run_long_line(const Chunk& chunk, std::uint64_t line_bytes, RecordBlock& block) {
  FramerCounters framer;
  framer_.take_long_line(chunk, line_bytes, block, framer);
  fill_keys(block);
  count(block, framer);
}

// Behind the groups: an empty line in the middle of one is part of it. `consumed` stays, so the
// source passes over them.
void Program::leave_out_empty(RecordBlock& block) {
  const std::size_t count = block.size();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count; ++i) {
    block.data[kept] = block.data[i];
    block.offset[kept] = block.offset[i];
    if (!block.reject.empty()) block.reject[kept] = block.reject[i];
    kept += block.data[i].empty() ? 0 : 1;
  }
  if (kept == count) return;
  block.data.resize(kept);
  block.offset.resize(kept);
  if (!block.reject.empty()) block.reject.resize(kept);
  counters_.lines_skipped_empty.add(count - kept);
}

void Program::fill_keys(RecordBlock& block) {
  block.shared_key = std::string_view(shared_key_).substr(0, shared_key_bytes_);
  if (key_reader_) counters_.keys_missing.add(key_reader_->read(block));
}

void Program::count(const RecordBlock& block, const FramerCounters& framer) {
  counters_.records.add(block.size());
  counters_.bytes.add(block.consumed);
  counters_.lines_split.add(framer.lines_split);
  counters_.lines_truncated.add(framer.lines_truncated);
  counters_.lines_rejected.add(framer.lines_rejected);
  counters_.bytes_truncated.add(framer.bytes_truncated);
}

}  // namespace pipeline
