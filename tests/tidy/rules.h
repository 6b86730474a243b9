// The house rules, one function per rule. Each looks at one file and appends what it finds.
//
// Pure: the text comes in as an argument, so that tests can show every rule a bad sample.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/tidy/source_text.h"

namespace tidy {

inline constexpr std::size_t kFileLinesMax = 500;
inline constexpr std::size_t kFunctionLinesMax = 70;

struct Violation {
  std::string path;
  std::size_t line = 0;  // 0: the whole file
  std::string message;
};
using Violations = std::vector<Violation>;

// Arrows between rooms point down; third-party headers stay in their one file; headers of the
// operating system stay in io/.
void check_includes(const SourceText& source, Violations& violations);

// No call to the outside world but through io/; nothing sleeps in tests.
void check_calls(const SourceText& source, Violations& violations);

// No file over kFileLinesMax, no function over kFunctionLinesMax (how functions are found:
// size_rules.cc).
void check_sizes(const SourceText& source, Violations& violations);

// Headers: an opening comment, then #pragma once, never `using namespace`.
void check_header(const SourceText& source, Violations& violations);

// A note about work left undone names its issue.
void check_notes(const SourceText& source, Violations& violations);

// Files are named by their noun, not utils, helpers, common, manager, impl.
void check_name(const std::string& path, Violations& violations);

// All of the above.
Violations check(const SourceText& source);

}  // namespace tidy
