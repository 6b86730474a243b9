// StateRow: a checkpoint and the file it speaks of, as `state list` and its siblings print them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/output.h"
#include "agent/state_log.h"
#include "io/files.h"
#include "sources/checkpoint.h"

namespace agent {

enum class FileNow : std::uint8_t {
  there,    // under the path of the checkpoint
  renamed,  // in the same directory, under another name
  gone,     // not in that directory any more
  unknown,  // could not be looked at
};

struct StateRow {
  sources::Checkpoint checkpoint;
  FileNow file = FileNow::unknown;
  std::string path_now;                     // of a renamed file, the first of several by bytes
  std::optional<std::uint64_t> file_bytes;  // its size, when it was found

  // Bytes that are not yet safe in the target; nothing when the file was not found.
  std::optional<std::uint64_t> lag_bytes() const;
};

// Finds out about files, one listing per directory.
class FileFinder {
 public:
  // `files` outlives the finder.
  explicit FileFinder(io::Files& files) : files_(files) {}
  StateRow look_at(const sources::Checkpoint& checkpoint);

 private:
  using Names = std::map<std::uint64_t, std::set<std::string>>;  // by inode
  const Names* names_in(const std::string& directory);

  io::Files& files_;
  std::map<std::string, std::optional<Names>> directories_;  // nullopt: cannot be listed
};

struct Selection {
  std::string path;  // as typed; empty: any
  std::string flow;  // empty: any
  // Without a checkpoint of `path`: those of the file that is there, which was first known by
  // another of its names.
  bool any_name = false;
};
// The checkpoints that are meant, with their files. When there is none although one was asked for,
// says so with the nearest known path or flow and sets `exit_code`.
std::optional<std::vector<StateRow>> select_rows(io::Files& files, const State& state,
                                                 const Selection& selection, int& exit_code);

// A table, or a JSON array of objects.
void print_rows(Output& output, std::span<const StateRow> rows, bool json);
// One value per line, everything there is to know.
void print_row_whole(Output& output, const StateRow& row);

// True, said on standard error: checkpoints are damaged, or missing although streams hold records.
// Who wrote to the state now would cover that up, and the agent's on_state_error never be asked.
bool lost(io::Files& files, const std::string& data_dir, const State& state);

// Says on standard error what of the state could not be read.
void tell_unreadable(const State& state);

}  // namespace agent
