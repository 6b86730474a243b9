// yaml: text → tree. The only place that knows yaml-cpp.
//
// Bounded in depth and in size after aliases are followed, whatever the text says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/mistake.h"
#include "config/node.h"

namespace config {

constexpr std::size_t kDepthMax = 32;       // levels of nesting; ours needs 6
constexpr std::size_t kNodesMax = 100'000;  // values after aliases are followed
constexpr std::size_t kTextBytesMax = std::size_t{8}
                                      << 20;  // of all values after aliases are followed

// Keys that are maps: a configuration has none, other programs' files do.
enum class YamlKeys : std::uint8_t { words, also_maps };

// `text` must have passed text_mistake(). nullopt: not YAML, said in `mistakes`. Anchors and
// aliases work; tags, merge keys and further documents are mistakes. Never throws.
std::optional<Node> parse_yaml(std::string_view text, Mistakes& mistakes,
                               YamlKeys keys = YamlKeys::words);

}  // namespace config
