// KeyedEntries: a keyed log's content in memory, and how it is written as records.
//
//   set       key, value                            no explicit hash key
//   erase     key, empty                            explicit hash key 1
//   snapshot  empty key, explicit hash key 2 (begin) or 3 (end); in between, every entry as a set
//
// A snapshot that is whole, from begin to end, replaces what was there: that forgets what was
// erased in segments that are damaged or gone. Without its end its entries count as ordinary sets.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/packed_record.h"

namespace store {

enum class EntryMark : std::uint8_t { erase = 1, snapshot_begin = 2, snapshot_end = 3 };

class KeyedEntries {
 public:
  using Map = std::map<std::string, std::string, std::less<>>;

  void set(std::string_view key, std::string_view value);
  void erase(std::string_view key);
  const Map& map() const { return map_; }

  // One record of the log. `whole`: no record was lost since the one before. True: it was the end
  // of a whole snapshot; nothing before it matters any more.
  bool replay(const base::Record& record, bool whole);

  // A snapshot as runs, each at most about kRunBytes long.
  static constexpr std::size_t kRunBytes = 128U << 10;
  std::vector<std::string> snapshot(std::int64_t arrival_us) const;

 private:
  Map map_;
  std::optional<Map> staged_;  // since a snapshot's begin
};

// Gathers records into one run.
class RunWriter {
 public:
  explicit RunWriter(std::string& run);
  void add(const base::Record& record);
  void add_mark(EntryMark mark, std::string_view key = {});
  void finish(std::int64_t arrival_us);
  std::uint32_t record_count() const { return header_.record_count; }

 private:
  std::string& run_;
  base::RunHeader header_;
};

}  // namespace store
