// state import: another agent's word on how far files were read → checkpoints of ours, where the
// word proves which file it means and the offset is one we could have written ourselves.
//
// For the command line: blocking, no agent runs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/foreign/foreign_checkpoint.h"
#include "agent/state_log.h"
#include "base/result.h"
#include "config/config.h"
#include "io/environment.h"
#include "pipeline/delimiter.h"
#include "sources/file_identity.h"

namespace agent {

// A file that an agent with this configuration would follow.
struct FollowedFile {
  sources::FileIdentity identity;
  std::string path;
  std::vector<std::string> flows;
  // Of the flow, if there is one only.
  pipeline::Delimiter delimiter{};
  bool transcoded = false;  // its offsets will not be the file's
};
using FollowedFiles =
    std::unordered_map<sources::FileIdentity, FollowedFile, sources::FileIdentityHash>;

// Finds them as the agent itself does: patterns, exclusions, symlinks, our own directories.
FollowedFiles find_followed_files(const config::Config& config, const io::Environment& environment);

struct ImportRow {
  std::string name;  // of the file: its path, or what the other agent has instead
  std::uint64_t offset = 0;
  // Where its flow would go on. Origin none: the agent draws one when it begins there.
  std::optional<sources::Checkpoint> checkpoint;
  bool there_already = false;  // tailrace has just this checkpoint
  std::string refusal;         // not empty: why there is none
};

// One row for each of `foreign`, in order. Refused, each with its reason: files that are gone,
// another one by now or not provably the one meant; that no flow or several follow; offsets beyond
// the end or inside a line; entries that disagree about one file; files that tailrace has read
// further or less far already. Reads files, changes nothing.
std::vector<ImportRow> judge_import(const io::Environment& environment,
                                    const ForeignCheckpoints& foreign,
                                    const FollowedFiles& followed, const State& state);

}  // namespace agent
