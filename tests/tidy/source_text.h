// SourceText: a C++ file cut into what the compiler reads and what people read, line by line, so
// that the house rules can look at one without being fooled by the other.
//
// Not a parser: knows comments, string and character literals (raw ones too) and preprocessor
// lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tidy {

struct SourceText {
  std::string path;                   // from the root: "store/block.cc"
  std::vector<std::string> lines;     // as written
  std::vector<std::string> code;      // comments and the insides of literals are spaces
  std::vector<std::string> comments;  // everything but comments is spaces
};

SourceText split_source(std::string path, std::string_view text);

std::string room_of(std::string_view path);  // first folder: "store"; "" at the root
bool is_header(const SourceText& source);
bool is_identifier(char c);
bool is_directive(std::string_view code_line);  // its first visible character is '#'

// Calls visit(line number from 1, line's code, begin, end) for every identifier and number in the
// code.
template <typename Visit>
void for_each_word(const SourceText& source, Visit visit) {
  for (std::size_t line = 0; line < source.code.size(); ++line) {
    const std::string& code = source.code[line];
    for (std::size_t at = 0; at < code.size();) {
      if (!is_identifier(code[at])) {
        ++at;
        continue;
      }
      std::size_t end = at;
      while (end < code.size() && is_identifier(code[end])) ++end;
      visit(line + 1, std::string_view(code), at, end);
      at = end;
    }
  }
}

}  // namespace tidy
