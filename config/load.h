// load: YAML → Config, every mistake at once. The only place that knows yaml-cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "io/files.h"

namespace config {

// One mistake: "tailrace.yaml:7:5: unknown key 'shard', did you mean 'shards'?"
struct Mistake {
  Place place;          // line 0: about the whole file
  std::string message;  // names the offending token; ends with a suggestion where one is near
};

struct Loaded {
  Config config;                  // meaningful only without mistakes
  std::vector<Mistake> mistakes;  // in the file's order
};

// The outside world that ${env:NAME} and ${file:PATH} may look at.
struct Substitutions {
  std::map<std::string, std::string, std::less<>> environment;
  io::Files* files = nullptr;
};

// Parses and validates `text`. Never throws.
Loaded parse(std::string_view text, const Substitutions& substitutions);

// Reads and parses the file at `path`. Error: the file cannot be read.
base::Result<Loaded> load(io::Files& files, const std::string& path,
                          const std::map<std::string, std::string, std::less<>>& environment);

// "path:line:column: message", one line per mistake, with the source line and a caret under each.
std::string describe(const std::vector<Mistake>& mistakes, const std::string& path,
                     std::string_view text);

}  // namespace config
