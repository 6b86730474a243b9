// Node: a YAML value as a plain tree, so that one file alone knows the YAML library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"

namespace config {

struct NodeEntry;

struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  Place place;
  std::string text;         // scalar: its value, substitutions done
  std::string written;      // scalar: as in the file; what messages quote, so that no secret shows
  std::vector<Node> items;  // list
  std::vector<NodeEntry> entries;  // map, in the file's order, duplicates and all
};

struct NodeEntry {
  std::string key;
  Place place;  // of the key
  Node value;
  std::vector<NodeEntry> key_entries = {};  // of a key that is a map itself; `key` is empty then
};

// How a message calls a value: "'4Mib'", "nothing", "a list", "a map".
std::string token_of(const Node& node);

}  // namespace config
