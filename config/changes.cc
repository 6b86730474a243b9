#include "config/changes.h"

#include <algorithm>
#include <string_view>
#include <variant>

namespace config {

namespace {

const Flow* find(const Config& config, const std::string& name) {
  const auto flow = std::ranges::find(config.flows, name, &Flow::name);
  return flow == config.flows.end() ? nullptr : &*flow;
}

// Where in the file something is written is not what it means.
template <typename Named>
bool same(Named one, const Named& other) {
  one.place = other.place;
  return one == other;
}

std::string restart(const std::string& what) {
  return what + " cannot be changed while the agent runs; restart it";
}

// Why a flow can neither come nor go; empty: it can.
std::string bound_to_process(const Flow& flow) {
  if (flow.pipe && flow.pipe->standard_input()) return "reads standard input";
  if (flow.pipe) return "reads a FIFO";
  if (std::holds_alternative<StdoutTarget>(flow.to)) return "writes to standard output";
  return {};
}

void refuse_flow(const Flow& flow, const std::string& what, Place place, Changes& changes) {
  const std::string why = bound_to_process(flow);
  if (why.empty()) return;
  changes.refused.push_back({.place = place,
                             .message = "flow '" + flow.name + "' " + why + " and cannot be " +
                                        what + " while the agent runs; restart it"});
}

std::string different_keys(const Stream& open, const Stream& next) {
  const store::ShardOptions& before = open.options;
  const store::ShardOptions& after = next.options;
  std::string keys;
  const auto note = [&keys](bool different, std::string_view key) {
    if (different) keys += (keys.empty() ? "" : ", ") + std::string(key);
  };
  note(open.shards != next.shards, "shards");
  note(before.retention_age != after.retention_age, "retention");
  // Each shard has its part of it.
  note(before.retention_bytes * open.shards != after.retention_bytes * next.shards, "max_bytes");
  note(before.compression != after.compression, "compression");
  note(before.sync != after.sync, "sync");
  note(before.sync_interval != after.sync_interval, "sync_interval");
  note(before.segment_bytes_max != after.segment_bytes_max, "segment_bytes");
  note(before.segment_age_max != after.segment_age_max, "segment_age");
  return keys;
}

void compare_streams(const Config& running, const Config& next, Changes& changes) {
  for (const auto& [name, stream] : next.streams) {
    const auto open = running.streams.find(name);
    if (open == running.streams.end()) {
      changes.added_streams.push_back(name);
    } else if (!same(open->second, stream)) {
      changes.refused.push_back(
          {.place = stream.place,
           .message = restart(different_keys(open->second, stream) + " of stream '" + name + "'")});
    }
  }
}

void compare_flows(const Config& running, const Config& next, Changes& changes) {
  for (const Flow& flow : running.flows) {
    if (find(next, flow.name) != nullptr) continue;
    changes.removed.push_back(flow.name);
    refuse_flow(flow, "removed", {}, changes);
  }
  for (const Flow& flow : next.flows) {
    const Flow* const before = find(running, flow.name);
    if (before == nullptr) {
      changes.added.push_back(flow.name);
      refuse_flow(flow, "added", flow.place, changes);
    } else if (!same(*before, flow)) {
      changes.changed.push_back(flow.name);
      const bool was_bound = !bound_to_process(*before).empty();
      refuse_flow(was_bound ? *before : flow, "changed", flow.place, changes);
    }
  }
}

}  // namespace

Changes changes(const Config& running, const Config& next) {
  Changes changes;
  const auto refuse = [&](Place place, const char* key) {
    changes.refused.push_back({.place = place, .message = restart(key)});
  };
  if (running.data_dir != next.data_dir) refuse(next.places.data_dir, "data_dir");
  if (running.io != next.io) refuse(next.places.io, "io");
  if (running.reactors != next.reactors) refuse(next.places.reactors, "reactors");
  compare_streams(running, next, changes);
  compare_flows(running, next, changes);
  return changes;
}

}  // namespace config
