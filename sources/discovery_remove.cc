// Files that are deleted when they were read (F67, docs/design/0014-delete-after.md).
//
// All that must be true of one is known here while it rests. Its reactors get it once more, opened,
// before it loses its name: what was written to it since the last look they read, as of any file
// that somebody deletes. What is unlinked is what was looked at: between the two it has a name
// nobody else uses.
#include <algorithm>
#include <cerrno>
#include <set>

#include "sources/discovery_state.h"
#include "sources/paths.h"
#include "sources/removal_names.h"

namespace sources {
namespace {

// The control thread waits for each.
constexpr std::size_t kRemovedAtOnce = 256;

}  // namespace

// All of the file that looks like this was read, and nothing of that is under way.
bool Discovery::State::is_read(const File& file, const Rest& looks) const {
  if (!file.resting || file.order == 0 || file.names != 1 || file.ignored || file.detached ||
      file.failures > 0 || file.formerly != 0) {
    return false;
  }
  const Resting& resting = *file.resting;
  const Rest& rest = resting.rest;
  if (resting.wanted || resting.queued || resting.postponed) return false;
  if (rest.more || rest.failed || !rest.marks.empty() || !rest.former_key.empty()) return false;
  if (rest.size != looks.size || rest.modified_ns != looks.modified_ns) return false;
  return rest.size > 0 && rest.checkpoint.whole && !rest.checkpoint.gone &&
         covers(rest.checkpoint, rest.size);
}

// By every flow that wants it, or knows it for another reason.
bool Discovery::State::all_read_it(Directory& directory, const std::string& name,
                                   const File& file) {
  const Name& entry = directory.names.at(name);
  if (entry.symlink || entry.not_regular || entry.ours || entry.compare_anew || entry.error != 0) {
    return false;
  }
  const Rest& looks = file.resting->rest;
  for (const std::size_t flow : flows_matching(directory, name)) {
    const auto has_it = [flow](const auto& each) { return each.first == flow; };
    if (!flows[flow].vouches || std::ranges::none_of(entry.numbers, has_it)) return false;
  }
  for (std::size_t flow = 0; flow < flows.size(); ++flow) {
    const auto note = known.find({flow, file.identity});
    const auto number = number_of({flow, file.identity});
    if ((note != known.end() || number) && !flows[flow].vouches) return false;
    const bool noted =
        note == known.end() || (note->second.whole && covers(note->second, looks.size));
    if (!noted) return false;
    if (number && (!is_read(files.at(*number), looks) || is_waited_for(flow))) return false;
  }
  return !written.contains({file.identity.device, file.identity.inode});
}

// Not what changed a moment ago, as we saw or as it says itself.
bool Discovery::State::may_be_removed(const File& file) const {
  const base::Duration after = flows[file.flow].files.delete_after;
  if (after == base::Duration::zero() || !file.resting || !is_read(file, file.resting->rest)) {
    return false;
  }
  const auto age = environment.clock.wall().time_since_epoch() -
                   std::chrono::nanoseconds(file.resting->rest.modified_ns);
  return age > after &&
         coarse_now() - file.resting->rest.since > after;  // whole seconds: not before
}

bool Discovery::State::removes() const {
  if (starting || stopped || keeps_all || !added.empty()) return false;
  // What could not be looked at, or is not announced, may be a copy of what would go, or its name.
  if (!uncertain.empty() || !found.empty()) return false;
  bool any = false;
  for (std::size_t flow = 0; flow < flows.size(); ++flow) {
    if (flows[flow].name.empty()) continue;
    if (muted[flow]) return false;
    any = any || flows[flow].files.delete_after != base::Duration::zero();
  }
  return any;
}

// A compressed form or a copy may have to be compared with one of the flow's files.
bool Discovery::State::is_waited_for(std::size_t flow) const {
  return std::ranges::any_of(postponed, [this, flow](std::uint64_t number) {
    const auto it = files.find(number);
    return it != files.end() && it->second.flow == flow;
  });
}

void Discovery::State::remove_read() {
  if (!removes()) return;
  std::vector<std::uint64_t> due;
  for (const auto& [number, file] : files) {
    if (due.size() < kRemovedAtOnce && may_be_removed(file)) due.push_back(number);
  }
  std::set<std::string> changed;
  for (const std::uint64_t number : due) {
    if (!has_room()) break;
    const auto it = files.find(number);
    // The reactors of another flow may have it by now.
    if (it == files.end() || !may_be_removed(it->second)) continue;
    const std::string place = directory_in(path_of(it->second));
    if (remove(number)) {
      changed.insert(place);
      continue;
    }
    // It is not asked again and again before others.
    const auto kept = files.find(number);
    if (kept != files.end() && kept->second.resting) hold_off_removal(kept->second);
  }
  // Before anybody's note of them goes: else a power cut may bring back what nobody knows.
  for (const std::string& place : changed) {
    if (const auto synced = environment.files.sync_directory(place); !synced) {
      counters.remove_errors.add();
      environment.log.warn("directory of deleted files cannot be synced",
                           {{"path", place}, {"error", synced.error().message}});
    }
  }
  if (due.size() == kRemovedAtOnce) scan_soon(kRetryInterval);
  untold = untold || !changed.empty();
}

// Until everything is looked at again: as if it had come to rest that much before it may go.
void Discovery::State::hold_off_removal(File& file) const {
  const base::Duration after = flows[file.flow].files.delete_after;
  const base::Duration wait = std::min(after, reconcile_interval);
  file.resting->rest.since = std::chrono::time_point_cast<CoarseInstant::duration>(
      environment.clock.monotonic() - (after - wait));
}

bool Discovery::State::Removal::is_of(const base::Result<io::FileStatus>& status) const {
  return status && status->kind == io::FileKind::regular && status->links == 1 &&
         identity_of(*status) == identity && status->size == size &&
         status->modified_ns == modified_ns;
}

// Who is deleted keeps its descriptor for a while, so half of them are for others.
bool Discovery::State::has_room() const {
  return waiting.empty() && parked.empty() && serve_at == base::Instant{} &&
         holders.size() <= open_files_now / 2;
}

// Every flow's reactor gets it. False: not all of them have it.
bool Discovery::State::open_everywhere(const FileIdentity& identity) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t flow = 0; flow < flows.size(); ++flow) {
    if (const auto number = number_of({flow, identity})) numbers.push_back(*number);
  }
  if (!has_room() || numbers.size() > open_files_now - holders.size()) return false;
  for (const std::uint64_t number : numbers) {
    if (must_follow(files.at(number))) return false;
  }
  return std::ranges::all_of(numbers, [this](std::uint64_t number) {
    hand_over(number);
    return !files.at(number).resting;
  });
}

