#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "tests/tidy/rules.h"

namespace tidy {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t kOpeningCommentBytesMin = 30;  // less cannot say what it is and why it exists
constexpr std::array kEmptyNames = {"common"sv,  "helper"sv, "helpers"sv, "impl"sv,
                                    "manager"sv, "misc"sv,   "util"sv,    "utils"sv};

// "TODO(#12)": the bracket right behind the word.
bool names_issue(std::string_view after) {
  return after.size() > 2 && after.starts_with("(#") &&
         std::isdigit(static_cast<unsigned char>(after[2])) != 0;
}

void check_opening(const SourceText& source, Violations& violations) {
  std::size_t comment_bytes = 0;
  std::size_t line = 0;
  while (line < source.lines.size() && source.lines[line].starts_with("//")) {
    comment_bytes += source.lines[line++].size();
  }
  if (comment_bytes == 0) {
    violations.push_back({source.path, 1, "begins without a comment that says what this is for"});
  } else if (comment_bytes < kOpeningCommentBytesMin) {
    violations.push_back({source.path, 1, "its opening comment says too little"});
  }
  while (line < source.lines.size() && source.lines[line].empty()) ++line;
  if (line == source.lines.size() || source.lines[line] != "#pragma once") {
    violations.push_back({source.path, line + 1, "no #pragma once after the opening comment"});
  }
}

}  // namespace

void check_header(const SourceText& source, Violations& violations) {
  if (!is_header(source)) return;
  check_opening(source, violations);
  for (std::size_t i = 0; i < source.code.size(); ++i) {
    const std::size_t at = source.code[i].find("using namespace");
    if (at != std::string::npos) {
      violations.push_back({source.path, i + 1, "using namespace in a header"});
    }
  }
}

void check_notes(const SourceText& source, Violations& violations) {
  for (std::size_t i = 0; i < source.comments.size(); ++i) {
    const std::string_view comment = source.comments[i];
    for (const std::string_view word : {"TODO"sv, "FIXME"sv, "HACK"sv}) {
      const std::size_t at = comment.find(word);
      if (at == comment.npos || names_issue(comment.substr(at + word.size()))) continue;
      violations.push_back(
          {source.path, i + 1, std::string(word) + " without its issue: TODO(#12)"});
    }
  }
}

void check_name(const std::string& path, Violations& violations) {
  const std::size_t slash = path.rfind('/');
  std::string_view name = std::string_view(path).substr(slash == path.npos ? 0 : slash + 1);
  name = name.substr(0, name.find('.'));
  while (!name.empty()) {
    const std::size_t end = name.find_first_of("_-");
    const std::string_view word = name.substr(0, end);
    if (std::ranges::find(kEmptyNames, word) != kEmptyNames.end()) {
      violations.push_back({path, 0, "'" + std::string(word) + "' in a file's name says nothing"});
    }
    name.remove_prefix(end == name.npos ? name.size() : end + 1);
  }
}

Violations check(const SourceText& source) {
  Violations violations;
  check_name(source.path, violations);
  check_sizes(source, violations);
  if (!source.path.ends_with(".cc") && !is_header(source)) return violations;
  check_includes(source, violations);
  check_calls(source, violations);
  check_header(source, violations);
  check_notes(source, violations);
  return violations;
}

}  // namespace tidy
