#include "config/mistake.h"

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>

namespace config {

namespace {

constexpr std::size_t kShownBytes =
    120;  // of a source line; longer ones are cut around the mistake

// Line `number`, from 1, without its newline; empty when there is none.
std::string_view line_of(std::string_view text, std::uint32_t number) {
  for (std::uint32_t line = 1; line < number; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

// "   7 | source" and a caret under its byte `column`, from 1.
void show_source(std::string_view line, Place place, std::string& out) {
  std::size_t column = std::min<std::size_t>(place.column > 0 ? place.column - 1 : 0, line.size());
  if (column > kShownBytes - 20) {
    std::size_t cut = column - (kShownBytes - 20);
    while (cut < column && !starts_character(line[cut])) ++cut;
    line.remove_prefix(cut);
    column -= cut;
  }
  std::size_t end = std::min(line.size(), kShownBytes);
  while (end < line.size() && end > column && !starts_character(line[end])) --end;
  line = line.substr(0, end);

  std::string number = std::to_string(place.line);
  if (number.size() < 5) number.insert(0, 5 - number.size(), ' ');
  out += number + " | ";
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    out += (byte < 0x20 && c != '\t') || byte == 0x7F ? '?' : c;
  }
  out += '\n' + std::string(number.size(), ' ') + " | ";
  for (std::size_t i = 0; i < column; ++i) {
    if (starts_character(line[i])) out += line[i] == '\t' ? '\t' : ' ';
  }
  out += "^\n";
}

}  // namespace

void Mistakes::add(Place place, std::string message) {
  if (std::ranges::find(settled_, place) == settled_.end()) {
    all_.push_back({place, std::move(message)});
  }
}

std::vector<Mistake> Mistakes::take() {
  const auto key = [](const Mistake& m) { return std::tie(m.place.line, m.place.column); };
  std::ranges::stable_sort(all_,
                           [&](const Mistake& a, const Mistake& b) { return key(a) < key(b); });
  const auto same = [&](const Mistake& a, const Mistake& b) {
    return key(a) == key(b) && a.message == b.message;
  };
  all_.erase(std::ranges::unique(all_, same).begin(), all_.end());
  return std::exchange(all_, {});
}

std::string describe(const std::vector<Mistake>& mistakes, const std::string& path,
                     std::string_view text) {
  std::string out;
  for (const Mistake& mistake : mistakes) {
    out += path + ':';
    if (mistake.place.line == 0) {
      out += ' ' + mistake.message + '\n';
      continue;
    }
    out += std::to_string(mistake.place.line) + ':' + std::to_string(mistake.place.column) + ": " +
           mistake.message + '\n';
    show_source(line_of(text, mistake.place.line), mistake.place, out);
  }
  return out;
}

}  // namespace config
