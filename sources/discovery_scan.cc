// Scanning: walks the directories patterns can match in, watches and lists them.
#include <algorithm>
#include <cerrno>
#include <set>
#include <span>

#include "sources/discovery_state.h"
#include "sources/paths.h"
#include "sources/removal_names.h"

namespace sources {
namespace {

// Of directories: as deep as a path can be. Links that lead back are cut before.
constexpr std::size_t kDepthMax = 2048;

bool is_below(const std::string& path, const std::string& directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

bool may_match_hidden(std::string_view part) {
  return part.starts_with('.') || part.starts_with("\\.");
}

// Whether `exclude` leaves nothing in or below the directory `path` of what `wanted`, the rest of a
// pattern, matches there. It names the directory as a whole path, or all that is in it; `*` means
// only what is directly in it and, as a pattern does, no name that begins with a dot. A file's name
// in any directory (**/name) is no directory's.
bool excludes_all(std::span<const std::string> exclude, std::span<const std::string> path,
                  std::span<const std::string> wanted) {
  const std::string& last = exclude.back();
  if (!has_wildcard(last)) {
    return std::ranges::find(exclude, "**") == exclude.end() && glob_match_parts(exclude, path);
  }
  if (last != "*" || std::ranges::any_of(wanted, may_match_hidden)) return false;
  std::span<const std::string> above = exclude.first(exclude.size() - 1);
  const bool deep = !above.empty() && above.back() == "**";
  if (deep) above = above.first(above.size() - 1);
  return (deep || wanted.size() == 1) && glob_match_parts(above, path);
}

}  // namespace

std::string Directory::path_of(std::string_view name) const {
  std::string whole = path;
  if (whole.back() != '/') whole += '/';
  whole += name;
  return whole;
}

// `**` may also match nothing: what follows it is tried in the same directory.
GlobStates Discovery::State::closure(GlobStates states) const {
  for (std::size_t i = 0; i < states.size(); ++i) {
    const GlobState state = states[i];
    if (patterns[state.pattern].parts[state.part] != "**") continue;
    const GlobState next{state.pattern, state.part + 1};
    if (std::find(states.begin(), states.end(), next) == states.end()) states.push_back(next);
  }
  return states;
}

// What is compared in the directory `name` of a directory with `states`.
GlobStates Discovery::State::below(const GlobStates& states, std::string_view name) const {
  GlobStates next;
  const auto add = [&next](GlobState state) {
    if (std::find(next.begin(), next.end(), state) == next.end()) next.push_back(state);
  };
  for (const GlobState& state : states) {
    const std::vector<std::string>& parts = patterns[state.pattern].parts;
    if (parts[state.part] == "**") {
      if (!name.starts_with('.')) add(state);
    } else if (state.part + 1 < parts.size() && glob_match_part(parts[state.part], name)) {
      add({state.pattern, state.part + 1});
    }
  }
  return closure(std::move(next));
}

// Is nothing in or below `path` wanted by any flow? Then nobody minds that it cannot be looked at.
// Where it can, what was moved there is found.
bool Discovery::State::wants_nothing(const std::string& path, const GlobStates& states) const {
  std::vector<std::string> parts;
  return std::ranges::all_of(states, [&](const GlobState& state) {
    const FlowPattern& pattern = patterns[state.pattern];
    const auto& flow_excludes = excludes[pattern.flow];
    if (flow_excludes.empty()) return false;
    if (parts.empty()) parts = split_path(path);
    const auto wanted = std::span(pattern.parts).subspan(state.part);
    return std::ranges::any_of(flow_excludes, [&](const std::vector<std::string>& exclude) {
      return excludes_all(exclude, parts, wanted);
    });
  });
}

// Flows with a pattern that ends here and matches `name`, unless they exclude it.
std::vector<std::size_t> Discovery::State::flows_matching(Directory& directory,
                                                          std::string_view name) {
  if (is_aside(name)) name = name_before(name);
  std::vector<std::size_t> matching;
  std::vector<std::size_t> compressed;
  std::vector<std::string> path;
  for (const GlobState& state : directory.states) {
    const FlowPattern& pattern = patterns[state.pattern];
    if (state.part + 1 != pattern.parts.size()) continue;
    if (std::find(matching.begin(), matching.end(), pattern.flow) != matching.end()) continue;
    if (!glob_match_part(pattern.parts[state.part], name)) continue;
    const auto& flow_excludes = excludes[pattern.flow];
    if (path.empty() && !flow_excludes.empty()) path = split_path(directory.path_of(name));
    const bool out =
        std::any_of(flow_excludes.begin(), flow_excludes.end(),
                    [&path](const auto& parts) { return glob_match_parts(parts, path); });
    if (out) continue;
    auto& which =
        passed_over(pattern.compressed, pattern.parts[state.part], name) ? compressed : matching;
    which.push_back(pattern.flow);
  }
  for (const std::size_t flow : compressed) {
    if (std::ranges::find(matching, flow) == matching.end()) note_compressed(directory, name, flow);
  }
  return matching;
}

void Discovery::State::note_compressed(Directory& directory, std::string_view name,
                                       std::size_t flow) {
  if (!directory.compressed.emplace(name).second) return;
  DiscoveryCounters& all = counters;
  all.files_skipped_compressed.set(all.files_skipped_compressed.value() + 1);
  if (said_compressed[flow]) return;
  said_compressed[flow] = true;
  environment.log.info("compressed files are left alone, see 'compressed' in the configuration",
                       {{"flow", flows[flow].name}, {"path", directory.path_of(name)}});
}

void Discovery::State::forget_compressed(Directory& directory, std::string_view name) {
  const auto it = directory.compressed.find(name);
  if (it == directory.compressed.end()) return;
  directory.compressed.erase(it);
  counters.files_skipped_compressed.set(counters.files_skipped_compressed.value() - 1);
}

bool Discovery::State::excluded(const std::string& path, const io::FileStatus* status) const {
  if (std::any_of(excluded_directories.begin(), excluded_directories.end(),
                  [&path](const std::string& ours) { return is_below(path, ours); })) {
    return true;
  }
  return status != nullptr &&
         std::find(excluded_inodes.begin(), excluded_inodes.end(),
                   std::pair{status->device, status->inode}) != excluded_inodes.end();
}

void Discovery::State::scan() {
  counters.scans.add();
  ++scans;
  retries.begin(environment.clock.monotonic());
  refused_anew = false;
  uncertain.clear();
  excluded_inodes.clear();
  for (const std::string& ours : excluded_directories) {
    if (const auto status = environment.files.status(ours, true)) {
      excluded_inodes.emplace_back(status->device, status->inode);
    }
  }
  GlobStates all;
  for (std::uint32_t i = 0; i < patterns.size(); ++i) {
    if (!patterns[i].parts.empty()) all.push_back({i, 0});
  }
  visit("/", closure(std::move(all)), true);
  drop_unvisited();
  if (search_unmatched) {
    search_unmatched = !find_unmatched();
    const bool before = std::exchange(searched_in_vain, search_unmatched);
    if (search_unmatched) look_again(!before);
  }
  trim_gone();
  announce();
  remove_read();  // behind it: what was found is looked at first
}

// `states`: closed. `deep`: also what is below and known already.
void Discovery::State::visit(const std::string& path, GlobStates states, bool deep) {
  if (states.empty() || walk_stack.size() >= kDepthMax) return;
  const auto status = environment.files.status(path, true);
  if (!status) {
    if (not_there(status.error())) {
      unsearchable.erase(path);
    } else if (!wants_nothing(path, states)) {
      could_not_look(path, status.error(), shut_by(status.error(), path));
    }
    return;
  }
  if (status->kind != io::FileKind::directory || excluded(path, &*status)) {
    unsearchable.erase(path);
    return;
  }
  const std::pair here{status->device, status->inode};
  if (std::find(walk_stack.begin(), walk_stack.end(), here) != walk_stack.end()) return;
  walk_stack.push_back(here);
  auto& slot = directories[path];
  if (!slot) {
    slot = std::make_unique<Directory>();
    slot->path = path;
  }
  Directory& directory = *slot;
  directory.states = std::move(states);
  directory.scan = scans;
  const bool literal =
      std::all_of(directory.states.begin(), directory.states.end(), [this](const GlobState& state) {
        const std::vector<std::string>& parts = patterns[state.pattern].parts;
        return state.part + 1 < parts.size() && !has_wildcard(parts[state.part]);
      });
  if (literal) {
    unsearchable.erase(path);
    descend(path, directory.states, deep);
  } else {
    watch(directory);  // before listing: what appears in between is then told twice, not never
    list(directory, deep);
  }
  walk_stack.pop_back();
}

// All that matters here are directories whose names we know: no need to list. A watch is needed
// only where one of them is missing, or is a link, which may be swapped (F13).
void Discovery::State::descend(const std::string& path, const GlobStates& states, bool deep) {
  const GlobStates copy = states;  // the directory may be dropped below
  std::vector<std::string> done;
  bool may_change = false;
  for (const GlobState& state : copy) {
    const std::string& name = patterns[state.pattern].parts[state.part];
    if (std::find(done.begin(), done.end(), name) != done.end()) continue;
    done.push_back(name);
    const std::string child = (path == "/" ? path : path + "/") + name;
    const auto status = environment.files.status(child, false);
    if (!status || status->kind == io::FileKind::symlink) may_change = true;
    if (deep || !directories.contains(child)) visit(child, below(copy, name), deep);
  }
  forget_unseen(path);
  const auto it = directories.find(path);
  if (it == directories.end()) return;
  if (may_change) {
    watch(*it->second);
  } else {
    unwatch(*it->second);
    it->second->polled = false;
  }
}

void Discovery::State::list(Directory& directory, bool deep) {
  auto entries = environment.files.list(directory.path);
  if (!entries) {
    if (not_there(entries.error())) return;  // nobody visits it in the next scan
    if (entries.error().system == EACCES && look_by_name(directory, deep)) {
      unsearchable.erase(directory.path);
    } else if (!wants_nothing(directory.path, directory.states)) {
      could_not_look(directory.path, entries.error());
    }
    return;
  }
  unsearchable.erase(directory.path);
  directory.listing = ++listings;
  const std::uint64_t listing = directory.listing;
  for (io::DirectoryEntry& each : *entries) {
    if (is_aside(each.name) && !take_from_aside(directory, each)) continue;
    entry(directory, each, deep);
  }
  std::vector<std::string> gone;
  for (const auto& [name, known_name] : directory.names) {
    if (known_name.listing != listing) gone.push_back(name);
  }
  for (const std::string& name : gone) name_gone(directory, name);
  forget_unseen(directory.path);
  if (directory.compressed.empty()) return;
  std::unordered_set<std::string_view> there;
  for (const io::DirectoryEntry& each : *entries) there.insert(each.name);
  gone.clear();
  for (const std::string& name : directory.compressed) {
    if (!there.contains(name)) gone.push_back(name);
  }
  for (const std::string& name : gone) forget_compressed(directory, name);
}

// Who may search a directory but not read it finds what he knows the name of (F29). False: some
// patterns name nothing.
bool Discovery::State::look_by_name(Directory& directory, bool deep) {
  bool all = true;
  std::set<std::string> names;
  for (const GlobState& state : directory.states) {
    const std::string& part = patterns[state.pattern].parts[state.part];
    if (has_wildcard(part)) {
      all = false;
    } else {
      names.insert(part);
    }
  }
  for (const std::string& name : names) {
    const auto status = environment.files.status(directory.path_of(name), false);
    // Nobody said that it was: not vanished.
    if (!status && not_there(status.error()) && !directory.names.contains(name)) continue;
    entry(directory, {.name = name, .inode = 0, .kind = io::FileKind::unknown}, deep);
  }
  return all;
}

void Discovery::State::entry(Directory& directory, const io::DirectoryEntry& each, bool deep) {
  const bool symlink = each.kind == io::FileKind::symlink;
  const bool maybe_directory =
      each.kind == io::FileKind::directory || symlink || each.kind == io::FileKind::unknown;
  if (maybe_directory) {
    GlobStates states = below(directory.states, each.name);
    const std::string child = directory.path_of(each.name);
    if (!states.empty() && (deep || !directories.contains(child))) {
      visit(child, std::move(states), deep);  // looks by itself whether it is a directory
    }
  }
  // A directory too: one whose own name matches is said not to be a file.
  examine(directory, each.name, each.inode, symlink, false);
}

// Must it be looked at again and again, whatever a watch tells?
bool Discovery::State::wants_polling(const Directory& directory) const {
  const bool asked =
      std::any_of(directory.states.begin(), directory.states.end(), [this](const GlobState& state) {
        return flows[patterns[state.pattern].flow].files.watch == Watch::poll;
      });
  // If that cannot be told now, the next poll asks again.
  return asked || !environment.files.tells_all_changes(directory.path).value_or(false);
}

void Discovery::State::watch(Directory& directory) {
  directory.polled = !watch_handle || wants_polling(directory);
  const bool only_polled =
      std::all_of(directory.states.begin(), directory.states.end(), [this](const GlobState& state) {
        return flows[patterns[state.pattern].flow].files.watch == Watch::poll;
      });
  if (only_polled) {
    unwatch(directory);
  } else if (watch_handle) {
    const auto number = environment.files.add_watch(watch_handle.get(), directory.path);
    if (!number) {
      if (!not_there(number.error())) cannot_watch(directory, number.error());
    } else if (*number != directory.watch) {
      unwatch(directory);
      directory.watch = *number;
      watched[*number].push_back(&directory);
    }
  }
  if (directory.polled) poll_soon(directory);
  counters.watches.set(watched.size());
}

void Discovery::State::cannot_watch(Directory& directory, const base::Error& error) {
  counters.watch_errors.add();
  directory.polled = true;
  // One that may not be read may not be watched either, and its listing says so.
  if (error.system == EACCES || std::exchange(warned_of_limit, true)) return;
  environment.log.warn(
      "directory cannot be watched and is searched all the time; "
      "raise fs.inotify.max_user_watches",
      {{"path", directory.path}, {"error", error.message}});
}

void Discovery::State::unwatch(Directory& directory) {
  if (directory.watch < 0) return;
  auto& users = watched[directory.watch];
  std::erase(users, &directory);
  if (users.empty()) {
    watched.erase(directory.watch);
    environment.files.remove_watch(watch_handle.get(), directory.watch);
  }
  directory.watch = -1;
  counters.watches.set(watched.size());
}

void Discovery::State::drop(Directory& directory) {
  while (!directory.names.empty()) {
    const std::string name = directory.names.begin()->first;
    name_gone(directory, name);
  }
  while (!directory.compressed.empty()) {
    const std::string name = *directory.compressed.begin();
    forget_compressed(directory, name);
  }
  unwatch(directory);
  const std::string path = directory.path;
  directories.erase(path);
}

// Directories nobody came to are gone, unless something above them could not be looked at.
void Discovery::State::drop_unvisited() {
  std::vector<Directory*> gone;
  for (const auto& [path, directory] : directories) {
    if (directory->scan == scans) continue;
    const bool unclear =
        std::any_of(uncertain.begin(), uncertain.end(),
                    [&path = path](const std::string& above) { return is_below(path, above); });
    if (!unclear) gone.push_back(directory.get());
  }
  for (Directory* directory : gone) drop(*directory);
}

}  // namespace sources
