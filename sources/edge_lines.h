// EdgeLines: which lines at the beginning of a file's generation are no records, and which one ends
// its records: by what is in them (F50). Without patterns, none.
//
// A value of who has the tails; compiled once, used on one reactor.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pipeline/line_pattern.h"

namespace sources {

class EdgeLines {
 public:
  // Patterns as pipeline::LinePattern has them; empty: none. They compile.
  EdgeLines(const std::string& header, const std::string& footer);

  bool has_header() const { return header_.has_value(); }
  bool has_footer() const { return footer_.has_value(); }
  // `line`: without its delimiter; with `newlines` a CR at its end is none of it either.
  bool is_header(std::string_view line, bool newlines) const;
  bool is_footer(std::string_view line, bool newlines) const;

 private:
  std::optional<pipeline::LinePattern> header_, footer_;
};

}  // namespace sources
