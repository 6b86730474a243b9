// read: the tree → the rooms' own options. Says what is wrong with single values; what must fit
// together is validate's business.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/mistake.h"
#include "config/node.h"

namespace config {

// Where validate() points to, and which values it must not judge because they were wrong already.
struct Places {
  struct Flow {
    std::vector<Place> files;  // one per pattern
    Place pipe;                // of the FIFO's path, or of what says standard input
    Place target, flush_bytes, max_line, encoding, on_read_error, on_rewrite, delete_after;
    bool target_good = false, flush_bytes_good = false, max_line_good = false;
  };
  struct Stream {
    Place max_bytes;
    bool sizes_good = false;  // max_bytes, shards, segment_bytes
  };
  Place data_dir, memory, flows_key;
  bool data_dir_given = false, data_dir_good = false, memory_good = false, streams_good = false,
       flows_good = false;
  std::vector<Flow> flows;                // as Config::flows
  std::map<std::string, Stream> streams;  // as Config::streams
};

void read_config(const Node& root, Config& config, Places& places, Mistakes& mistakes);

// "" when `name` can name a stream or a flow, else why not.
std::string name_problem(std::string_view name);

// One flow or stream, appended to `config` and `places` even when something in it is wrong.
void read_flow(const NodeEntry& entry, Config& config, Places& places, Mistakes& mistakes);
void read_stream(const NodeEntry& entry, Config& config, Places& places, Mistakes& mistakes);

}  // namespace config