// True: its directory has changed.
bool Discovery::State::remove(std::uint64_t number) {
  const File& file = files.at(number);
  const auto [directory, name] = name_of(number);
  if (directory == nullptr || !all_read_it(*directory, name, file)) return false;
  const Removal removal{
      .identity = file.identity,
      .size = file.resting->rest.size,
      .modified_ns = file.resting->rest.modified_ns,
      .path = directory->path_of(name),
      .aside = directory->path_of(is_aside(name) ? name : name_aside(name)),
  };
  if (!removal.is_of(environment.files.status(removal.path, false))) {
    examine(*directory, std::string(name), 0, false, true);
    return false;
  }
  if (!open_everywhere(removal.identity) || !unlink(removal)) return false;
  counters.files_removed.add();
  counters.bytes_removed.add(removal.size);
  environment.log.info("file was read, and is deleted",
                       {{"path", removal.path}, {"bytes", std::to_string(removal.size)}});
  for (const auto& [flow, its] : directory->names.at(name).numbers) files.at(its).unlinked = true;
  name_gone(*directory, name);
  return true;
}

bool Discovery::State::unlink(const Removal& removal) {
  io::Files& system = environment.files;
  if (removal.path != removal.aside) {
    if (const auto renamed = system.rename_new(removal.path, removal.aside); !renamed) {
      cannot_remove(removal, renamed.error());
      return false;
    }
  }
  if (!removal.is_of(system.status(removal.aside, false))) {
    give_back(removal);
    return false;
  }
  if (const auto removed = system.remove(removal.aside); !removed) {
    cannot_remove(removal, removed.error());
    give_back(removal);
    return false;
  }
  return true;
}

// Should that fail, it is followed where it is, and the next scan tries again. That it is not there
// either is said as well: it was we who took its name.
void Discovery::State::give_back(const Removal& removal) {
  if (removal.path == removal.aside) return;
  const auto renamed = environment.files.rename_new(removal.aside, removal.path);
  if (renamed) {
    counters.files_given_back.add();
    return;
  }
  counters.remove_errors.add();
  environment.log.warn("file cannot be given its name back",
                       {{"path", removal.aside}, {"error", renamed.error().message}});
  scan_soon(kRetryInterval);
}

void Discovery::State::cannot_remove(const Removal& removal, const base::Error& error) {
  if (not_there(error)) return;  // it was renamed, or deleted, by somebody else
  counters.remove_errors.add();
  environment.log.warn("file was read and cannot be deleted",
                       {{"path", removal.path}, {"error", error.message}});
}

// `entry`: of a directory's listing, a file that was left aside. Whoever wants it, or knows it, may
// delete nothing any more: it gets its name back, unless that is another's. False: it is not there
// any more.
bool Discovery::State::take_from_aside(Directory& directory, io::DirectoryEntry& entry) {
  const std::string path = directory.path_of(entry.name);
  const auto status = environment.files.status(path, false);
  if (!status || status->kind != io::FileKind::regular) return true;
  const auto knows = [this, identity = identity_of(*status)](const auto& flow) {
    const FlowFile its{static_cast<std::size_t>(&flow - flows.data()), identity};
    return known.contains(its) || number_of(its);
  };
  if (flows_matching(directory, entry.name).empty() && std::ranges::none_of(flows, knows)) {
    if (starting) {
      environment.log.warn("file has a name for deletion, and no flow knows it: it is left alone",
                           {{"path", path}});
    }
    return true;
  }
  const std::string name(name_before(entry.name));
  const auto renamed = environment.files.rename_new(path, directory.path_of(name));
  if (!renamed) {
    if (renamed.error().system != EEXIST && !not_there(renamed.error())) {
      counters.remove_errors.add();
      if (starting) {
        environment.log.warn("file that was left over cannot be given its name back",
                             {{"path", path}, {"error", renamed.error().message}});
      }
    }
    return !not_there(renamed.error());
  }
  counters.files_given_back.add();
  environment.log.info("file that was left over gets its name back",
                       {{"path", directory.path_of(name)}});
  entry.name = name;
  return true;
}

}  // namespace sources
