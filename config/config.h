// Config: what the user wrote, as the rooms' own options. Values only; made by load(), checked by
// validate(), immutable afterwards.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "io/backends.h"
#include "pipeline/program.h"
#include "pipeline/shard_buffer.h"
#include "sources/discovery.h"
#include "sources/pipe_tail.h"
#include "sources/tail_set.h"
#include "store/options.h"

namespace config {

struct Place {             // where in the file something was said, for errors found later
  std::uint32_t line = 0;  // from 1
  std::uint32_t column = 0;

  bool operator==(const Place&) const = default;
};

struct Stream {
  std::uint32_t shards = 1;  // 1 … 10,000
  store::ShardOptions options;
  Place place;

  bool operator==(const Stream&) const = default;
};

struct StreamTarget {
  std::string stream;

  bool operator==(const StreamTarget&) const = default;
};
struct FileTarget {
  std::string path;  // records' data, a newline after each

  bool operator==(const FileTarget&) const = default;
};
struct StdoutTarget {
  bool operator==(const StdoutTarget&) const = default;
};
struct NullTarget {
  bool operator==(const NullTarget&) const = default;
};
using Target = std::variant<StreamTarget, FileTarget, StdoutTarget, NullTarget>;

struct Flow {
  std::string name;
  sources::FilesOptions from;  // without patterns when it reads a pipe
  std::optional<sources::PipeInput> pipe;
  sources::TailOptions tail;
  pipeline::ProgramOptions program;
  Target to;
  pipeline::FlushPolicy flush;
  Place place;

  // Copies of its files: offsets of other encodings are not those of the bytes to be compared.
  bool recognises_copies() const { return tail.encoding == sources::Encoding::utf8; }

  bool operator==(const Flow&) const = default;
};

// What an agent does about files when it finds that checkpoints are missing or damaged.
enum class OnStateError : std::uint8_t {
  beginning,  // read those without a checkpoint again: doubles, loses nothing
  end,        // begin at their present end: skips what is before, doubles nothing
  stop,       // do not start
};

struct Config {
  std::string data_dir;  // absolute; empty only when nothing is kept: flows to stdout or null
  io::Backend io = io::Backend::automatic;
  std::uint32_t reactors = 0;                // 0: one per core
  std::uint64_t memory_bytes = 32ULL << 20;  // all flows together, in flight
  std::uint64_t max_open_files = 0;          // of all flows; 0: from the process' own limit
  base::Duration shutdown_grace = std::chrono::seconds(30);
  OnStateError on_state_error = OnStateError::beginning;
  std::map<std::string, Stream> streams;
  std::vector<Flow> flows;  // in the file's order

  struct Places {  // of values; Place{} of those that are not in the file
    Place data_dir, io, reactors, memory;
  };
  Places places;
};

}  // namespace config
