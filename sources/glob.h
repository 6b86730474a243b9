// Globs: shell-like patterns over whole paths, as bytes: names need not be UTF-8.
//
//   *  any bytes but '/'       [a-z] [!x]  one byte of a set, never '/'     \x  the byte x itself
//   ?  one byte but '/'        {a,b}       one of several, may be nested    **  zero or more
//   directories
//
// `**` is special only as a whole part; inside a part it is `*` twice. A name that begins with a
// dot is matched only by a part that begins with that dot.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sources {

bool glob_match(std::string_view pattern, std::string_view path);

// Alternatives multiply, but not without end.
constexpr std::size_t kGlobAlternativesMax = 1000;

// `pattern` without braces: one string per combination, in the order they are written; at most
// kGlobAlternativesMax. A brace that is not closed stands for itself.
std::vector<std::string> expand_braces(std::string_view pattern);

// A pattern without braces and a path, both cut at '/'.
bool glob_match_parts(std::span<const std::string> pattern, std::span<const std::string> path);

// One part of a path, without braces and without '/'.
bool glob_match_part(std::string_view pattern, std::string_view name);

// Holds * ? [ or a backslash: must be matched rather than compared.
bool has_wildcard(std::string_view part);

// The pattern that matches `path` and nothing else.
std::string literal_pattern(std::string_view path);

// The bytes between slashes, empty ones left out.
std::vector<std::string> split_path(std::string_view path);

}  // namespace sources
