#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "config/keys.h"
#include "config/paths.h"
#include "config/read.h"
#include "config/read_from.h"
#include "config/read_multiline.h"
#include "config/section.h"
#include "config/suggest.h"

namespace config {

namespace {

using namespace base::literals;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool is_json_pointer(std::string_view text) {
  if (!text.starts_with('/')) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1'))) {
      return false;
    }
  }
  return true;
}

void read_partition_key(const Node& node, pipeline::PartitionKey& key, Mistakes& mistakes) {
  constexpr std::string_view kWants =
      "partition_key wants random, { field: /NAME } or { constant: TEXT }, not ";
  if (node.kind == Node::Kind::scalar && node.text == "random") return;
  if (node.kind != Node::Kind::map) {
    static constexpr std::array<std::string_view, 1> kWords = {"random"};
    mistakes.add(node.place,
                 std::string(kWants) + token_of(node) + did_you_mean(node.text, kWords));
    return;
  }
  const Section section(node, "partition_key", kPartitionKeyKeys, mistakes);
  const Node* field = section.find("field");
  const Node* constant = section.find("constant");
  if ((field == nullptr) == (constant == nullptr)) {
    if (field != nullptr || node.entries.empty()) {
      mistakes.add(node.place, std::string(kWants) + (field != nullptr ? "both" : token_of(node)));
    }
    return;
  }
  if (constant != nullptr) {
    constexpr std::size_t kKeyBytesMax = 256;  // as Kinesis limits partition keys
    if (!section.text("constant", "a text of 1 to 256 bytes", key.text)) return;
    if (key.text.size() > kKeyBytesMax) {
      mistakes.add(constant->place,
                   "constant wants a text of 1 to 256 bytes, not " + token_of(*constant));
    }
    key.kind = pipeline::PartitionKey::Kind::constant;
    return;
  }
  constexpr std::string_view kPointer = "a JSON pointer such as /client or /user/id";
  if (!section.text("field", kPointer, key.text)) return;
  if (!is_json_pointer(key.text)) {
    const bool bare = key.text.find_first_of("/~.") == std::string::npos;
    mistakes.add(field->place, "field wants " + std::string(kPointer) + ", not " +
                                   token_of(*field) +
                                   (bare ? ", did you mean '/" + field->written + "'?" : ""));
  }
  key.kind = pipeline::PartitionKey::Kind::field;
}

// "\n" is what it says only in double quotes: otherwise it is a backslash and an n.
bool is_unquoted_escape(std::string_view text) {
  return text.size() > 1 && text[0] == '\\' &&
         std::string_view("0abefnrtvxuUN").find(text[1]) != std::string_view::npos;
}

void read_delimiter(const Section& section, pipeline::Delimiter& delimiter, Mistakes& mistakes) {
  constexpr std::string_view kWants = "a text of 1 to 16 bytes";
  std::string text;
  if (!section.text("delimiter", kWants, text) || text.empty()) return;
  const Node& node = *section.find("delimiter");
  if (text.size() > pipeline::Delimiter::kBytesMax) {
    mistakes.add(node.place, "delimiter wants " + std::string(kWants) + ", not " + token_of(node));
  } else if (is_unquoted_escape(text)) {
    mistakes.add(node.place, "delimiter " + token_of(node) +
                                 " is a backslash and more; in double quotes it is one character: "
                                 "\"" +
                                 text + "\"");
  } else {
    delimiter = pipeline::Delimiter(text);
  }
}

