#include "pipeline/line_groups.h"

#include <array>
#include <utility>

#include "base/assert.h"

namespace pipeline {

namespace {

constexpr std::uint8_t kNotRejected = static_cast<std::uint8_t>(Reject::none);

struct TracePattern {
  std::string_view language;
  std::string_view follow;
};

// Everything that is indented, and the lines of a trace that are not. Such a line may be the first
// that a program without a logger prints; it then joins what was printed within the timeout.
constexpr std::array<TracePattern, 6> kTracePatterns = {{
    {"java", R"(^[ \t]|^(Caused by|Suppressed): |^\.\.\. \d+ (more|common frames omitted))"
             R"(|^([A-Za-z_$][\w$]*\.)+[A-Z][\w$]*(Exception|Error|Throwable)(:|$))"},
    {"python",
     R"(^[ \t]|^Traceback \(most recent call last\):|^([A-Za-z_]\w*\.)*[A-Z]\w*(Error|Exception|)"
     R"(Warning|Interrupt|Exit|Iteration|Group)(:|$)|^During handling of the above exception, )"
     R"(|^The above exception was the direct cause |^$)"},
    {"go",
     R"(^[ \t]|^$|^goroutine \d+ \[|^created by |^exit status \d|^\[signal |^\[originating from )"
     R"(|^panic\(|^(\S+/)?[\w.-]+\.[\w.()*\[\]{}-]+\(.*\)$|^r[a-z0-9]{1,5} +0x)"},
    {"dotnet", R"(^[ \t]|^---> |^--- End of |^([A-Za-z_]\w*\.)+\w*Exception(:| \(0x|$))"},
    {"ruby", "^[ \\t]|^[^\\s:]+:\\d+:in [`'][^']*'$"},
    {"php", R"(^[ \t]|^Stack trace:$|^#\d+ |^PHP Stack trace:|^PHP +\d+\. |^Next \S)"},
}};

}  // namespace

// One pass over a block: records are written over the lines they are made of.
struct LineGroups::Joining {
  const LineGroups& groups;
  RecordBlock& block;
  GroupCounters& counters;
  std::size_t records = 0;  // complete ones
  std::size_t lines = 0;    // of the open group; 0: none is open
  const char* begin = nullptr;
  const char* end = nullptr;
  std::uint64_t offset = 0;

  bool alone(std::size_t line) const {
    return block.data[line].size() >= groups.line_bytes_max_ ||
           (!block.reject.empty() && block.reject[line] != kNotRejected);
  }
  void put(std::string_view data, std::uint64_t at, std::uint8_t reject) {
    block.data[records] = data;
    block.offset[records] = at;
    if (!block.reject.empty()) block.reject[records] = reject;
    ++records;
  }
  void close() {
    if (lines == 0) return;
    put({begin, static_cast<std::size_t>(end - begin)}, offset, kNotRejected);
    counters.lines_grouped += lines - 1;
    lines = 0;
  }
  void add(std::string_view line, std::uint64_t at) {
    const GroupOptions& options = groups.options_;
    const char* const line_end = line.data() + line.size();
    if (lines > 0 && groups.belongs_to_previous(line)) {
      if (lines < options.lines_max &&
          static_cast<std::size_t>(line_end - begin) <= options.bytes_max) {
        ++lines;
        end = line_end;
        if (groups.ends(line)) close();
        return;
      }
      ++counters.groups_cut;
    }
    close();
    begin = line.data();
    end = line_end;
    offset = at;
    lines = 1;
    if (groups.ends(line)) close();
  }
};

LineGroups::LineGroups(GroupOptions options, std::size_t line_bytes_max)
    : options_(std::move(options)), line_bytes_max_(line_bytes_max) {
  ASSERT(options_.by != GroupLines::off && options_.lines_max > 0);
  if (options_.by == GroupLines::indented) return;
  base::Result<LinePattern> compiled = LinePattern::compile(options_.pattern);
  ASSERT(compiled);
  pattern_.emplace(std::move(*compiled));
}

bool LineGroups::belongs_to_previous(std::string_view line) const {
  switch (options_.by) {
    case GroupLines::start:
      return !pattern_->matches(line);
    case GroupLines::follow:
      return pattern_->matches(line);
    case GroupLines::indented:
      return line.starts_with(' ') || line.starts_with('\t');
    case GroupLines::end:
    case GroupLines::off:
      break;
  }
  return true;
}

bool LineGroups::ends(std::string_view line) const {
  return options_.by == GroupLines::end && pattern_->matches(line);
}

void LineGroups::join(const Chunk& chunk, RecordBlock& block, GroupCounters& counters) const {
  Joining joining{*this, block, counters};
  const std::size_t lines = block.size();
  for (std::size_t i = 0; i < lines; ++i) {
    if (joining.alone(i)) {
      const std::uint8_t reject = block.reject.empty() ? kNotRejected : block.reject[i];
      joining.close();
      joining.put(block.data[i], block.offset[i], reject);
    } else {
      joining.add(block.data[i], block.offset[i]);
    }
  }
  if (joining.lines > 0) {
    if (chunk.last || chunk.quiet) {
      joining.close();
    } else {
      block.consumed = joining.offset - chunk.offset;
    }
  }
  block.data.resize(joining.records);
  block.offset.resize(joining.records);
  if (!block.reject.empty()) block.reject.resize(joining.records);
}

std::string_view trace_pattern(std::string_view language) {
  for (const TracePattern& pattern : kTracePatterns) {
    if (pattern.language == language) return pattern.follow;
  }
  return {};
}

}  // namespace pipeline
