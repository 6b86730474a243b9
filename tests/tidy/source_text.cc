#include "tests/tidy/source_text.h"

#include <cctype>
#include <utility>

namespace tidy {

namespace {

// Walks over the text and says for every byte what it belongs to.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {
    code_.assign(text.size(), ' ');
    comments_.assign(text.size(), ' ');
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') code_[i] = comments_[i] = '\n';
    }
  }

  void run() {
    while (at_ < text_.size()) {
      if (starts("//")) {
        comment_until("\n", 0);
      } else if (starts("/*")) {
        comment_until("*/", 2);
      } else if (starts("R\"") && (at_ == 0 || !is_identifier(text_[at_ - 1]))) {
        raw_string();
      } else if (text_[at_] == '"') {
        literal('"');
      } else if (text_[at_] == '\'' && !separates_digits()) {
        literal('\'');
      } else {
        keep();
      }
    }
  }

  const std::string& code() const { return code_; }
  const std::string& comments() const { return comments_; }

 private:
  bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  // 1'000'000: the word before the quote begins with a digit.
  bool separates_digits() const {
    std::size_t begin = at_;
    while (begin > 0 && (is_identifier(text_[begin - 1]) || text_[begin - 1] == '\'')) --begin;
    return begin < at_ && std::isdigit(static_cast<unsigned char>(text_[begin])) != 0;
  }

  void keep() {
    code_[at_] = text_[at_];
    ++at_;
  }

  void comment_until(std::string_view end, std::size_t and_bytes) {
    const std::size_t found = text_.find(end, at_ + 2);
    const std::size_t stop = found == text_.npos ? text_.size() : found + and_bytes;
    for (; at_ < stop; ++at_) comments_[at_] = text_[at_];
  }

  void literal(char quote) {
    keep();
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    if (at_ < text_.size()) keep();
  }

  void raw_string() {
    const std::size_t open = text_.find('(', at_);
    if (open == text_.npos) return keep();
    const std::string end = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    const std::size_t found = text_.find(end, open);
    at_ = found == text_.npos ? text_.size() : found + end.size();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string code_, comments_;
};

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace

SourceText split_source(std::string path, std::string_view text) {
  Splitter splitter(text);
  splitter.run();
  return {std::move(path), lines_of(text), lines_of(splitter.code()),
          lines_of(splitter.comments())};
}

std::string room_of(std::string_view path) {
  const std::size_t slash = path.find('/');
  return slash == path.npos ? "" : std::string(path.substr(0, slash));
}

bool is_header(const SourceText& source) { return source.path.ends_with(".h"); }

bool is_identifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool is_directive(std::string_view code_line) {
  const std::size_t first = code_line.find_first_not_of(" \t");
  return first != code_line.npos && code_line[first] == '#';
}

}  // namespace tidy
