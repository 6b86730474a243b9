// What files are called: of the names a file has under its flow's patterns the first by the order
// of the patterns, then the shortest, as a log's is beside those of its generations, then the first
// by its bytes (F14, F19). It depends on nothing but which names there are.
//
// Nothing is kept for it. Who asks gets it from the names directories have, and a file nobody knew
// begins with it as the path it was first known by. That path stays, whatever becomes of the names:
// what comes after it under that path must find it, and so must whoever looks for it (see File).
#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sources/discovery_state.h"
#include "sources/paths.h"
#include "sources/removal_names.h"

namespace sources {
namespace {

using Label = std::tuple<std::uint32_t, std::size_t, std::string>;  // pattern, length, path

}  // namespace

// The first of the flow's patterns that takes `name`: wire() keeps their order. None may do so any
// more; then it is behind all.
std::uint32_t Discovery::State::pattern_of(const Directory& directory, std::string_view name,
                                           std::size_t flow) const {
  if (is_aside(name)) name = name_before(name);
  std::uint32_t first = std::numeric_limits<std::uint32_t>::max();
  for (const GlobState& state : directory.states) {
    const FlowPattern& pattern = patterns[state.pattern];
    if (pattern.flow != flow || state.pattern >= first) continue;
    if (state.part + 1 != pattern.parts.size()) continue;
    const std::string& last = pattern.parts.back();
    if (!glob_match_part(last, name) || passed_over(pattern.compressed, last, name)) continue;
    first = state.pattern;
  }
  return first;
}

std::uint32_t Discovery::State::pattern_of(const std::string& path, std::size_t flow) const {
  const auto directory = directories.find(directory_in(path));
  if (directory == directories.end()) return std::numeric_limits<std::uint32_t>::max();
  return pattern_of(*directory->second, name_in(path), flow);
}

// Nobody knew the file, or was told of it yet.
bool Discovery::State::is_news(std::uint64_t number) const {
  const File& file = files.at(number);
  if (!file.resting) return false;
  if (file.ignored) return std::ranges::binary_search(ignored_anew, number);
  const Checkpoint& checkpoint = file.resting->rest.checkpoint;
  return file.order == 0 && checkpoint.generation == 0 && checkpoint.seen_us == 0;
}

// One more name of a file that is news: in which order names are come by is chance.
void Discovery::State::know_by_label(std::uint64_t number, const Directory& directory,
                                     const std::string& path) {
  File& file = files.at(number);
  if (path == file.home) return;
  const Label has(pattern_of(file.home, file.flow), file.home.size(), file.home);
  if (Label(pattern_of(directory, name_in(path), file.flow), path.size(), path) > has) return;
  const auto home = by_home.find(file.home);
  std::erase(home->second, number);
  if (home->second.empty()) by_home.erase(home);
  file.home = file.resting->rest.checkpoint.path = path;
  by_home[file.home].push_back(number);
  if (file.ignored && listener.ignored) listener.ignored(file.flow, file.resting->rest.checkpoint);
}

void Discovery::name_files(std::span<FileState* const> listed) const {
  std::unordered_map<std::uint64_t, std::vector<Label>> labels;
  for (const FileState* const each : listed) {
    const auto file = state_->files.find(each->number);
    if (file != state_->files.end() && file->second.names > 0) labels.try_emplace(each->number);
  }
  if (labels.empty()) return;
  for (const auto& [place, directory] : state_->directories) {
    for (const auto& [name, entry] : directory->names) {
      for (const auto& [flow, number] : entry.numbers) {
        const auto its = labels.find(number);
        if (its == labels.end()) continue;
        const bool only = state_->files.at(number).names == 1;
        std::string path = directory->path_of(name);
        its->second.emplace_back(only ? 0 : state_->pattern_of(*directory, name, flow), path.size(),
                                 std::move(path));
      }
    }
  }
  for (auto& [number, its] : labels) std::ranges::sort(its);
  for (FileState* const each : listed) {
    const auto its = labels.find(each->number);
    if (its == labels.end() || its->second.empty()) continue;
    const std::vector<Label>& all = its->second;
    each->path = std::get<2>(all.front());
    if (all.size() == 1) continue;
    const std::size_t most = std::min(all.size(), FileState::kNamesMax);
    for (std::size_t i = 0; i < most; ++i) each->names.push_back(std::get<2>(all[i]));
    each->names_left_out = all.size() - most;
  }
}

}  // namespace sources
