// How functions are found: outside of a function, a '{' opens one if what stands before it (back to
// the last ';', '{', '}' or access label) has a parameter list, is no class, enum or namespace, and
// assigns nothing. A member's braces in a constructor's list do not open one. Its length is counted
// from the line of its '{' to the line of its '}'; blocks and lambdas inside belong to it.
#include <array>
#include <string_view>

#include "tests/tidy/rules.h"

namespace tidy {

namespace {

bool has_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !is_identifier(text[at - 1]);
    const std::size_t end = at + word.size();
    if (begins && (end == text.size() || !is_identifier(text[end]))) return true;
  }
  return false;
}

// Without everything in round brackets; "()" stays where they were.
std::string without_brackets(std::string_view text) {
  std::string rest;
  int depth = 0;
  for (const char c : text) {
    if (c == ')') --depth;
    if (depth == 0) rest += c;
    if (c == '(') ++depth;
  }
  return rest;
}

std::string_view last_word(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \t\n");
  if (end == text.npos) return {};
  std::size_t begin = end + 1;
  while (begin > 0 && is_identifier(text[begin - 1])) --begin;
  return text.substr(begin, end + 1 - begin);
}

// "template <class T> " at the front says nothing about what follows.
std::string_view without_template(std::string_view head) {
  const std::size_t first = head.find_first_not_of(" \t");
  if (first == head.npos) return {};
  head.remove_prefix(first);
  if (!head.starts_with("template")) return head;
  int depth = 0;
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '<') ++depth;
    if (head[i] == '>' && --depth == 0) return without_template(head.substr(i + 1));
  }
  return head;
}

// class C : public B<f()>, but not struct S f() const
bool is_type(std::string_view head) {
  const std::size_t end = head.find_last_not_of(" \t");
  const std::string_view last = last_word(head);
  if (end == head.npos || head[end] == ')' || last == "const" || last == "noexcept") return false;
  for (const std::string_view word : {"class", "struct", "enum", "union", "namespace", "extern"}) {
    if (has_word(head, word)) return true;
  }
  return false;
}

enum class Opens { scope, function, member };

Opens what_opens(std::string_view head) {
  const std::string rest = without_brackets(without_template(head));
  if (is_type(rest)) return Opens::scope;
  const std::size_t list = rest.find("()");
  if (list == rest.npos) return Opens::scope;
  const bool is_operator = rest.find("operator") < list;
  if (!is_operator && rest.find('=') != rest.npos) return Opens::scope;
  // Foo(int a) : a_(a), b_{a} {
  const std::size_t colon = rest.find(':', list);
  const bool in_list = colon != rest.npos && rest.substr(colon, 2) != "::";
  const std::string_view last = last_word(rest);
  if (in_list && !last.empty() && last != "noexcept") return Opens::member;
  return Opens::function;
}

class BraceCounter {
 public:
  BraceCounter(const SourceText& source, Violations& violations)
      : source_(source), violations_(violations) {}

  void run() {
    bool continued = false;
    for (line_ = 1; line_ <= source_.code.size(); ++line_) {
      const std::string& code = source_.code[line_ - 1];
      const bool directive = continued || is_directive(code);
      continued = directive && code.ends_with('\\');
      if (directive) continue;
      for (const char c : code) take(c);
      take(' ');
    }
  }

 private:
  void take(char c) {
    if (c == '{') return open();
    if (c == '}') return close();
    if (function_depth_ > 0 || member_depth_ > 0) return;
    if (c == ';') {
      head_.clear();
    } else {
      head_ += c;
      for (const std::string_view label : {"public:", "private:", "protected:"}) {
        if (head_.ends_with(label)) head_.clear();
      }
    }
  }

  void open() {
    if (function_depth_ > 0) {
      ++function_depth_;
    } else if (member_depth_ > 0) {
      ++member_depth_;
    } else {
      const Opens opens = what_opens(head_);
      if (opens == Opens::function) {
        function_depth_ = 1;
        first_line_ = line_;
      } else if (opens == Opens::member) {
        member_depth_ = 1;
        return;  // the head goes on after it
      }
      head_.clear();
    }
  }

  void close() {
    if (member_depth_ > 0) {
      if (--member_depth_ == 0) head_ += "()";  // as if the member had been set with round ones
      return;
    }
    if (function_depth_ > 0 && --function_depth_ == 0) {
      const std::size_t lines = line_ - first_line_ + 1;
      if (lines > kFunctionLinesMax) {
        violations_.push_back({source_.path, first_line_,
                               "a function of " + std::to_string(lines) + " lines; at most " +
                                   std::to_string(kFunctionLinesMax)});
      }
    }
    head_.clear();
  }

  const SourceText& source_;
  Violations& violations_;
  std::size_t line_ = 1;
  std::size_t first_line_ = 0;
  int function_depth_ = 0;
  int member_depth_ = 0;
  std::string head_;
};

}  // namespace

void check_sizes(const SourceText& source, Violations& violations) {
  if (source.lines.size() > kFileLinesMax) {
    violations.push_back(
        {source.path, 0,
         std::to_string(source.lines.size()) + " lines; at most " + std::to_string(kFileLinesMax)});
  }
  if (source.path.ends_with(".cc") || is_header(source)) BraceCounter(source, violations).run();
}

}  // namespace tidy
