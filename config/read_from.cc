#include "config/read_from.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "config/keys.h"
#include "config/paths.h"
#include "config/section.h"
#include "config/suggest.h"
#include "pipeline/line_pattern.h"

namespace config {

namespace {

using namespace base::literals;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// How a list of files says standard input, as on a command line.
constexpr std::string_view kStandardInput = "-";
// What means something for a pipe as well.
constexpr std::array<std::string_view, 3> kPipeKeys = {"files", "fifo", "partial_line_timeout"};

constexpr std::string_view kPattern = "an absolute path or pattern";

// The patterns of `key`, tidied. Wrong ones are said and left out.
void read_patterns(const Section& section, std::string_view key, bool names_allowed,
                   std::vector<std::string>& into, std::vector<Place>& places, Mistakes& mistakes) {
  std::vector<Section::Text> texts;
  const bool good = section.texts(key, kPattern, texts);
  if (good && texts.empty() && !names_allowed && section.find(key) != nullptr) {
    mistakes.add(section.place_of(key), std::string(key) + " wants " + std::string(kPattern) +
                                            " or a list of them, not an empty list");
  }
  for (const Section::Text& text : texts) {
    std::string pattern = text.value;
    // "*.gz" as an exclusion means files of that name wherever they are.
    if (names_allowed && pattern.find('/') == std::string::npos) pattern.insert(0, "/**/");
    std::string problem = path_problem(pattern);
    if (problem.empty() && pattern.ends_with('/')) {
      problem = "it names a directory, did you mean '" + text.written + "*'?";
    }
    if (!problem.empty()) {
      mistakes.add(text.place, std::string(key) + " wants " + std::string(kPattern) + ", not '" +
                                   text.written + "'; " + problem);
      continue;
    }
    into.push_back(tidy_path(pattern));
    places.push_back(text.place);
  }
}

// True: there is one, and it is good.
bool read_line_pattern(const Section& section, std::string_view key, std::string& into,
                       Mistakes& mistakes) {
  constexpr std::string_view kWants = "a regular expression";
  std::string pattern;
  if (!section.text(key, kWants, pattern) || section.find(key) == nullptr) return false;
  const auto compiled = pipeline::LinePattern::compile(pattern);
  if (!compiled) {
    mistakes.add(section.place_of(key), std::string(key) + " wants " + std::string(kWants) +
                                            ", not " + token_of(*section.find(key)) + "; " +
                                            compiled.error().message);
    return false;
  }
  into = std::move(pattern);
  return true;
}

void read_edge_lines(const Section& section, Flow& flow, Mistakes& mistakes) {
  std::uint64_t lines = flow.tail.header_lines;
  section.count("skip_header", {.least = 0, .most = 1000}, lines);
  flow.tail.header_lines = static_cast<std::uint32_t>(lines);
  read_line_pattern(section, "footer_pattern", flow.tail.footer_pattern, mistakes);
  if (!read_line_pattern(section, "skip_header_pattern", flow.tail.header_pattern, mistakes))
    return;
  if (lines == 0) return;
  mistakes.add(
      section.place_of("skip_header_pattern"),
      "flow '" + flow.name +
          "' has skip_header and skip_header_pattern, which may disagree; say one of them");
}

// What is in the files, and what of it is read.
void read_content(const Section& section, Flow& flow, Places::Flow& places, Mistakes& mistakes) {
  static constexpr std::array<std::string_view, 3> kCompressed = {"skip", "read", "raw"};
  if (const auto word = section.word("compressed", kCompressed)) {
    flow.from.compressed = static_cast<sources::CompressedFiles>(*word);
  }
  static constexpr std::array<std::string_view, 4> kEncodings = {"utf-8", "utf-16le", "utf-16be",
                                                                 "utf-16"};
  places.encoding = section.place_of("encoding");
  if (const auto word = section.word("encoding", kEncodings)) {
    flow.tail.encoding = static_cast<sources::Encoding>(*word);
  }
  read_edge_lines(section, flow, mistakes);
  static constexpr std::array<std::string_view, 2> kAnswers = {"false", "true"};
  if (const auto word = section.word("allow_binary", kAnswers)) {
    flow.tail.allow_binary = *word == 1;
  }
  static constexpr std::array<std::string_view, 2> kOnReadError = {"retry", "skip"};
  places.on_read_error = section.place_of("on_read_error");
  if (const auto word = section.word("on_read_error", kOnReadError)) {
    flow.tail.on_read_error = static_cast<sources::OnReadError>(*word);
  }
}

void read_files(const Section& section, Flow& flow, Places::Flow& places, Mistakes& mistakes) {
  read_patterns(section, "files", false, flow.from.patterns, places.files, mistakes);
  std::vector<Place> unused;
  read_patterns(section, "exclude", true, flow.from.exclude, unused, mistakes);
  static constexpr std::array<std::string_view, 2> kStarts = {"beginning", "end"};
  if (const auto word = section.word("start", kStarts)) {
    flow.from.start = *word == 0 ? sources::Start::beginning : sources::Start::end;
  }
  static constexpr std::array<std::string_view, 2> kWatches = {"auto", "poll"};
  if (const auto word = section.word("watch", kWatches)) {
    flow.from.watch = *word == 0 ? sources::Watch::automatic : sources::Watch::poll;
  }
  static constexpr std::array<std::string_view, 2> kOrders = {"fair", "oldest_first"};
  if (const auto word = section.word("order", kOrders)) {
    flow.from.order = static_cast<sources::Order>(*word);
  }
  static constexpr std::array<std::string_view, 2> kDiscover = {"names", "open"};
  if (const auto word = section.word("discover", kDiscover)) {
    flow.from.discover = *word == 0 ? sources::Discover::names : sources::Discover::open;
  }
  static constexpr std::array<std::string_view, 2> kOnRewrite = {"new", "continue"};
  places.on_rewrite = section.place_of("on_rewrite");
  if (const auto word = section.word("on_rewrite", kOnRewrite)) {
    flow.tail.on_rewrite = static_cast<sources::OnRewrite>(*word);
  }
  read_content(section, flow, places, mistakes);
  section.duration("reconcile", {.least = milliseconds(100), .most = hours(24)},
                   flow.from.reconcile_interval);
  section.duration("rotate_wait", {.least = seconds(0), .most = hours(24)}, flow.tail.rotate_wait);
  section.duration("close_inactive",
                   {.least = milliseconds(100), .most = hours(24 * 365), .zero = true},
                   flow.tail.close_inactive);
  section.bytes("max_deleted_bytes", {.least = 1_MiB, .most = 1024_GiB, .zero = true},
                flow.tail.deleted_bytes_max);
  section.duration("max_deleted_age", {.least = seconds(1), .most = hours(24 * 365), .zero = true},
                   flow.tail.deleted_age_max);
  section.duration("stall_after", {.least = seconds(1), .most = hours(24), .zero = true},
                   flow.tail.stall_after);
  section.duration("ignore_older", {.least = seconds(1), .most = hours(24 * 3650), .zero = true},
                   flow.from.ignore_older);
  section.duration(
      "state_ttl",
      {.least = sources::FilesOptions::kStateTtlMin, .most = hours(24 * 3650), .zero = true},
      flow.from.state_ttl);
  section.duration("delete_after", {.least = seconds(1), .most = hours(24 * 3650), .zero = true},
                   flow.from.delete_after);
  places.delete_after = section.place_of("delete_after");
}

// "-" among the files. True: it is all there is to say of them.
bool read_standard_input(const Section& section, Flow& flow, Places::Flow& places,
                         Mistakes& mistakes) {
  const Node* files = section.find("files");
  if (files == nullptr) return false;
  const auto is_input = [](const Node& node) {
    return node.kind == Node::Kind::scalar && node.text == kStandardInput;
  };
  const auto item = std::ranges::find_if(files->items, is_input);
  const bool listed = files->kind == Node::Kind::list && item != files->items.end();
  if (!listed && !is_input(*files)) return false;
  places.pipe = listed ? item->place : files->place;
  if (listed && files->items.size() > 1) {
    mistakes.add(places.pipe,
                 "files has '-', which is standard input, together with others in "
                 "flow '" +
                     flow.name + "'; give it a flow of its own");
    return true;
  }
  flow.pipe = sources::PipeInput{};
  return true;
}

void read_fifo(const Section& section, Flow& flow, Places::Flow& places, Mistakes& mistakes) {
  constexpr std::string_view kWants = "the absolute path of one FIFO";
  const Node& node = *section.find("fifo");
  places.pipe = node.place;
  std::string path;
  if (!section.text("fifo", kWants, path) || path.empty()) return;
  std::string problem = path_problem(path);
  if (problem.empty() && path.ends_with('/')) problem = "it names a directory";
  if (!problem.empty()) {
    mistakes.add(node.place,
                 "fifo wants " + std::string(kWants) + ", not '" + node.written + "'; " + problem);
    return;
  }
  flow.pipe = sources::PipeInput{.fifo = tidy_path(path)};
}

// What says how to find files and to come back to them.
void refuse_file_keys(const Node& node, const Section& section, std::string_view source,
                      Mistakes& mistakes) {
  for (const NodeEntry& entry : node.entries) {
    if (std::ranges::find(kPipeKeys, entry.key) != kPipeKeys.end()) continue;
    if (std::ranges::find(kFromKeys, entry.key) == kFromKeys.end()) continue;  // said already
    mistakes.add(section.place_of(entry.key), entry.key + " is about files, and " +
                                                  std::string(source) + " is none; leave it out");
  }
}

}  // namespace

void read_from(const Node& node, Flow& flow, Places::Flow& places, Mistakes& mistakes) {
  const Section section(node, "from", kFromKeys, mistakes);
  if (!section.is_map()) return;
  section.duration("partial_line_timeout", {.least = seconds(0), .most = hours(24)},
                   flow.tail.partial_line_timeout);
  const bool fifo = section.find("fifo") != nullptr;
  if (fifo && section.find("files") != nullptr) {
    mistakes.add(section.place_of("fifo"), "from wants files or fifo in flow '" + flow.name +
                                               "', not both; give each a flow of its own");
    return;
  }
  if (fifo) {
    read_fifo(section, flow, places, mistakes);
    refuse_file_keys(node, section, "a FIFO", mistakes);
    return;
  }
  if (read_standard_input(section, flow, places, mistakes)) {
    if (flow.pipe) refuse_file_keys(node, section, "standard input", mistakes);
    return;
  }
  if (section.find("files") == nullptr) {
    mistakes.add(node.place, "from has no files in flow '" + flow.name +
                                 "'; say which, as in 'files: [/var/log/nginx/*.log]'");
  }
  read_files(section, flow, places, mistakes);
}

}  // namespace config
