// paths: questions about the text of absolute paths and patterns. Pure: looks at no disk.
#pragma once

#include <string>
#include <string_view>

namespace config {

// "" when `path` can be used as it is, else what to do: "begin it with '/'".
std::string path_problem(std::string_view path);

// Without repeated and trailing slashes and "/./"; "/" stays.
std::string tidy_path(std::string_view path);

// Is `path` the directory or something below it? Both tidy.
bool is_inside(std::string_view path, std::string_view directory);

// The part of a tidy pattern before its first part with a wildcard: the whole of it when it has
// none.
std::string literal_part(std::string_view pattern);

}  // namespace config
