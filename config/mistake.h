// Mistakes: what is wrong in a configuration, each at its place, all of them at once.
//
// Messages have one form: what is wanted, then the offending token in quotes, then a way out:
//   shards wants a whole number from 1 to 10000, not 'four'
//   unknown key 'shard' in stream 'access', did you mean 'shards'?
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace config {

// One mistake: "tailrace.yaml:7:5: unknown key 'shard' in stream 'access', did you mean 'shards'?"
struct Mistake {
  Place place;          // line 0: about the whole file
  std::string message;  // names the offending token; ends with a suggestion where one is near
};

// Collects mistakes while a file is read. Not thread-safe.
class Mistakes {
 public:
  void add(Place place, std::string message);
  // Nothing more is said about the value at `place`: what is wrong with it was said.
  void settle(Place place) { settled_.push_back(place); }
  bool empty() const { return all_.empty(); }
  // In the file's order, each said once (an alias is read as often as it is used).
  std::vector<Mistake> take();

 private:
  std::vector<Mistake> all_;
  std::vector<Place> settled_;
};

// "path:line:column: message", one line per mistake, with the source line and a caret under each.
// `text`: the file's. Control bytes of the source are shown as '?': nothing reaches a terminal raw.
std::string describe(const std::vector<Mistake>& mistakes, const std::string& path,
                     std::string_view text);

}  // namespace config
