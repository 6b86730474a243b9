#include "sources/copy_names.h"

#include <algorithm>
#include <charconv>

namespace sources {

std::vector<std::string> names_copied(std::string_view name) {
  std::vector<std::string> names;
  const std::size_t dot = name.rfind('.');
  const std::string_view extension =
      dot == std::string_view::npos ? std::string_view{} : name.substr(dot);
  const auto add = [&](std::string candidate) {
    if (candidate.size() >= name.size() || std::ranges::find(names, candidate) != names.end())
      return;
    names.push_back(std::move(candidate));
  };
  for (std::size_t at = name.size(); at-- > 1;) {
    if (std::string_view(".-_~").find(name[at]) == std::string_view::npos) continue;
    add(std::string(name.substr(0, at)));
    if (at < dot) add(std::string(name.substr(0, at)).append(extension));
  }
  std::ranges::stable_sort(names, std::ranges::greater{}, &std::string::size);
  return names;
}

std::vector<std::string> names_shifted(std::string_view name) {
  constexpr unsigned kMost = 64;
  std::vector<std::string> names;
  std::size_t end =
      name.find_last_not_of("0123456789") + 1 < name.size() ? name.size() : name.rfind('.');
  if (end == std::string_view::npos) return names;
  const std::size_t begin = name.substr(0, end).find_last_not_of("0123456789") + 1;
  unsigned number = 0;
  const auto [last, error] = std::from_chars(name.data() + begin, name.data() + end, number);
  if (begin == 0 || error != std::errc{} || last != name.data() + end) return names;
  for (unsigned i = 1; i <= number && i <= kMost; ++i) {
    const std::string before = std::to_string(number - i);
    const auto add = [&](std::size_t zeros) {
      names.push_back(std::string(name.substr(0, begin)) + std::string(zeros, '0') + before);
      names.back() += name.substr(end);
    };
    add(0);
    if (before.size() < end - begin) add(end - begin - before.size());  // "log.009" of "log.010"
  }
  return names;
}

}  // namespace sources
