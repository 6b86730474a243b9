// The example shows every key with its default: it is the documentation of the configuration.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>

#include "config/keys.h"
#include "config/load.h"
#include "config/yaml.h"
#include "tests/test.h"

namespace {

std::string example_text() {
  std::ifstream file("config/example.yaml");
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

config::Config example() {
  const config::Loaded loaded = config::parse(example_text(), {});
  INFO(config::describe(loaded.mistakes, "config/example.yaml", loaded.text));
  REQUIRE(loaded.mistakes.empty());
  return loaded.config;
}

// The maps at `path`, where "*" is every entry.
void collect(const config::Node& node, std::span<const std::string_view> path,
             std::set<std::string>& keys) {
  if (path.empty()) {
    for (const config::NodeEntry& entry : node.entries) keys.insert(entry.key);
    return;
  }
  for (const config::NodeEntry& entry : node.entries) {
    if (path[0] == "*" || path[0] == entry.key) collect(entry.value, path.subspan(1), keys);
  }
}

std::set<std::string> keys_at(std::initializer_list<std::string_view> path) {
  config::Mistakes mistakes;
  const std::optional<config::Node> root = config::parse_yaml(example_text(), mistakes);
  REQUIRE(root);
  std::set<std::string> keys;
  collect(*root, std::span(path.begin(), path.size()), keys);
  return keys;
}

std::set<std::string> all(std::span<const std::string_view> known) {
  return {known.begin(), known.end()};
}

}  // namespace

TEST_CASE("example: the top level shows the defaults", "[config][example]") {
  const config::Config shown = example();
  const config::Config defaults;
  CHECK(shown.io == defaults.io);
  CHECK(shown.reactors == defaults.reactors);
  CHECK(shown.memory_bytes == defaults.memory_bytes);
  CHECK(shown.max_open_files == defaults.max_open_files);
  CHECK(shown.shutdown_grace == defaults.shutdown_grace);
  CHECK(shown.on_state_error == defaults.on_state_error);
}

TEST_CASE("example: a stream shows the defaults", "[config][example]") {
  const config::Config shown = example();
  REQUIRE(shown.streams.contains("access"));
  CHECK(shown.streams.at("access").shards == config::Stream().shards);
  CHECK(shown.streams.at("access").options == store::ShardOptions());
}

TEST_CASE("example: a flow shows the defaults", "[config][example]") {
  const config::Config shown = example();
  REQUIRE_FALSE(shown.flows.empty());
  const config::Flow& flow = shown.flows.front();
  const config::Flow defaults;
  sources::FilesOptions from;  // what has no default is an example
  from.patterns = flow.from.patterns;
  from.exclude = flow.from.exclude;
  CHECK(flow.from == from);
  CHECK(flow.tail.rotate_wait == defaults.tail.rotate_wait);
  CHECK(flow.tail.close_inactive == defaults.tail.close_inactive);
  CHECK(flow.tail.deleted_bytes_max == defaults.tail.deleted_bytes_max);
  CHECK(flow.tail.deleted_age_max == defaults.tail.deleted_age_max);
  CHECK(flow.tail.stall_after == defaults.tail.stall_after);
  CHECK(flow.tail.once == defaults.tail.once);
  CHECK(flow.tail.partial_line_timeout == defaults.tail.partial_line_timeout);
  CHECK(flow.program.groups == defaults.program.groups);
  CHECK(flow.program.framer.line_bytes_max == defaults.program.framer.line_bytes_max);
  CHECK(flow.program.framer.long_lines == defaults.program.framer.long_lines);
  CHECK(flow.program.partition_key == defaults.program.partition_key);
  CHECK(flow.flush == defaults.flush);
  pipeline::GroupOptions groups = shown.flows.at(1).program.groups;
  CHECK(groups.by == pipeline::GroupLines::start);
  groups.by = defaults.program.groups.by;
  groups.pattern = {};
  CHECK(groups == defaults.program.groups);
}

TEST_CASE("example: every key appears in it", "[config][example]") {
  CHECK(keys_at({}) == all(config::kTopKeys));
  CHECK(keys_at({"streams", "*"}) == all(config::kStreamKeys));
  CHECK(keys_at({"flows", "*"}) == all(config::kFlowKeys));
  CHECK(keys_at({"flows", "*", "from"}) == all(config::kFromKeys));
  CHECK(keys_at({"flows", "*", "multiline"}) == all(config::kMultilineKeys));
  CHECK(keys_at({"flows", "*", "partition_key"}) == all(config::kPartitionKeyKeys));
  CHECK(keys_at({"flows", "*", "to"}) == all(config::kToKeys));
  CHECK(keys_at({"flows", "*", "to", "file"}) == all(config::kFileTargetKeys));
  CHECK(keys_at({"flows", "*", "to", "flush"}) == all(config::kFlushKeys));
}

TEST_CASE("example: its first stream and flow show every key with a default", "[config][example]") {
  CHECK(keys_at({"streams", "access"}) == all(config::kStreamKeys));
  CHECK(keys_at({"flows", "nginx"}) == all(config::kFlowKeys));
  std::set<std::string> from = all(config::kFromKeys);
  from.erase("fifo");  // instead of files
  for (const char* key : {"skip_header_pattern", "footer_pattern"}) from.erase(key);  // no default
  CHECK(keys_at({"flows", "nginx", "from"}) == from);
  CHECK(keys_at({"flows", "nginx", "to", "flush"}) == all(config::kFlushKeys));
}
