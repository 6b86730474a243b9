#include "config/read.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/ids.h"
#include "config/keys.h"
#include "config/paths.h"
#include "config/section.h"

namespace config {

namespace {

using namespace base::literals;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

void read_retention(const Section& section, std::uint32_t shards, Stream& stream,
                    Places::Stream& places, bool shards_good) {
  store::ShardOptions& options = stream.options;
  section.duration("retention", {.least = seconds(1), .most = hours(24 * 3650), .zero = true},
                   options.retention_age);
  std::uint64_t stream_bytes = options.retention_bytes * shards;
  const bool max_good = section.bytes(
      "max_bytes", {.least = 64_KiB, .most = 1024_GiB * 1024, .zero = true}, stream_bytes);
  // The user limits the stream, the store each shard.
  options.retention_bytes = stream_bytes / shards;
  const bool segment_good =
      section.bytes("segment_bytes", {.least = 64_KiB, .most = 4_GiB}, options.segment_bytes_max);
  section.duration("segment_age", {.least = seconds(1), .most = hours(24 * 30)},
                   options.segment_age_max);
  places.max_bytes = section.place_of("max_bytes");
  places.sizes_good = shards_good && max_good && segment_good;
}

// Names of a map of named things: repeated or impossible ones are said here.
template <typename Read>
void read_named(const Node& node, std::string_view what, Mistakes& mistakes, Read read) {
  for (auto entry = node.entries.begin(); entry != node.entries.end(); ++entry) {
    const std::string quoted = std::string(what) + " name '" + entry->key + "'";
    if (const std::string problem = name_problem(entry->key); !problem.empty()) {
      mistakes.add(entry->place, quoted + " cannot be used: " + problem);
    }
    const auto earlier = std::find_if(node.entries.begin(), entry, [&](const NodeEntry& other) {
      return other.key == entry->key;
    });
    if (earlier != entry) {
      mistakes.add(entry->place, quoted + " is given twice, first in line " +
                                     std::to_string(earlier->place.line));
      continue;
    }
    read(*entry);
  }
}

void read_streams(const Node& node, Config& config, Places& places, Mistakes& mistakes) {
  if (node.kind == Node::Kind::null) {
    places.streams_good = true;
    return;
  }
  if (node.kind != Node::Kind::map) {
    mistakes.add(node.place, "streams wants a map of names, as in 'access: { shards: 4 }', not " +
                                 token_of(node));
    return;
  }
  places.streams_good = true;
  read_named(node, "stream", mistakes, [&](const NodeEntry& entry) {
    if (entry.key.starts_with('_')) {
      mistakes.add(entry.place,
                   "stream name '" + entry.key +
                       "' cannot be used: names that begin with '_' are the store's own");
    }
    read_stream(entry, config, places, mistakes);
  });
}

void read_flows(const Node& node, Config& config, Places& places, Mistakes& mistakes) {
  if (node.kind == Node::Kind::null) return;
  if (node.kind != Node::Kind::map) {
    mistakes.add(node.place, "flows wants a map of names, as in 'nginx: { from: …, to: … }', not " +
                                 token_of(node));
    places.flows_good = false;
    return;
  }
  read_named(node, "flow", mistakes,
             [&](const NodeEntry& entry) { read_flow(entry, config, places, mistakes); });
}

void read_data_dir(const Section& top, Config& config, Places& places, Mistakes& mistakes) {
  std::string path;
  constexpr std::string_view kWants = "an absolute path";
  places.data_dir_given = top.find("data_dir") != nullptr;
  if (!places.data_dir_given) return;  // whether it may be missing depends on the flows
  if (!top.text("data_dir", kWants, path) || path.empty()) return;
  const Node& node = *top.find("data_dir");
  places.data_dir = node.place;
  if (const std::string problem = path_problem(path); !problem.empty()) {
    mistakes.add(node.place, "data_dir wants " + std::string(kWants) + ", not " + token_of(node) +
                                 "; " + problem);
    return;
  }
  config.data_dir = tidy_path(path);
  places.data_dir_good = true;
}

}  // namespace

std::string name_problem(std::string_view name) {
  constexpr std::size_t kNameBytesMax = 128;
  if (name.empty()) return "it is empty";
  if (name.size() > kNameBytesMax) return "it is longer than 128 bytes";
  if (name == "." || name == "..") return "it would name a directory";
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  if (!std::ranges::all_of(name, allowed)) return "use letters, digits, '_', '.' and '-' only";
  return {};
}

void read_stream(const NodeEntry& entry, Config& config, Places& all_places, Mistakes& mistakes) {
  Stream& stream = config.streams[entry.key];
  Places::Stream& places = all_places.streams[entry.key];
  stream.place = entry.place;
  static const Node kEmpty{
      .kind = Node::Kind::map, .place = {}, .text = {}, .written = {}, .items = {}, .entries = {}};
  // "access:" alone is a stream with every default.
  const Node& node = entry.value.kind == Node::Kind::null ? kEmpty : entry.value;
  const Section section(node, "stream '" + entry.key + "'", kStreamKeys, mistakes);

  store::ShardOptions& options = stream.options;
  std::uint64_t shards = stream.shards;
  const bool shards_good = section.count("shards", {.least = 1, .most = 10'000}, shards);
  stream.shards = static_cast<std::uint32_t>(shards);
  read_retention(section, stream.shards, stream, places, shards_good);

  static constexpr std::array<std::string_view, 2> kCompressions = {"none", "lz4"};
  if (const auto word = section.word("compression", kCompressions)) {
    options.compression = *word == 0 ? store::Compression::none : store::Compression::lz4;
  }
  static constexpr std::array<std::string_view, 3> kSyncs = {"flush", "interval", "os"};
  static constexpr std::array<store::SyncPolicy, 3> kPolicies = {
      store::SyncPolicy::flush, store::SyncPolicy::interval, store::SyncPolicy::os};
  if (const auto word = section.word("sync", kSyncs)) options.sync = kPolicies[*word];
  section.duration("sync_interval", {.least = milliseconds(1), .most = seconds(60)},
                   options.sync_interval);
}

void read_config(const Node& root, Config& config, Places& places, Mistakes& mistakes) {
  const Section top(root, "", kTopKeys, mistakes);
  if (!top.is_map()) return;
  read_data_dir(top, config, places, mistakes);

  static constexpr std::array<std::string_view, 3> kBackends = {"auto", "io_uring", "epoll"};
  static constexpr std::array<io::Backend, 3> kValues = {io::Backend::automatic,
                                                         io::Backend::io_uring, io::Backend::epoll};
  if (const auto word = top.word("io", kBackends)) config.io = kValues[*word];
  const auto place_of = [&top](std::string_view key) {
    return top.find(key) == nullptr ? Place{} : top.place_of(key);
  };
  config.places = {.data_dir = place_of("data_dir"),
                   .io = place_of("io"),
                   .reactors = place_of("reactors"),
                   .memory = place_of("memory")};

  std::uint64_t reactors = config.reactors;
  const bool reactors_good = top.count("reactors", {.least = 0, .most = 256}, reactors);
  config.reactors = static_cast<std::uint32_t>(reactors);
  for (const std::string_view key : {"flows", "reactors", "memory"}) {
    if (top.find(key) != nullptr) places.memory = top.place_of(key);
  }
  places.memory_good =
      top.bytes("memory", {.least = 1_MiB, .most = 1024_GiB}, config.memory_bytes) && reactors_good;
  top.count("max_open_files", {.least = 0, .most = 1'000'000'000}, config.max_open_files);
  top.duration("shutdown_grace", {.least = seconds(0), .most = hours(1)}, config.shutdown_grace);

  static constexpr std::array<std::string_view, 3> kOnStateErrors = {"beginning", "end", "stop"};
  static constexpr std::array<OnStateError, 3> kStateErrors = {
      OnStateError::beginning, OnStateError::end, OnStateError::stop};
  if (const auto word = top.word("on_state_error", kOnStateErrors)) {
    config.on_state_error = kStateErrors[*word];
  }

  const Node* streams = top.find("streams");
  places.streams_good = streams == nullptr;
  if (streams != nullptr) read_streams(*streams, config, places, mistakes);
  const Node* flows = top.find("flows");
  places.flows_good = true;
  places.flows_key = flows == nullptr ? Place{} : flows->place;
  if (flows != nullptr) read_flows(*flows, config, places, mistakes);
}

}  // namespace config
