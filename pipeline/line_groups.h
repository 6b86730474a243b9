// LineGroups: lines that belong together → one record: a stack trace and the message before it.
//
// Works on the lines of one chunk, which lie one after the other, so a group is a view of all of
// them, with the newlines between; no byte is copied. Where a group ends is known from the line
// after it, or from its last line. One whose end is not in the chunk is not taken: its lines are
// offered again with what follows, until it ends, time is up (Chunk::quiet) or nothing more will
// come (Chunk::last).
//
// Pure: from the beginning of a group the same bytes give the same groups, wherever reads cut them.
// The first line of a chunk always begins a group, so what stands before the first start is one
// too.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "pipeline/line_pattern.h"
#include "pipeline/record_block.h"

namespace pipeline {

enum class GroupLines : std::uint8_t {
  off,       // a line is a record
  start,     // a line that matches begins a group
  follow,    // a line that matches belongs to the one before it
  end,       // a line that matches is its group's last
  indented,  // a line that begins with a space or a tab belongs to the one before it
};

struct GroupOptions {
  GroupLines by = GroupLines::off;
  std::string pattern;                           // of start, follow and end; see LinePattern
  std::size_t lines_max = 500;                   // of a group, at least 1
  std::size_t bytes_max = std::size_t{1} << 20;  // of a group; a single line may be longer
  // A group to which nothing was added for so long is taken as it is. FileTail keeps the time.
  base::Duration timeout = std::chrono::seconds(2);

  bool operator==(const GroupOptions&) const = default;
};

struct GroupCounters {              // per chunk, added up by the caller
  std::uint64_t lines_grouped = 0;  // that are not the first of their record
  std::uint64_t groups_cut = 0;     // ended by lines_max or bytes_max
};

class LineGroups {
 public:
  // The pattern compiles. `line_bytes_max`: the framer's.
  LineGroups(GroupOptions options, std::size_t line_bytes_max);

  // Makes groups of the lines in `block`, which the framer has filled from `chunk`. A line of
  // line_bytes_max bytes, cut or not, and a rejected one stay records of their own.
  void join(const Chunk& chunk, RecordBlock& block, GroupCounters& counters) const;

  const GroupOptions& options() const { return options_; }

 private:
  struct Joining;
  bool belongs_to_previous(std::string_view line) const;
  bool ends(std::string_view line) const;

  GroupOptions options_;
  std::size_t line_bytes_max_;
  std::optional<LinePattern> pattern_;
};

// The `follow` pattern for the stack traces of a language, or empty: java, python, go, dotnet,
// ruby, php.
std::string_view trace_pattern(std::string_view language);

}  // namespace pipeline
