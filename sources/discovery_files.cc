// From names to files: which file is behind a name, is it one we follow, how does a new one start.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "sources/discovery_state.h"
#include "sources/paths.h"
#include "sources/removal_names.h"

namespace sources {
namespace {

FlowFile without_device(FlowFile file) {
  file.identity.device = 0;
  return file;
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
    // The inode of an open file is not handed out again. One that rests may be another by now.
    if (!thorough && !symlink && !known_name.symlink && known_name.inode == inode &&
        !known_name.compare_anew && known_name.error == 0 && !known_name.numbers.empty() &&
        all_open(known_name)) {
      return;
    }
  }
  const std::vector<std::size_t> matching = flows_matching(directory, name);
  if (matching.empty()) return;
  const std::string path = directory.path_of(name);
  auto status = environment.files.status(path, false);
  // Of what we deleted ourselves the events tell late.
  if (!status && not_there(status.error()) && !is_aside(name)) counters.files_vanished.add();
  const bool there = status.has_value();
  if (status) {
    symlink = status->kind == io::FileKind::symlink;
    inode = status->inode;
    if (symlink) status = environment.files.status(path, true);
  }
  if (!status && not_there(status.error())) {
    forget_unseen(path);
    name_gone(directory, name);
    if (there) note_dangling(directory, name, inode);
    return;
  }
  Name& entry = directory.names[name];
  entry.listing = directory.listing;
  if (!status) {
    note_unseen(path, matching);
    // What a link leads to lies in another directory.
    cannot_open(path, entry, status.error(),
                symlink ? std::string() : shut_by(status.error(), path));
    return;
  }
  entry.inode = inode;
  entry.symlink = symlink;
  const bool ours = excluded(path, &*status);
  if (ours && !std::exchange(entry.ours, true)) {
    environment.log.warn("our own output, passed over", {{"path", path}});
  }
  entry.ours = ours;
  if (symlink) poll_soon(directory);
  const bool regular = status->kind == io::FileKind::regular;
  set_not_regular(path, entry, !regular);
  if (!regular || ours) {
    set_error(entry, 0);
    while (!entry.numbers.empty()) unbind(entry, 0);
    return;
  }
  for (const std::size_t flow : matching) {
    if (is_found(flow, *status)) {
      bind(directory, name, entry, flow, *status);
    } else {
      const auto at =
          std::ranges::find(entry.numbers, flow, [](const auto& each) { return each.first; });
      if (at != entry.numbers.end()) {  // another file's name by now
        unbind(entry, static_cast<std::size_t>(at - entry.numbers.begin()));
      }
    }
  }
  if (entry.numbers.empty()) set_error(entry, 0);  // it was looked at, and nobody wants it
  if (entry.numbers.size() >= matching.size()) entry.compare_anew = false;
}

// Its target may come at any time, and no watch tells.
void Discovery::State::note_dangling(Directory& directory, const std::string& name,
                                     std::uint64_t inode) {
  Name& entry = directory.names[name];
  entry.inode = inode;
  entry.listing = directory.listing;
  entry.symlink = true;
  poll_soon(directory);
}

CoarseInstant Discovery::State::coarse_now() const {
  return std::chrono::time_point_cast<CoarseInstant::duration>(environment.clock.monotonic());
}

bool Discovery::State::all_open(const Name& entry) const {
  return std::all_of(entry.numbers.begin(), entry.numbers.end(),
                     [this](const auto& each) { return !files.at(each.second).resting; });
}

std::optional<std::uint64_t> Discovery::State::number_of(const FlowFile& file) const {
  const auto it = by_identity.find(file);
  if (it == by_identity.end()) return std::nullopt;
  return it->second;
}

// `name` of `flow` stands for the file with this status.
void Discovery::State::bind(Directory& directory, const std::string& name, Name& entry,
                            std::size_t flow, const io::FileStatus& status) {
  const FileIdentity identity = identity_of(status);
  const auto at = std::find_if(entry.numbers.begin(), entry.numbers.end(),
                               [flow](const auto& each) { return each.first == flow; });
  if (at != entry.numbers.end()) {
    const std::uint64_t bound = at->second;
    const File& file = files.at(bound);
    if (file.identity == identity) {
      // That it can be opened is only known when it was.
      if (!file.resting || !file.resting->wanted) set_error(entry, 0);
      notice(bound, status);
      return;
    }
    unbind(entry, static_cast<std::size_t>(at - entry.numbers.begin()));
  }
  const std::string path = directory.path_of(name);
  std::optional<std::uint64_t> number = number_of({flow, identity});
  if (number && files.at(*number).detached) {
    File& detached = files.at(*number);
    if (detached.resting) {
      detached.detached = false;
    } else {
      const std::uint64_t former = *number;
      number = add_file(flow, path, starting_point(flow, path, status, known.end()), status);
      files.at(*number).formerly = former;
    }
  } else if (!number) {
    const auto elsewhere = known_elsewhere(flow, identity);
    if (!elsewhere) {  // nobody can tell yet how far it was read (F30)
      counters.scan_errors.add();
      scan_soon(kRetryInterval);
      return;
    }
    const bool lost_before = known.contains({flow, identity}) || *elsewhere != known.end();
    number = add_file(flow, path, starting_point(flow, path, status, *elsewhere), status);
    if (lost_before) files.at(*number).resting->found_at = {};
  }
  set_error(entry, 0);
  forget_unseen(path, flow);
  File& file = files.at(*number);
  if (++file.names > 1 && is_news(*number)) know_by_label(*number, directory, path);
  file.unlinked = false;
  file.moved_to.clear();
  if (path == file.home) {
    file.path.clear();
  } else {
    file.path = path;
  }
  orphans.erase(*number);
  nameless.erase(*number);
  entry.numbers.emplace_back(flow, *number);
  notice(*number, status);
}

// Not written for so long that it is left alone. Bytes of it that were to be read before still are.
bool Discovery::State::too_old(std::size_t flow, const Checkpoint& checkpoint,
                               const io::FileStatus& status) {
  const base::Duration limit = flows[flow].files.ignore_older;
  if (limit == base::Duration::zero()) return false;
  const bool has_state = checkpoint.seen_us != 0;
  if (has_state && !covers(checkpoint, status.size)) return false;
  // A clock that is years ahead makes no file old that was written today (F59). Less than a year
  // may be the time that nobody ran.
  constexpr std::chrono::hours kYear{24 * 365};
  const base::Duration wall = environment.clock.wall().time_since_epoch();
  const base::Duration believed_wall = believed_now();
  const base::Duration now = wall - believed_wall > kYear ? believed_wall : wall;
  return now - std::chrono::nanoseconds(status.modified_ns) > limit;
}

// A file nobody follows yet; it rests until it is its turn.
std::uint64_t Discovery::State::add_file(std::size_t flow, const std::string& path,
                                         Checkpoint checkpoint, const io::FileStatus& status) {
  const std::uint64_t number = ++last_number;
  File& file = files[number];
  file.flow = flow;
  file.identity = checkpoint.identity;
  file.home = checkpoint.path;
  if (path != file.home) file.path = path;
  by_identity.insert_or_assign({flow, checkpoint.identity}, number);
  by_home[file.home].push_back(number);
  counters.files_found.add();
  file.age_ns =
      status.birth_ns == 0 ? status.modified_ns : std::min(status.birth_ns, status.modified_ns);
  if (births.reused(file.identity)) counters.files_reused.add();
  const bool known_before = checkpoint.generation > 0 || checkpoint.seen_us != 0;
  file.ignored = too_old(flow, checkpoint, status);
  // To go through a compressed file again only to find nothing new would take its time.
  const bool whole = flows[flow].files.inflate() && checkpoint.compressed_bytes > 0 &&
                     covers(checkpoint, status.size);
  if (file.ignored) {
    former_orders.erase({flow, file.identity});
    file.order = ++last_order;
    counters.files_ignored_old.set(counters.files_ignored_old.value() + 1);
    if (!known_before) {
      checkpoint.offset = status.size;
      checkpoint.whole = false;
      checkpoint.seen_us = environment.clock.wall().time_since_epoch().count();
      ignored_anew.push_back(number);
      if (listener.ignored) listener.ignored(flow, checkpoint);
    }
  } else if (whole) {
    file.order = ++last_order;
  } else {
    const bool by_age = flows[flow].files.order == Order::oldest_first;
    found.push_back({.number = number,
                     .known = known_before || by_age,
                     .age_ns = by_age ? file.age_ns : status.modified_ns});
  }
  if (whole && checkpoint.cut && flows[flow].tells_cut) {
    environment.log.warn("compressed file is damaged or ends in the middle, what is there was read",
                         {{"path", path}});
  }
  file.resting = restings.make({.rest = {.checkpoint = std::move(checkpoint),
                                         .size = status.size,
                                         .modified_ns = status.modified_ns,
                                         .more = false,
                                         .failed = false,
                                         .since = coarse_now()},
                                .wanted = !file.ignored && !whole,
                                .queued = false,
                                .found_at = coarse_now()});
  return number;
}

void Discovery::State::erase_file(std::uint64_t number) {
  const auto it = files.find(number);
  File& file = it->second;
  take_back(file);
  const auto identity = by_identity.find({file.flow, file.identity});
  if (identity != by_identity.end() && identity->second == number) by_identity.erase(identity);
  const auto home = by_home.find(file.home);
  std::erase(home->second, number);
  if (home->second.empty()) by_home.erase(home);
  if (file.ignored) counters.files_ignored_old.set(counters.files_ignored_old.value() - 1);
  orphans.erase(number);
  nameless.erase(number);
  copy_checks.take(number);
  former_keys.erase({file.flow, file.identity});
  files.erase(it);
}

void Discovery::State::remember(const FlowFile& file, Checkpoint checkpoint) {
  if (file.identity.birth_ns == 0) {
    known.insert_or_assign(file, std::move(checkpoint));
    return;
  }
  // Killed before the one under the former number was gone: the further one counts.
  const auto other = known_by_birth.find(without_device(file));
  const auto twin = other == known_by_birth.end() || other->second == file
                        ? known.end()
                        : known.find(other->second);
  if (twin != known.end() && twin->second.origin == checkpoint.origin &&
      checkpoint.origin != base::Origin::none) {
    const auto progress = [](const Checkpoint& each) {
      return std::pair(each.generation, each.offset);
    };
    if (progress(twin->second) > progress(checkpoint)) {
      outdated[without_device(file)].push_back(std::move(checkpoint));
      return;
    }
    outdated[without_device(file)].push_back(std::move(twin->second));
    known.erase(twin);
  }
  known.insert_or_assign(file, std::move(checkpoint));
  constexpr std::size_t kStaleMax = 1024;
  if (known_by_birth.size() > 2 * known.size() + kStaleMax) {
    known_by_birth.clear();
    for (const auto& [each, unused] : known) note_birth(each);
  }
  note_birth(file);
}

// Of several notes, of different origins: the last one that says which bytes were there.
void Discovery::State::note_birth(const FlowFile& file) {
  FlowFile& noted = known_by_birth.try_emplace(without_device(file), file).first->second;
  const auto other = known.find(noted);
  const auto rank = [](const Checkpoint& each) {
    return std::pair(each.tail_bytes > 0, each.seen_us);
  };
  if (other == known.end() || rank(known.at(file)) >= rank(other->second)) noted = file;
}

// The file is found, as `present`. Not before that: its key may be that of an outdated note, and
// what erases that may come after what registers it.
void Discovery::State::forget_outdated(const FlowFile& present) {
  const auto found_notes = outdated.extract(without_device(present));
  if (!found_notes) return;
  for (const Checkpoint& each : found_notes.mapped()) {
    if (each.identity == present.identity || !listener.forgotten) continue;
    listener.forgotten(present.flow, each);
  }
}

// The same inode with the same birth under another device number, and no longer under the former:
// its file system was mounted again (F20). Its bytes are compared before anything is delivered.
// nullopt: its former place could not be looked at, and that may pass. One that cannot be looked at
// for good is none (a dead server, a directory that was closed to us).
std::optional<Discovery::State::Known::iterator> Discovery::State::known_elsewhere(
    std::size_t flow, const FileIdentity& identity) {
  if (identity.birth_ns == 0 || known.contains({flow, identity})) return known.end();
  const auto where = known_by_birth.find(without_device({flow, identity}));
  if (where == known_by_birth.end()) return known.end();
  const auto it = known.find(where->second);
  if (it == known.end() || it->second.tail_bytes == 0) return known.end();
  const auto status = environment.files.status(it->second.path, true);
  if (!status && !not_there(status.error())) {
    const base::Instant now = environment.clock.monotonic();
    Unseen& unseen = former_unseen.try_emplace(it->first, Unseen{.since = now}).first->second;
    if (now - unseen.since < kUnknownMax) return std::nullopt;
    if (!std::exchange(unseen.said, true)) {
      environment.log.warn("former place of a file cannot be looked at, taken for gone",
                           {{"path", it->second.path}, {"error", status.error().message}});
    }
    return it;
  }
  former_unseen.erase(it->first);
  const bool gone = !status || identity_of(*status) != it->first.identity;
  return gone ? it : known.end();
}

// `elsewhere`: as known_elsewhere() says.
Checkpoint Discovery::State::starting_point(std::size_t flow, const std::string& path,
                                            const io::FileStatus& status,
                                            Known::iterator elsewhere) {
  const Flow& options = flows[flow];
  const FileIdentity identity = identity_of(status);
  auto it = known.find({flow, identity});
  if (it == known.end()) it = elsewhere;
  // Its inode is another file's now; or, born at the same time, it was not gone but out of sight.
  auto gone = gone_files.extract({flow, identity});
  if (gone && it == known.end() && identity.birth_ns != 0) {
    gone.mapped().gone = gone.mapped().whole = false;
    it = known.insert_or_assign({flow, identity}, std::move(gone.mapped())).first;
  }
  if (identity.birth_ns != 0) forget_outdated({flow, identity});
  if (it != known.end()) {
    Checkpoint checkpoint = std::move(it->second);
    if (it->first.identity != identity) {
      former_keys[{flow, identity}] = checkpoint_key(checkpoint.flow, checkpoint.identity);
      checkpoint.identity = identity;
      checkpoint.whole = false;
      environment.log.info("file is known from when its file system had another device number",
                           {{"path", path}});
    }
    former_unseen.erase(it->first);
    known.erase(it);
    if (checkpoint.flow_fingerprint != options.fingerprint) {
      // The records may go elsewhere now, so the shards' marks of the old origin say nothing.
      checkpoint.origin = base::Origin::none;
      checkpoint.flow_fingerprint = options.fingerprint;
      // What is below the offset may be somewhere else.
      checkpoint.whole = false;
    }
    // Nothing was added, and yet it was written to: perhaps anew, in place.
    const auto modified =
        std::chrono::floor<std::chrono::microseconds>(std::chrono::nanoseconds(status.modified_ns));
    if (covers(checkpoint, status.size) && modified.count() > checkpoint.seen_us) {
      checkpoint.whole = false;
    }
    // Written while the clock was ahead: it says nothing of what came after it.
    const auto now = environment.clock.wall().time_since_epoch();
    if (std::chrono::microseconds(checkpoint.seen_us) > now) checkpoint.whole = false;
    return checkpoint;
  }
  Checkpoint checkpoint;
  checkpoint.flow = options.name;
  checkpoint.identity = identity_of(status);
  checkpoint.path = path;
  checkpoint.flow_fingerprint = options.fingerprint;
  const bool at_first = is_new(flow) || was_unseen(flow, path, status);
  const bool skipped = at_first && options.skip_unknown;
  if (skipped && status.size > 0) {
    counters.files_skipped.add();
    counters.bytes_skipped.add(status.size);
  }
  const bool at_end =
      skipped || (at_first && options.first_start && options.files.start == Start::end);
  checkpoint.offset = at_end ? status.size : 0;
  checkpoint.whole = checkpoint.offset == 0;
  return checkpoint;
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
  if (--file.names == 0) {
    file.nameless_since = coarse_now();
    orphans.insert(number);
    note_nameless(number);
  } else if (file.resting && file.resting->wanted) {
    want(number);  // perhaps it waited for this name
  }
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

}  // namespace sources
