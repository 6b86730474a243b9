#include "config/validate.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/paths.h"
#include "config/suggest.h"
#include "config/units.h"
#include "sources/compressed_names.h"
#include "sources/glob.h"

namespace config {

namespace {

void check_streams(const Config& config, const Places& places, Mistakes& mistakes) {
  for (const auto& [name, stream] : config.streams) {
    const Places::Stream& place = places.streams.at(name);
    const std::uint64_t each = stream.options.retention_bytes;
    const std::uint64_t segment = stream.options.segment_bytes_max;
    if (!place.sizes_good || each == 0 || each >= segment) continue;
    const std::string share =
        stream.shards == 1 ? "holds"
                           : "leaves each of its " + std::to_string(stream.shards) + " shards";
    mistakes.add(place.max_bytes, "max_bytes of stream '" + name + "' " + share +
                                      " less than one segment of " + format_bytes(segment) +
                                      "; say at least " + format_bytes(segment * stream.shards) +
                                      ", or a smaller segment_bytes");
  }
}

void check_target(const Config& config, const Flow& flow, const Places& places,
                  const Places::Flow& place, Mistakes& mistakes) {
  if (!place.target_good) return;
  if (const auto* target = std::get_if<StreamTarget>(&flow.to)) {
    if (!places.streams_good || config.streams.contains(target->stream)) return;
    std::vector<std::string_view> names;
    for (const auto& [name, stream] : config.streams) names.push_back(name);
    const std::string near = did_you_mean(target->stream, names);
    mistakes.add(place.target, "unknown stream '" + target->stream + "' in flow '" + flow.name +
                                   "'" + (near.empty() ? "; define it under streams" : near));
  }
  if (const auto* target = std::get_if<FileTarget>(&flow.to)) {
    if (places.data_dir_good && is_inside(target->path, config.data_dir)) {
      mistakes.add(place.target, "file '" + target->path + "' is inside data_dir '" +
                                     config.data_dir + "', which is the store's own");
    }
  }
}

// Only what keeps nothing does without a data directory: lines printed or thrown away.
void check_data_dir(const Config& config, const Places& places, Mistakes& mistakes) {
  const auto keeps = [](const Flow& flow) {
    return std::holds_alternative<StreamTarget>(flow.to) ||
           std::holds_alternative<FileTarget>(flow.to) ||
           flow.program.framer.long_lines == pipeline::LongLines::reject;
  };
  if (places.data_dir_given) return;
  if (config.streams.empty() && std::ranges::none_of(config.flows, keeps)) return;
  mistakes.add({},
               "data_dir is missing; say where streams and checkpoints are kept, as in "
               "'data_dir: /var/lib/tailrace'");
}

// One file, one writer.
void check_file_targets(const Config& config, const Places& places, Mistakes& mistakes) {
  std::map<std::string_view, const Flow*> writers;
  for (std::size_t i = 0; i < config.flows.size(); ++i) {
    const auto* target = std::get_if<FileTarget>(&config.flows[i].to);
    if (target == nullptr || !places.flows[i].target_good) continue;
    const auto [writer, is_first] = writers.emplace(target->path, &config.flows[i]);
    if (is_first) continue;
    mistakes.add(places.flows[i].target, "file '" + target->path + "' is written by flow '" +
                                             writer->second->name +
                                             "' already; give each flow its own");
  }
}

// Files somebody asks for by their end, although nothing of ours can read what is in them.
void check_compressed(const Flow& flow, const std::string& pattern, Place place,
                      Mistakes& mistakes) {
  for (const std::string& alternative : sources::expand_braces(pattern)) {
    const std::string_view suffix = sources::compressed_suffix(alternative);
    if (suffix.empty() || sources::can_inflate(suffix)) continue;
    if (flow.from.compressed == sources::CompressedFiles::raw) continue;
    mistakes.add(place, "files '" + pattern + "' wants files that end in " + std::string(suffix) +
                            ", which cannot be decompressed; only .gz and .zst can (or write "
                            "'compressed: raw' for their bytes as they are)");
    return;
  }
}

void check_encoding(const Flow& flow, const Places::Flow& place, Mistakes& mistakes) {
  if (flow.tail.encoding == sources::Encoding::utf8 || !flow.from.inflate()) return;
  mistakes.add(place.encoding,
               "encoding of flow '" + flow.name +
                   "' can only be utf-8, because it reads compressed files; say 'compressed: raw', "
                   "or read them in a flow of their own");
}

// A page less in UTF-16 is text of unknown length less, and its offsets are those of the text.
void check_read_errors(const Flow& flow, const Places::Flow& place, Mistakes& mistakes) {
  if (flow.tail.on_read_error == sources::OnReadError::retry) return;
  if (flow.tail.encoding == sources::Encoding::utf8) return;
  mistakes.add(place.on_read_error, "on_read_error of flow '" + flow.name +
                                        "' can only be retry, because its files are in UTF-16");
}

// Offsets of a file in UTF-16 are those of its text: nothing tells where they are in another file.
void check_rewrites(const Flow& flow, const Places::Flow& place, Mistakes& mistakes) {
  if (flow.tail.on_rewrite == sources::OnRewrite::as_new) return;
  if (flow.tail.encoding == sources::Encoding::utf8) return;
  mistakes.add(place.on_rewrite, "on_rewrite of flow '" + flow.name +
                                     "' can only be new, because its files are in UTF-16");
}

// Only what was read as it is, and is kept for good somewhere, may go.
void check_delete_after(const Config& config, const Flow& flow, const Places& places,
                        const Places::Flow& place, Mistakes& mistakes) {
  if (flow.from.delete_after == base::Duration::zero()) return;
  const auto refuse = [&](const std::string& why) {
    mistakes.add(place.delete_after, "delete_after of flow '" + flow.name + "' " + why);
  };
  if (flow.tail.close_inactive == base::Duration::zero()) {
    refuse("can do nothing with 'close_inactive: 0': a file rests before it is deleted");
  }
  if (flow.tail.on_rewrite != sources::OnRewrite::as_new) {
    refuse(
        "does not go with 'on_rewrite: continue', which takes the next file of a path for the "
        "one that was deleted");
  }
  if (flow.tail.encoding != sources::Encoding::utf8) {
    refuse("wants files in UTF-8: what UTF-16 cannot be read as is not told from what was read");
  }
  if (flow.program.framer.long_lines != pipeline::LongLines::split) {
    refuse("wants 'long_lines: split': what is cut off of a line would be lost with its file");
  }
  if (!place.target_good) return;
  const auto* target = std::get_if<StreamTarget>(&flow.to);
  if (target == nullptr) {
    refuse("wants a stream as target: only what a stream has synced may be deleted");
    return;
  }
  const auto stream = config.streams.find(target->stream);
  if (!places.streams_good || stream == config.streams.end()) return;
  if (stream->second.options.sync == store::SyncPolicy::os) {
    refuse("wants another stream than '" + target->stream +
           "', of which a crash of the machine may lose what is stored ('sync: os')");
  }
}

void check_sources(const Config& config, const Flow& flow, const Places& places,
                   const Places::Flow& place, Mistakes& mistakes) {
  for (std::size_t i = 0; i < flow.from.patterns.size(); ++i) {
    const std::string& pattern = flow.from.patterns[i];
    if (places.data_dir_good && is_inside(literal_part(pattern), config.data_dir)) {
      mistakes.add(place.files[i], "files '" + pattern + "' is inside data_dir '" +
                                       config.data_dir + "', which is never read as a source");
    }
    check_compressed(flow, pattern, place.files[i], mistakes);
    // What a flow reads must not be what a flow writes: it would never end.
    for (const Flow& other : config.flows) {
      const auto* target = std::get_if<FileTarget>(&other.to);
      if (target == nullptr || !sources::glob_match(pattern, target->path)) continue;
      const auto excludes = [&](const std::string& exclude) {
        return sources::glob_match(exclude, target->path);
      };
      if (std::ranges::any_of(flow.from.exclude, excludes)) continue;
      mistakes.add(place.files[i], "files '" + pattern + "' matches '" + target->path +
                                       "', which flow '" + other.name +
                                       "' writes; exclude it or write elsewhere");
    }
  }
}

// What comes out of a pipe comes out once.
void check_pipes(const Config& config, const Places& places, Mistakes& mistakes) {
  std::map<std::string_view, const Flow*> readers;
  for (std::size_t i = 0; i < config.flows.size(); ++i) {
    const Flow& flow = config.flows[i];
    if (!flow.pipe) continue;
    const Place place = places.flows[i].pipe;
    const std::string& fifo = flow.pipe->fifo;
    const std::string what = flow.pipe->standard_input() ? "standard input" : "fifo '" + fifo + "'";
    const auto [reader, is_first] = readers.emplace(fifo, &flow);
    if (!is_first) {
      mistakes.add(place, what + " is read by flow '" + reader->second->name +
                              "' already, and what one takes the other does not get");
    }
    if (flow.pipe->standard_input()) continue;
    if (places.data_dir_good && is_inside(fifo, config.data_dir)) {
      mistakes.add(place, what + " is inside data_dir '" + config.data_dir +
                              "', which is never read as a source");
    }
    for (const Flow& other : config.flows) {
      const auto* target = std::get_if<FileTarget>(&other.to);
      if (target == nullptr || target->path != fifo) continue;
      mistakes.add(place, what + " is what flow '" + other.name + "' writes; write elsewhere");
    }
  }
}

void check_memory(const Config& config, const Places& places, Mistakes& mistakes) {
  if (!places.memory_good || config.flows.empty()) return;
  const std::uint32_t reactors = std::max(1U, config.reactors);
  const std::uint64_t needed = memory_needed(config, reactors);
  if (config.memory_bytes < needed) {
    mistakes.add(places.memory,
                 "memory " + format_bytes(config.memory_bytes) +
                     " is too small: " + std::to_string(config.flows.size()) +
                     (config.flows.size() == 1 ? " flow" : " flows") + " × " +
                     std::to_string(reactors) + (reactors == 1 ? " reactor" : " reactors") +
                     " × (" + format_bytes(kChunkBytes) + " chunk + " + format_bytes(kSlabBytes) +
                     " slab) need at least " + format_bytes(needed));
  }
  for (std::size_t i = 0; i < config.flows.size(); ++i) {
    const std::uint64_t bytes = config.flows[i].flush.bytes_max;
    if (!places.flows[i].flush_bytes_good || bytes <= config.memory_bytes) continue;
    mistakes.add(places.flows[i].flush_bytes,
                 "flush.bytes " + format_bytes(bytes) + " of flow '" + config.flows[i].name +
                     "' can never gather in memory " + format_bytes(config.memory_bytes));
  }
}

}  // namespace

std::uint64_t memory_needed(const Config& config, std::uint32_t reactors) {
  return config.flows.size() * reactors * (kChunkBytes + kSlabBytes);
}

void validate(const Config& config, const Places& places, Mistakes& mistakes) {
  if (config.flows.empty() && places.flows_good) {
    mistakes.add(places.flows_key,
                 "there are no flows; say what to read and where it goes, as in "
                 "'flows: { nginx: { from: { files: [/var/log/nginx/*.log] }, to: "
                 "stdout } }'");
  }
  check_data_dir(config, places, mistakes);
  check_streams(config, places, mistakes);
  for (std::size_t i = 0; i < config.flows.size(); ++i) {
    check_target(config, config.flows[i], places, places.flows[i], mistakes);
    check_sources(config, config.flows[i], places, places.flows[i], mistakes);
    check_encoding(config.flows[i], places.flows[i], mistakes);
    check_read_errors(config.flows[i], places.flows[i], mistakes);
    check_rewrites(config.flows[i], places.flows[i], mistakes);
    check_delete_after(config, config.flows[i], places, places.flows[i], mistakes);
  }
  check_file_targets(config, places, mistakes);
  check_pipes(config, places, mistakes);
  check_memory(config, places, mistakes);
}

}  // namespace config
