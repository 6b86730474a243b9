// LinePattern: a regular expression that a line matches or does not: RE2's syntax, found anywhere
// in the line unless anchored, in time linear in the line. The only file that knows RE2.
//
// Patterns are UTF-8. Lines are bytes; a byte that is no UTF-8 matches nothing, not even '.', and
// does no harm elsewhere in the line.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"

namespace pipeline {

class LinePattern {
 public:
  // Error: what is wrong with the pattern, as RE2 says it.
  static base::Result<LinePattern> compile(std::string_view pattern);
  LinePattern(LinePattern&&) noexcept;
  LinePattern& operator=(LinePattern&&) noexcept;
  ~LinePattern();

  // Any thread.
  bool matches(std::string_view line) const;

 private:
  struct Expression;
  explicit LinePattern(std::unique_ptr<Expression> expression);
  std::unique_ptr<Expression> expression_;
};

}  // namespace pipeline
