// load: YAML → Config, every mistake at once.
//
// The way: text → tree (yaml.h) → substitutions → the rooms' options (read.h) → sums (validate.h).
// Pure but for what ${env:…} and ${file:…} may look at; any thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/mistake.h"
#include "config/substitute.h"
#include "io/files.h"

namespace config {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;  // of a configuration file

struct Loaded {
  Config config;                  // meaningful only without mistakes
  std::vector<Mistake> mistakes;  // in the file's order
  std::string text;               // what was parsed, for describe()
};

// Parses and validates `text`. Never throws.
Loaded parse(std::string_view text, const Substitutions& substitutions);

// Reads and parses the file at `path`. Error: the file cannot be read.
base::Result<Loaded> load(io::Files& files, const std::string& path,
                          const std::map<std::string, std::string, std::less<>>& environment);

}  // namespace config
