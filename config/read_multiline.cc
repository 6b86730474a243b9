#include "config/read_multiline.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "config/keys.h"
#include "config/section.h"
#include "config/suggest.h"
#include "pipeline/line_pattern.h"

namespace config {

namespace {

using namespace base::literals;
using pipeline::GroupLines;

constexpr std::array<std::string_view, 7> kPresets = {"indented", "java", "python", "go",
                                                      "dotnet",   "ruby", "php"};
constexpr std::string_view kWants =
    "multiline wants off, a preset's name, or one of start, continue, end and preset, not ";

void use_preset(std::string_view name, pipeline::GroupOptions& groups) {
  groups.by = name == "indented" ? GroupLines::indented : GroupLines::follow;
  groups.pattern = pipeline::trace_pattern(name);
}

// Whatever is wrong with the pattern is said where it stands.
void read_pattern(const Section& section, std::string_view key, GroupLines by,
                  pipeline::GroupOptions& groups, Mistakes& mistakes) {
  constexpr std::string_view kPattern = "a regular expression";
  std::string pattern;
  if (!section.text(key, kPattern, pattern)) return;
  const auto compiled = pipeline::LinePattern::compile(pattern);
  if (!compiled) {
    mistakes.add(section.place_of(key), std::string(key) + " wants " + std::string(kPattern) +
                                            ", not " + token_of(*section.find(key)) + "; " +
                                            compiled.error().message);
    return;
  }
  groups.by = by;
  groups.pattern = std::move(pattern);
}

void read_kind(const Section& section, const Node& node, pipeline::GroupOptions& groups,
               Mistakes& mistakes) {
  static constexpr std::array<std::string_view, 4> kKinds = {"start", "continue", "end", "preset"};
  static constexpr std::array<GroupLines, 3> kBy = {GroupLines::start, GroupLines::follow,
                                                    GroupLines::end};
  std::vector<std::size_t> given;
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (section.find(kKinds[i]) != nullptr) given.push_back(i);
  }
  if (given.size() != 1) {
    mistakes.add(node.place,
                 std::string(kWants) + (given.empty()
                                            ? "none of them"
                                            : "both '" + std::string(kKinds[given[0]]) + "' and '" +
                                                  std::string(kKinds[given[1]]) + "'"));
    return;
  }
  const std::size_t kind = given.front();
  if (kind < kBy.size()) {
    read_pattern(section, kKinds[kind], kBy[kind], groups, mistakes);
  } else if (const auto word = section.word("preset", kPresets)) {
    use_preset(kPresets[*word], groups);
  }
}

}  // namespace

void read_multiline(const Node& node, pipeline::GroupOptions& groups, Mistakes& mistakes) {
  if (node.kind == Node::Kind::scalar) {
    if (node.text == "off") return;
    for (const std::string_view preset : kPresets) {
      if (node.text == preset) return use_preset(preset, groups);
    }
  }
  if (node.kind != Node::Kind::map) {
    mistakes.add(node.place,
                 std::string(kWants) + token_of(node) + did_you_mean(node.text, kPresets));
    return;
  }
  const Section section(node, "multiline", kMultilineKeys, mistakes);
  read_kind(section, node, groups, mistakes);
  section.duration("timeout",
                   {.least = std::chrono::milliseconds(10), .most = std::chrono::hours(1)},
                   groups.timeout);
  std::uint64_t lines = groups.lines_max;
  section.count("max_lines", {.least = 1, .most = 1'000'000}, lines);
  groups.lines_max = lines;
  std::uint64_t bytes = groups.bytes_max;
  section.bytes("max_bytes", {.least = 64, .most = 16_MiB}, bytes);
  groups.bytes_max = bytes;
}

}  // namespace config
