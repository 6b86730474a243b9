// From names to files: which file is behind a name, is it one we follow, how does a new one start.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "sources/discovery_state.h"

namespace sources {
namespace {

// A file rotated away while we were stopped and fully read may still be written to for a while.
constexpr auto kLateWriters = std::chrono::minutes(1);

bool not_there(const base::Error& error) {
  return error.system == ENOENT || error.system == ENOTDIR || error.system == ELOOP ||
         (error.system == 0 && error.code == base::ErrorCode::not_found);
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

}  // namespace

// `inode`: as the listing says; not used when `thorough`, that is when an event said something
// changed.
void Discovery::State::examine(Directory& directory, const std::string& name, std::uint64_t inode,
                               bool symlink, bool thorough) {
  const auto it = directory.names.find(name);
  if (it != directory.names.end()) {
    Name& known_name = it->second;
    known_name.listing = directory.listing;
    // Followed files are open, and the inode of an open file is not handed out again.
    if (!thorough && !symlink && !known_name.symlink && known_name.inode == inode &&
        known_name.error == 0 &&
        (!known_name.numbers.empty() || known_name.not_regular || known_name.ours)) {
      return;
    }
  }
  const std::vector<std::size_t> matching = flows_matching(directory, name);
  if (matching.empty()) return;
  const std::string path = directory.path_of(name);
  auto status = environment.files.status(path, false);
  if (status) {
    symlink = status->kind == io::FileKind::symlink;
    inode = status->inode;
    if (symlink) status = environment.files.status(path, true);
  }
  if (!status && not_there(status.error())) {
    if (it != directory.names.end()) name_gone(directory, name);
    return;
  }
  Name& entry = directory.names[name];
  entry.listing = directory.listing;
  if (!status) {
    cannot_open(path, entry, status.error());
    return;
  }
  entry.inode = inode;
  entry.symlink = symlink;
  const bool ours = excluded(path, &*status);
  if (ours && !std::exchange(entry.ours, true)) {
    environment.log.warn("our own output, passed over", {{"path", path}});
  }
  entry.ours = ours;
  if (symlink && next_poll == base::Instant::max()) {
    next_poll = environment.clock.monotonic() + kPollInterval;
  }
  const bool regular = status->kind == io::FileKind::regular;
  set_not_regular(path, entry, !regular);
  if (!regular || ours) {
    while (!entry.numbers.empty()) unbind(entry, 0);
    return;
  }
  for (const std::size_t flow : matching) bind(directory, name, entry, flow, identity_of(*status));
}

std::optional<std::uint64_t> Discovery::State::number_of(const FlowFile& file) const {
  const auto it = by_identity.find(file);
  if (it == by_identity.end()) return std::nullopt;
  return it->second;
}

// `name` of `flow` stands for the file `identity`.
void Discovery::State::bind(Directory& directory, const std::string& name, Name& entry,
                            std::size_t flow, FileIdentity identity) {
  const auto at = std::find_if(entry.numbers.begin(), entry.numbers.end(),
                               [flow](const auto& each) { return each.first == flow; });
  if (at != entry.numbers.end()) {
    if (files.at(at->second).identity == identity) {
      set_error(entry, 0);
      return;
    }
    unbind(entry, static_cast<std::size_t>(at - entry.numbers.begin()));
  }
  std::optional<std::uint64_t> number = number_of({flow, identity});
  if (!number || files.at(*number).detached) {
    number = open_file(directory.path_of(name), entry, flow);
    if (!number) return;
  }
  set_error(entry, 0);
  ++files.at(*number).names;
  orphans.erase(*number);
  entry.numbers.emplace_back(flow, *number);
}

// The number of the file at `path`, followed already or from now on; nothing if it cannot be
// opened.
std::optional<std::uint64_t> Discovery::State::open_file(const std::string& path, Name& entry,
                                                         std::size_t flow) {
  const auto opened = environment.files.open(path, io::Open::read);
  if (!opened) {
    if (!not_there(opened.error())) cannot_open(path, entry, opened.error());
    return std::nullopt;
  }
  io::UniqueHandle handle(environment.files, *opened);
  const auto status = environment.files.status(handle.get());
  if (!status) {
    cannot_open(path, entry, status.error());
    return std::nullopt;
  }
  if (status->kind != io::FileKind::regular) return std::nullopt;
  const FileIdentity identity = identity_of(*status);  // of what is open, whatever the name is now
  const std::optional<std::uint64_t> number = number_of({flow, identity});
  if (number && !files.at(*number).detached) return number;
  FoundFile file{.number = 0,
                 .handle = handle.release(),
                 .checkpoint = starting_point(flow, path, *status),
                 .marks = {},
                 .formerly = number.value_or(0),
                 .rotated = false,
                 .after = {}};
  return add_file(flow, std::move(file), status->modified_ns);
}

std::uint64_t Discovery::State::add_file(std::size_t flow, FoundFile file,
                                         std::int64_t modified_ns) {
  const std::uint64_t number = ++last_number;
  file.number = number;
  const Checkpoint& checkpoint = file.checkpoint;
  files.emplace(number, File{.flow = flow,
                             .identity = checkpoint.identity,
                             .home = checkpoint.path,
                             .names = 0,
                             .detached = file.rotated,
                             .announced = false,
                             .moved_to = {}});
  by_identity.insert_or_assign({flow, checkpoint.identity}, number);
  by_home[checkpoint.path].push_back(number);
  counters.files_found.add();
  const bool has_past = checkpoint.generation > 0 || checkpoint.seen_us != 0;
  found.push_back(
      {.file = std::move(file), .flow = flow, .known = has_past, .modified_ns = modified_ns});
  return number;
}

Checkpoint Discovery::State::starting_point(std::size_t flow, const std::string& path,
                                            const io::FileStatus& status) {
  const Flow& options = flows[flow];
  const auto it = known.find({flow, identity_of(status)});
  if (it != known.end()) {
    Checkpoint checkpoint = std::move(it->second);
    known.erase(it);
    if (checkpoint.flow_fingerprint != options.fingerprint) {
      // The records may go elsewhere now, so the shards' marks of the old origin say nothing.
      checkpoint.origin = base::Origin::none;
      checkpoint.flow_fingerprint = options.fingerprint;
    }
    return checkpoint;
  }
  Checkpoint checkpoint;
  checkpoint.flow = options.name;
  checkpoint.identity = identity_of(status);
  checkpoint.path = path;
  checkpoint.flow_fingerprint = options.fingerprint;
  const bool skipped = starting && options.skip_unknown;
  if (skipped && status.size > 0) {
    counters.files_skipped.add();
    counters.bytes_skipped.add(status.size);
  }
  const bool at_end =
      skipped || (starting && options.first_start && options.files.start == Start::end);
  checkpoint.offset = at_end ? status.size : 0;
  return checkpoint;
}

void Discovery::State::cannot_open(const std::string& path, Name& entry, const base::Error& error) {
  const int code = error.system == 0 ? EIO : error.system;
  if (code != EACCES && code != EPERM) {
    counters.scan_errors.add();
    scan_soon(kPollInterval);
  }
  if (entry.error != code) {
    environment.log.warn("file cannot be opened", {{"path", path}, {"error", std::strerror(code)}});
  }
  set_error(entry, code);
}

void Discovery::State::set_error(Name& entry, int error) {
  const bool before = std::exchange(entry.error, error) != 0;
  if (before == (error != 0)) return;
  const std::uint64_t count = counters.files_unreadable.value();
  counters.files_unreadable.set(error != 0 ? count + 1 : count - 1);
}

void Discovery::State::set_not_regular(const std::string& path, Name& entry, bool value) {
  if (std::exchange(entry.not_regular, value) == value) return;
  const std::uint64_t count = counters.files_not_regular.value();
  counters.files_not_regular.set(value ? count + 1 : count - 1);
  if (value) environment.log.warn("not a regular file, passed over", {{"path", path}});
}

void Discovery::State::unbind(Name& entry, std::size_t at) {
  const std::uint64_t number = entry.numbers[at].second;
  entry.numbers.erase(entry.numbers.begin() + static_cast<std::ptrdiff_t>(at));
  File& file = files.at(number);
  ASSERT(file.names > 0);
  if (--file.names == 0) orphans.insert(number);
}

void Discovery::State::name_gone(Directory& directory, const std::string& name) {
  const auto it = directory.names.find(name);
  if (it == directory.names.end()) return;
  Name& entry = it->second;
  while (!entry.numbers.empty()) unbind(entry, entry.numbers.size() - 1);
  set_error(entry, 0);
  set_not_regular({}, entry, false);
  directory.names.erase(it);
}

// Checkpoints whose file no pattern matches: renamed while nobody looked? Searched by inode where
// the patterns look and where they were last (F02).
// False: not every place and file could be looked at.
bool Discovery::State::find_unmatched() {
  std::unordered_map<std::uint64_t, std::vector<FlowFile>> wanted;
  std::unordered_set<std::string> places;
  for (const auto& [file, checkpoint] : known) {
    wanted[file.identity.inode].push_back(file);
    places.insert(parent_of(checkpoint.path));
  }
  if (wanted.empty()) return true;
  bool all = true;
  for (const auto& [path, directory] : directories) {
    if (directory->listing > 0) places.insert(path);
  }
  std::unordered_set<std::string> searched;
  for (const std::string& place : places) {
    if (excluded(place, nullptr)) continue;
    const auto entries = environment.files.list(place);
    if (!entries) {
      all = all && not_there(entries.error());
      continue;
    }
    searched.insert(place);
    for (const io::DirectoryEntry& each : *entries) {
      const auto hit = wanted.find(each.inode);
      if (hit == wanted.end() || each.kind == io::FileKind::directory) continue;
      const std::string path = (place == "/" ? place : place + "/") + each.name;
      for (const FlowFile& file : hit->second) all = open_unmatched(path, file) && all;
    }
  }
  const auto now_us = environment.clock.wall().time_since_epoch().count();
  const auto forget_us =
      std::chrono::duration_cast<std::chrono::microseconds>(kForgetAfter).count();
  for (auto it = known.begin(); it != known.end();) {
    const Checkpoint& checkpoint = it->second;
    const bool gone = searched.contains(parent_of(checkpoint.path)) && !seen.contains(it->first);
    if (gone && now_us - checkpoint.seen_us > forget_us) {
      if (listener.forgotten) listener.forgotten(it->first.flow, checkpoint);
      it = known.erase(it);
    } else {
      ++it;
    }
  }
  seen.clear();
  return all;
}

// Read to its end, and nobody writes to it any more.
bool Discovery::State::nothing_new(const io::FileStatus& status,
                                   const Checkpoint& checkpoint) const {
  const auto age =
      environment.clock.wall().time_since_epoch() - std::chrono::nanoseconds(status.modified_ns);
  return status.size == checkpoint.offset && age > kLateWriters;
}

bool Discovery::State::open_unmatched(const std::string& path, const FlowFile& wanted) {
  const auto it = known.find(wanted);
  if (it == known.end()) return true;
  if (const auto look = environment.files.status(path, false);
      look && identity_of(*look) == wanted.identity && nothing_new(*look, it->second)) {
    seen.insert(wanted);
    return true;
  }
  const auto opened = environment.files.open(path, io::Open::read);
  if (!opened) {
    seen.insert(wanted);  // perhaps
    return not_there(opened.error());
  }
  io::UniqueHandle handle(environment.files, *opened);
  const auto status = environment.files.status(handle.get());
  if (!status) return false;
  if (identity_of(*status) != wanted.identity) return true;
  seen.insert(wanted);
  // Still under its old name: not renamed, the patterns changed. Then it is not wanted.
  if (path == it->second.path) return true;
  if (nothing_new(*status, it->second)) return true;
  FoundFile file{.number = 0,
                 .handle = handle.release(),
                 .checkpoint = starting_point(wanted.flow, path, *status),
                 .marks = {},
                 .formerly = 0,
                 .rotated = true,
                 .after = {}};
  add_file(wanted.flow, std::move(file), status->modified_ns);
  return true;
}

// Tells what was found out since the last time: older generations before newer ones, and only then
// who lost his name.
void Discovery::State::announce() {
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    if (a.known != b.known) return a.known;
    return a.modified_ns < b.modified_ns;
  });
  for (Found& each : found) {
    const File& file = files.at(each.file.number);
    for (const std::uint64_t other : by_home[file.home]) {
      const File& older = files.at(other);
      if (older.announced && older.flow == file.flow && older.identity != file.identity) {
        each.file.after.push_back(other);
      }
    }
    files.at(each.file.number).announced = true;
    listener.found(each.flow, std::move(each.file));
  }
  found.clear();
  for (const std::uint64_t number : orphans) {
    File& file = files.at(number);
    if (file.names > 0 || file.detached) continue;
    file.detached = true;
    listener.detached(file.flow, number, file.moved_to);
  }
  orphans.clear();
  moves.clear();
}

}  // namespace sources
