#include "sources/glob.h"

#include <cstddef>
#include <span>

namespace sources {
namespace {

// Position of the brace that closes the one at `open`, or npos. Fills where its commas are.
std::size_t closing_brace(std::string_view pattern, std::size_t open,
                          std::vector<std::size_t>& commas) {
  int depth = 0;
  for (std::size_t i = open; i < pattern.size(); ++i) {
    switch (pattern[i]) {
      case '\\':
        ++i;
        break;
      case '{':
        ++depth;
        break;
      case ',':
        if (depth == 1) commas.push_back(i);
        break;
      case '}':
        if (--depth == 0) return i;
        break;
      default:
        break;
    }
  }
  return std::string_view::npos;
}

void expand(const std::string& before, std::string_view rest, std::vector<std::string>& out) {
  if (out.size() >= kGlobAlternativesMax) return;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
      continue;
    }
    if (rest[i] != '{') continue;
    std::vector<std::size_t> commas;
    const std::size_t close = closing_brace(rest, i, commas);
    if (close == std::string_view::npos) continue;
    commas.push_back(close);
    std::size_t begin = i + 1;
    for (const std::size_t end : commas) {
      std::string alternative(rest.substr(begin, end - begin));
      alternative += rest.substr(close + 1);
      // What is inside may hold braces of its own: expand it together with what follows.
      expand(before + std::string(rest.substr(0, i)), alternative, out);
      begin = end + 1;
    }
    return;
  }
  out.push_back(before + std::string(rest));
}

// Matches one byte against the set at pattern[at] == '['. Moves `at` behind the set. A '[' that is
// not closed stands for itself.
bool match_set(std::string_view pattern, std::size_t& at, unsigned char byte) {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size() && (first || pattern[i] != ']'); first = false) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const auto low = static_cast<unsigned char>(pattern[i++]);
    auto high = low;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      if (pattern[++i] == '\\' && i + 1 < pattern.size()) ++i;
      high = static_cast<unsigned char>(pattern[i++]);
    }
    found = found || (low <= byte && byte <= high);
  }
  if (i >= pattern.size()) {
    ++at;
    return byte == '[';
  }
  at = i + 1;
  return found != negated;
}

// Matches one byte of a name with what stands at pattern[at], which is not a star.
bool match_byte(std::string_view pattern, std::size_t& at, unsigned char byte) {
  switch (pattern[at]) {
    case '?':
      ++at;
      return true;
    case '[':
      return match_set(pattern, at, byte);
    case '\\':
      if (at + 1 < pattern.size()) ++at;
      [[fallthrough]];
    default:
      return static_cast<unsigned char>(pattern[at++]) == byte;
  }
}

}  // namespace

bool glob_match_parts(std::span<const std::string> pattern, std::span<const std::string> path) {
  while (!pattern.empty()) {
    if (pattern.front() == "**") {
      if (pattern.size() == 1 && path.empty()) return false;  // directories themselves do not match
      for (std::size_t skip = 0; skip <= path.size(); ++skip) {
        if (glob_match_parts(pattern.subspan(1), path.subspan(skip))) return true;
        if (skip < path.size() && path[skip].front() == '.') return false;
      }
      return false;
    }
    if (path.empty() || !glob_match_part(pattern.front(), path.front())) return false;
    pattern = pattern.subspan(1);
    path = path.subspan(1);
  }
  return path.empty();
}

std::vector<std::string> expand_braces(std::string_view pattern) {
  std::vector<std::string> out;
  expand("", pattern, out);
  return out;
}

bool has_wildcard(std::string_view part) {
  return part.find_first_of("*?[\\") != std::string_view::npos;
}

std::string literal_pattern(std::string_view path) {
  constexpr std::string_view kSpecial = "*?[{\\";  // others mean something only after one of these
  std::string pattern;
  for (const char c : path) {
    if (kSpecial.find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

// One star is remembered at a time: a later star makes all earlier choices irrelevant, so this
// takes at most pattern × name steps.
bool glob_match_part(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.') && !pattern.starts_with("\\.")) {
    return false;
  }
  std::size_t at = 0;
  std::size_t position = 0;
  std::size_t star = std::string_view::npos;  // behind the last star seen
  std::size_t star_position = 0;              // where what follows it is being tried
  while (position < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = ++at;
      star_position = position;
      continue;
    }
    if (at < pattern.size() &&
        match_byte(pattern, at, static_cast<unsigned char>(name[position]))) {
      ++position;
      continue;
    }
    if (star == std::string_view::npos) return false;
    at = star;
    position = ++star_position;
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin < path.size()) {
    std::size_t end = path.find('/', begin);
    if (end == std::string_view::npos) end = path.size();
    if (end > begin) parts.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool glob_match(std::string_view pattern, std::string_view path) {
  const std::vector<std::string> parts = split_path(path);
  for (const std::string& alternative : expand_braces(pattern)) {
    if (glob_match_parts(split_path(alternative), parts)) return true;
  }
  return false;
}

}  // namespace sources
