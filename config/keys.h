// keys: every key a configuration may have, by section, in the order messages list them.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace config {

inline constexpr std::array<std::string_view, 9> kTopKeys = {
    "data_dir",       "io",      "reactors", "memory", "max_open_files", "shutdown_grace",
    "on_state_error", "streams", "flows"};
inline constexpr std::array<std::string_view, 8> kStreamKeys = {
    "shards", "retention",     "max_bytes",     "compression",
    "sync",   "sync_interval", "segment_bytes", "segment_age"};
inline constexpr std::array<std::string_view, 8> kFlowKeys = {
    "from",     "delimiter", "empty_lines",   "long_lines",
    "max_line", "multiline", "partition_key", "to"};
inline constexpr std::array<std::string_view, 25> kFromKeys = {"files",
                                                               "fifo",
                                                               "exclude",
                                                               "start",
                                                               "reconcile",
                                                               "rotate_wait",
                                                               "close_inactive",
                                                               "ignore_older",
                                                               "compressed",
                                                               "partial_line_timeout",
                                                               "stall_after",
                                                               "watch",
                                                               "max_deleted_bytes",
                                                               "max_deleted_age",
                                                               "encoding",
                                                               "skip_header",
                                                               "allow_binary",
                                                               "on_read_error",
                                                               "order",
                                                               "discover",
                                                               "on_rewrite",
                                                               "state_ttl",
                                                               "skip_header_pattern",
                                                               "footer_pattern",
                                                               "delete_after"};
inline constexpr std::array<std::string_view, 7> kMultilineKeys = {
    "start", "continue", "end", "preset", "timeout", "max_lines", "max_bytes"};
inline constexpr std::array<std::string_view, 2> kPartitionKeyKeys = {"field", "constant"};
inline constexpr std::array<std::string_view, 5> kToKeys = {"stream", "stdout", "file", "null",
                                                            "flush"};
inline constexpr std::array<std::string_view, 1> kFileTargetKeys = {"path"};
inline constexpr std::array<std::string_view, 3> kFlushKeys = {"bytes", "records", "age"};

struct KeySection {
  std::string_view place;  // how a message says where: "in a stream"
  std::span<const std::string_view> keys;
};
inline constexpr std::array<KeySection, 9> kKeySections = {
    {{"at the top level", kTopKeys},
     {"in a stream", kStreamKeys},
     {"in a flow", kFlowKeys},
     {"in a flow's 'from'", kFromKeys},
     {"in 'multiline'", kMultilineKeys},
     {"in 'partition_key'", kPartitionKeyKeys},
     {"in a flow's 'to'", kToKeys},
     {"in 'to: { file: … }'", kFileTargetKeys},
     {"in 'flush'", kFlushKeys}}};

}  // namespace config
