#include "sources/edge_lines.h"

#include <utility>

#include "base/assert.h"

namespace sources {
namespace {

std::optional<pipeline::LinePattern> compiled(const std::string& pattern) {
  if (pattern.empty()) return std::nullopt;
  auto good = pipeline::LinePattern::compile(pattern);
  ASSERT(good.has_value());
  return std::move(*good);
}

std::string_view text_of(std::string_view line, bool newlines) {
  if (newlines && line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

EdgeLines::EdgeLines(const std::string& header, const std::string& footer)
    : header_(compiled(header)), footer_(compiled(footer)) {}

bool EdgeLines::is_header(std::string_view line, bool newlines) const {
  return header_ && header_->matches(text_of(line, newlines));
}

bool EdgeLines::is_footer(std::string_view line, bool newlines) const {
  return footer_ && footer_->matches(text_of(line, newlines));
}

}  // namespace sources
