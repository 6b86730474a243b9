#include "store/keyed_entries.h"

#include <cstring>

#include "store/format.h"

namespace store {

void KeyedEntries::set(std::string_view key, std::string_view value) {
  const auto at = map_.find(key);
  if (at == map_.end()) {
    map_.emplace(key, value);
  } else {
    at->second = value;
  }
}

void KeyedEntries::erase(std::string_view key) {
  const auto at = map_.find(key);
  if (at != map_.end()) map_.erase(at);
}

bool KeyedEntries::replay(const base::Record& record, bool whole) {
  if (!whole) staged_.reset();
  if (!record.hash) {
    set(record.key, record.data);
    if (staged_) staged_->insert_or_assign(std::string(record.key), std::string(record.data));
  } else if (*record.hash == static_cast<base::HashKey>(EntryMark::erase)) {
    erase(record.key);
    if (staged_) staged_->erase(std::string(record.key));
  } else if (*record.hash == static_cast<base::HashKey>(EntryMark::snapshot_begin)) {
    staged_.emplace();
  } else if (*record.hash == static_cast<base::HashKey>(EntryMark::snapshot_end) && staged_) {
    map_ = std::move(*staged_);
    staged_.reset();
    return true;
  }
  return false;
}

std::vector<std::string> KeyedEntries::snapshot(std::int64_t arrival_us) const {
  std::vector<std::string> runs(1);
  auto writer = std::make_optional<RunWriter>(runs.back());
  writer->add_mark(EntryMark::snapshot_begin);
  for (const auto& [key, value] : map_) {
    if (runs.back().size() >= kRunBytes) {
      writer->finish(arrival_us);
      writer.reset();
      runs.emplace_back();
      writer.emplace(runs.back());
    }
    writer->add({.key = key, .data = value, .hash = std::nullopt});
  }
  writer->add_mark(EntryMark::snapshot_end);
  writer->finish(arrival_us);
  return runs;
}

RunWriter::RunWriter(std::string& run) : run_(run) { run_.assign(base::kRunHeaderBytes, '\0'); }

void RunWriter::add(const base::Record& record) {
  const std::size_t at = run_.size();
  run_.resize(at + base::packed_bytes(record));
  base::pack(record, run_.data() + at);
  ++header_.record_count;
}

void RunWriter::add_mark(EntryMark mark, std::string_view key) {
  add({.key = key, .data = {}, .hash = static_cast<base::HashKey>(mark)});
}

void RunWriter::finish(std::int64_t arrival_us) {
  header_.arrival_us = arrival_us;
  header_.bytes = static_cast<std::uint32_t>(run_.size() - base::kRunHeaderBytes);
  std::memcpy(run_.data(), &header_, sizeof header_);
}

}  // namespace store
