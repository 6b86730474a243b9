#include "pipeline/line_pattern.h"

#include <re2/re2.h>

#include <cstdint>
#include <string>
#include <utility>

namespace pipeline {

namespace {

// For the pattern's automaton. When it is full RE2 begins it anew, which costs time and no memory.
constexpr std::int64_t kAutomatonBytes = std::int64_t{2} << 20;

RE2::Options options() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kAutomatonBytes);
  options.set_never_capture(true);
  return options;
}

}  // namespace

struct LinePattern::Expression {
  explicit Expression(std::string_view pattern) : re({pattern.data(), pattern.size()}, options()) {}
  RE2 re;
};

base::Result<LinePattern> LinePattern::compile(std::string_view pattern) {
  auto expression = std::make_unique<Expression>(pattern);
  if (!expression->re.ok()) return base::fail(base::ErrorCode::invalid, expression->re.error());
  return LinePattern(std::move(expression));
}

LinePattern::LinePattern(std::unique_ptr<Expression> expression)
    : expression_(std::move(expression)) {}
LinePattern::LinePattern(LinePattern&&) noexcept = default;
LinePattern& LinePattern::operator=(LinePattern&&) noexcept = default;
LinePattern::~LinePattern() = default;

bool LinePattern::matches(std::string_view line) const {
  return RE2::PartialMatch({line.data(), line.size()}, expression_->re);
}

}  // namespace pipeline
