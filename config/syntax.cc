#include "config/syntax.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "config/load.h"
#include "config/units.h"

namespace config {

namespace {

// Bytes of the UTF-8 character at the head of `text`, 0 when it is none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t bytes = first < 0x80   ? 1
                            : first < 0xC2 ? 0
                            : first < 0xE0 ? 2
                            : first < 0xF0 ? 3
                            : first < 0xF5 ? 4
                                           : 0;
  if (bytes == 0 || bytes > text.size()) return 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  // Overlong forms, surrogates, beyond U+10FFFF.
  if (bytes == 3 && ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)))
    return 0;
  if (bytes == 4 && ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)))
    return 0;
  return bytes;
}

std::string hexadecimal(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return std::string("0x") + kDigits[byte >> 4U] + kDigits[byte & 15U];
}

// The last line up to `place` that is indented by a tab: offset of the tab, or npos.
std::size_t indenting_tab(std::string_view text, Place place) {
  std::size_t found = std::string_view::npos;
  std::size_t start = 0;
  for (std::uint32_t line = 1; line <= place.line && start < text.size(); ++line) {
    const std::size_t first = std::min(text.find_first_not_of(' ', start), text.size());
    if (first < text.size() && text[first] == '\t') {
      const std::size_t word = text.find_first_not_of(" \t\r", first);
      if (word != std::string_view::npos && text[word] != '\n' && text[word] != '#') found = first;
    }
    start = std::min(text.find('\n', start), text.size() - 1) + 1;
  }
  return found;
}

// Where a quoted text that is open at `at` ends, or npos.
std::size_t end_of_quoted(std::string_view text, std::size_t at) {
  const char quote = text[at];
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '\'' && i + 1 < text.size() && text[i + 1] == '\'') {
        ++i;
      } else {
        return i;
      }
    }
  }
  return std::string_view::npos;
}

// The first quote at or after `from` that is never closed: its offset, or npos.
std::size_t unclosed_quote(std::string_view text, std::size_t from) {
  constexpr std::string_view kBeforeToken = " \t\n[{,:-?";
  for (std::size_t i = from; i < text.size(); ++i) {
    const bool token_starts = i == 0 || kBeforeToken.find(text[i - 1]) != std::string_view::npos;
    if (!token_starts) continue;
    if (text[i] == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (text[i] == '"' || text[i] == '\'') {
      const std::size_t end = end_of_quoted(text, i);
      if (end == std::string_view::npos) return i;
      i = end;
    }
  }
  return std::string_view::npos;
}

struct Wording {
  std::string_view library, ours;
};
constexpr std::array<Wording, 14> kWordings = {{
    {"illegal EOF in scalar", "a quote is never closed"},
    {"end of map not found", "this line does not fit the indentation above it"},
    {"end of map flow not found", "a '{' is not closed before here, or a ',' is missing"},
    {"end of sequence not found",
     "this line does not fit the list above it; items begin with '- '"},
    {"end of sequence flow not found", "a '[' is not closed before here, or a ',' is missing"},
    {"illegal map value", "a second ':' in one line; put quotes around a text that contains ': '"},
    {"illegal map key", "a key cannot stand here"},
    {"illegal block entry", "a list item cannot stand here"},
    {"illegal flow end", "a ']' or '}' closes nothing"},
    {"unknown token", "this character cannot begin a value; put the value in quotes"},
    {"the referenced anchor is not defined",
     "this alias names an anchor that is not defined above"},
    {"alias not found after *", "a value that begins with '*' must be in quotes"},
    {"bad file", "values are nested too deeply"},
    {"anchor not found after &", "a value that begins with '&' must be in quotes"},
}};

}  // namespace

Place place_of(std::string_view text, std::size_t offset) {
  text = text.substr(0, offset);
  const auto line = static_cast<std::uint32_t>(std::ranges::count(text, '\n') + 1);
  const std::size_t newline = text.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  return {line, static_cast<std::uint32_t>(text.size() - start + 1)};
}

bool is_unclosed_quote(std::string_view text, std::size_t offset) {
  return offset < text.size() && (text[offset] == '"' || text[offset] == '\'') &&
         end_of_quoted(text, offset) == std::string_view::npos;
}

std::optional<Mistake> text_mistake(std::string_view text) {
  if (text.size() > kFileBytesMax) {
    return Mistake{{}, "the file is larger than " + format_bytes(kFileBytesMax)};
  }
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t bytes = character_bytes(text.substr(i));
    if (bytes == 0) {
      return Mistake{place_of(text, i), "byte " + hexadecimal(text[i]) + " is not UTF-8 text"};
    }
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
      return Mistake{place_of(text, i), "control byte " + hexadecimal(text[i]) +
                                            " is not text; is this a configuration file?"};
    }
    i += bytes;
  }
  return std::nullopt;
}

Mistake syntax_mistake(std::string_view text, Place place, std::string_view reason,
                       std::size_t seen) {
  if (const std::size_t tab = indenting_tab(text, place); tab != std::string_view::npos) {
    return {place_of(text, tab), "a tab indents this line; YAML wants spaces"};
  }
  if (const std::size_t quote = unclosed_quote(text, std::min(seen, text.size()));
      quote != std::string_view::npos) {
    return {place_of(text, quote), std::string("the quote ") + text[quote] + " is never closed"};
  }
  const auto known = std::ranges::find(kWordings, reason, &Wording::library);
  if (known != kWordings.end()) return {place, std::string(known->ours)};
  return {place, "not YAML: " + std::string(reason)};
}

}  // namespace config