void read_flush(const Node& node, Flow& flow, Places::Flow& places, Mistakes& mistakes) {
  const Section section(node, "flush", kFlushKeys, mistakes);
  if (!section.is_map()) return;
  places.flush_bytes_good =
      section.bytes("bytes", {.least = 1_KiB, .most = 1_GiB}, flow.flush.bytes_max);
  places.flush_bytes = section.place_of("bytes");
  section.count("records", {.least = 1, .most = 1'000'000'000}, flow.flush.records_max);
  section.duration("age", {.least = seconds(0), .most = hours(1)}, flow.flush.age_max);
}

// A file target: PATH or { path: PATH }. False when wrong.
bool read_file_target(const Section& to, Flow& flow, Places::Flow& places, Mistakes& mistakes) {
  const Node& node = *to.find("file");
  std::string path;
  const Node* written = &node;
  if (node.kind == Node::Kind::map) {
    const Section section(node, "file", kFileTargetKeys, mistakes);
    written = section.find("path");
    if (written == nullptr) {
      mistakes.add(node.place, "file has no path; write 'file: /PATH'");
      return false;
    }
    if (!section.text("path", "an absolute path", path)) return false;
  } else if (!to.text("file", "an absolute path", path)) {
    return false;
  }
  places.target = written->place;
  std::string problem = path_problem(path);
  if (problem.empty() && path.ends_with('/')) problem = "it names a directory";
  if (!problem.empty()) {
    mistakes.add(written->place,
                 "file wants an absolute path, not " + token_of(*written) + "; " + problem);
    return false;
  }
  flow.to = FileTarget{tidy_path(path)};
  return true;
}

// "stdout:" and "null:" take nothing, or an empty map.
bool read_bare_target(const Section& to, std::string_view key, Mistakes& mistakes) {
  const Node& node = *to.find(key);
  if (node.kind == Node::Kind::null || (node.kind == Node::Kind::map && node.entries.empty()))
    return true;
  mistakes.add(node.place, std::string(key) + " takes no options, write 'to: " + std::string(key) +
                               "', not " + token_of(node));
  return false;
}

bool read_target(const Section& to, const Node& node, Flow& flow, Places::Flow& places,
                 Mistakes& mistakes) {
  static constexpr std::array<std::string_view, 4> kTargets = {"stream", "stdout", "file", "null"};
  std::vector<std::string_view> given;
  for (const std::string_view target : kTargets) {
    if (to.find(target) != nullptr) given.push_back(target);
  }
  if (given.size() != 1) {
    mistakes.add(node.place, "to wants one of stream, stdout, file or null in flow '" + flow.name +
                                 "', not " +
                                 (given.empty() ? "none of them"
                                                : "both '" + std::string(given[0]) + "' and '" +
                                                      std::string(given[1]) + "'"));
    return false;
  }
  places.target = to.place_of(given[0]);
  if (given[0] == "file") return read_file_target(to, flow, places, mistakes);
  if (given[0] == "stream") {
    std::string name;
    if (!to.text("stream", "a stream's name", name)) return false;
    flow.to = StreamTarget{std::move(name)};
    return true;
  }
  if (!read_bare_target(to, given[0], mistakes)) return false;
  if (given[0] == "stdout") {
    flow.to = StdoutTarget{};
  } else {
    flow.to = NullTarget{};
  }
  return true;
}

// "to: stdout", "to: null" ("to:" alone is the same in YAML, and too likely an accident).
bool read_short_target(const Node& node, Flow& flow, Mistakes& mistakes) {
  if (node.kind == Node::Kind::null && node.written.empty()) {
    mistakes.add(node.place, "to wants one of stream, stdout, file or null in flow '" + flow.name +
                                 "', not nothing");
    return false;
  }
  if (node.kind == Node::Kind::null || node.text == "null") {
    flow.to = NullTarget{};
    return true;
  }
  if (node.text == "stdout") {
    flow.to = StdoutTarget{};
    return true;
  }
  static constexpr std::array<std::string_view, 2> kWords = {"stdout", "null"};
  if (const std::string near = did_you_mean(node.text, kWords); !near.empty()) {
    mistakes.add(node.place, "to wants stdout, null or a map, not " + token_of(node) + near);
    return false;
  }
  const std::string as = node.text.starts_with('/') ? "file" : "stream";
  mistakes.add(node.place, "to wants stdout, null or a map, not " + token_of(node) +
                               ", did you mean '{ " + as + ": " + node.written + " }'?");
  return false;
}

void read_to(const Node& node, Flow& flow, Places::Flow& places, Mistakes& mistakes) {
  places.target = node.place;
  if (node.kind == Node::Kind::null || node.kind == Node::Kind::scalar) {
    places.target_good = read_short_target(node, flow, mistakes);
    return;
  }
  const Section section(node, "to", kToKeys, mistakes);
  if (!section.is_map()) return;
  places.target_good = read_target(section, node, flow, places, mistakes);
  if (const Node* flush = section.find("flush")) {
    read_flush(*flush, flow, places, mistakes);
  }
}

}  // namespace

void read_flow(const NodeEntry& entry, Config& config, Places& all_places, Mistakes& mistakes) {
  Flow& flow = config.flows.emplace_back();
  Places::Flow& places = all_places.flows.emplace_back();
  flow.name = entry.key;
  flow.place = entry.place;
  places.target = places.flush_bytes = places.max_line = entry.place;
  places.flush_bytes_good = true;  // until something wrong is read

  const std::string what = "flow '" + entry.key + "'";
  const Section section(entry.value, what, kFlowKeys, mistakes);
  if (!section.is_map()) return;
  const Node* from = section.find("from");
  const Node* to = section.find("to");
  if (from == nullptr) {
    mistakes.add(
        entry.place,
        what + " has no 'from'; say what to read, as in 'from: { files: [/var/log/nginx/*.log] }'");
  } else {
    read_from(*from, flow, places, mistakes);
  }
  if (to == nullptr) {
    mistakes.add(entry.place,
                 what + " has no 'to'; say where records go, as in 'to: { stream: access }'");
  } else {
    read_to(*to, flow, places, mistakes);
  }

  static constexpr std::array<std::string_view, 3> kPolicies = {"split", "truncate", "reject"};
  static constexpr std::array<pipeline::LongLines, 3> kValues = {
      pipeline::LongLines::split, pipeline::LongLines::truncate, pipeline::LongLines::reject};
  if (const auto word = section.word("long_lines", kPolicies)) {
    flow.program.framer.long_lines = kValues[*word];
  }
  read_delimiter(section, flow.program.framer.delimiter, mistakes);
  if (flow.pipe && section.find("delimiter") != nullptr) {
    mistakes.add(section.place_of("delimiter"),
                 "delimiter is for files only; standard input and FIFOs are read by lines");
  }
  static constexpr std::array<std::string_view, 2> kEmptyLines = {"keep", "skip"};
  if (const auto word = section.word("empty_lines", kEmptyLines)) {
    flow.program.empty_lines = static_cast<pipeline::EmptyLines>(*word);
  }
  std::uint64_t line_bytes = flow.program.framer.line_bytes_max;
  places.max_line_good = section.bytes("max_line", {.least = 64, .most = 16_MiB}, line_bytes);
  flow.program.framer.line_bytes_max = line_bytes;
  if (section.find("max_line") != nullptr) places.max_line = section.place_of("max_line");
  if (const Node* multiline = section.find("multiline")) {
    read_multiline(*multiline, flow.program.groups, mistakes);
  }
  if (const Node* key = section.find("partition_key")) {
    read_partition_key(*key, flow.program.partition_key, mistakes);
  }
}

}  // namespace config
