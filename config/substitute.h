// substitute: ${env:NAME} and ${file:PATH} in values, and nothing else.
//
// Done on values after YAML is parsed, so what is put in can never change the file's structure.
// "$${" is a plain "${". A file's one trailing newline is left out; what is put in is not looked at
// again.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/files.h"

namespace config {

// The outside world that ${env:NAME} and ${file:PATH} may look at.
struct Substitutions {
  std::map<std::string, std::string, std::less<>> environment;
  io::Files* files = nullptr;  // nullptr: ${file:…} is a mistake
};

constexpr std::size_t kSubstitutedFileBytesMax = std::size_t{64} << 10;

struct Substituted {
  struct Problem {
    std::size_t offset;  // of the "${" in the text, bytes
    std::string message;
  };
  std::string text;
  std::vector<Problem> problems;
};

Substituted substitute(std::string_view text, const Substitutions& world);

}  // namespace config
