// StoredLines: what a stream holds, read shard by shard with cursors as any other process would,
// and judged: every line once, in order within each file and shard, not a byte changed.
//
// May read while an agent writes, is killed and comes back: what a cursor has shown must stay true.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/files.h"
#include "store/cursor.h"

namespace storm {

class StoredLines {
 public:
  static constexpr std::size_t kComplaintsMax = 20;

  // `files` must outlive it. Writers 0 … writers - 1 write lines 0 … lines - 1 each.
  StoredLines(io::Files& files, std::string data_dir, std::string stream, std::uint32_t writers,
              std::uint64_t lines);

  // A file's lines are in several files: no order between them.
  void expect_copies() { ordered_ = false; }

  // Reads what is there now and has not been read. The stream need not exist yet.
  base::Result<void> read_on();

  std::uint64_t seen_below(std::uint32_t writer) const { return seen_below_[writer]; }
  // Every line below it has been seen.
  std::uint64_t complete_below(std::uint32_t writer);
  std::uint64_t records() const { return records_; }
  std::uint64_t doubled() const { return doubled_; }
  std::uint64_t missing() const;
  // Everything that is wrong; empty: nothing. `complete`: every line should be there by now.
  std::vector<std::string> complaints(bool complete) const;

 private:
  bool ordered_ = true;
  struct Shard {
    store::Cursor cursor;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> next;  // writer, generation
  };

  base::Result<bool> find_shards();
  void judge(std::size_t shard, const store::StoredRecord& record);
  void complain(std::string text);

  io::Files& files_;
  std::string data_dir_, stream_;
  std::uint64_t lines_;
  std::vector<Shard> shards_;
  std::vector<std::vector<bool>> seen_;        // writer → line
  std::vector<std::uint64_t> seen_below_;      // writer → highest line seen, plus one
  std::vector<std::uint64_t> complete_below_;  // writer → as far as was looked
  std::uint64_t records_ = 0;
  std::uint64_t doubled_ = 0;
  std::uint64_t wrong_ = 0;
  std::vector<std::string> complaints_;  // the first kComplaintsMax
};

}  // namespace storm
