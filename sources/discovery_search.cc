// Files without a name under the patterns: searched by identity; and the telling of what a scan or
// a batch of events found out.
#include <algorithm>
#include <chrono>

#include "base/assert.h"
#include "sources/discovery_state.h"
#include "sources/paths.h"

namespace sources {
namespace {

// A file rotated away while we were stopped and fully read may still be written to for a while.
constexpr auto kLateWriters = std::chrono::minutes(1);
constexpr std::size_t kDirectoriesBelowMax = 1024;
// For so many times state_ttl is kept what is known of a file that went unread.
constexpr int kUnreadTtls = 4;

}  // namespace

// Checkpoints whose file no pattern matches: renamed while nobody looked? Searched by inode where
// the patterns look and where they were last (F02), also behind a link that leads elsewhere by now
// (F13).
// False: not every place and file could be looked at.
bool Discovery::State::find_unmatched() {
  Wanted wanted;
  std::unordered_set<std::string> places;
  for (const auto& [file, checkpoint] : known) {
    wanted[file.identity.inode].push_back(file);
    places.insert(directory_in(checkpoint.path));
    if (!checkpoint.target.empty()) places.insert(directory_in(checkpoint.target.path()));
  }
  if (wanted.empty()) {
    missing.clear();
    searches_below = 0;
    return true;
  }
  for (const auto& [path, directory] : directories) {
    if (directory->listing > 0) places.insert(path);
  }
  Searched searched;
  bool all = search(wanted, places, searched);
  if (searches_below > 0) {
    if (search_below(wanted, searched)) {
      searches_below = 0;
    } else {
      all = false;
      // Some of those may never be ours to list.
      if (std::exchange(below_due, false)) --searches_below;
    }
  }
  forget_gone(searched);
  seen.clear();
  return all;
}

// While we were stopped somebody may have moved it to a directory in its own, as `old/`.
bool Discovery::State::search_below(const Wanted& wanted, Searched& searched) {
  std::unordered_set<std::string> above;
  for (const auto& [file, checkpoint] : known) {
    if (!seen.contains(file)) above.insert(directory_in(checkpoint.path));
  }
  return search_below(wanted, above, searched);
}

bool Discovery::State::search_below(const Wanted& wanted,
                                    const std::unordered_set<std::string>& above,
                                    Searched& searched) {
  bool all = true;
  std::unordered_set<std::string> below;
  for (const std::string& place : above) {
    const auto entries = environment.files.list(place);
    all = all && (entries || not_there(entries.error()));
    if (!entries) continue;
    for (const io::DirectoryEntry& each : *entries) {
      const std::string path = (place == "/" ? place : place + "/") + each.name;
      const bool wanted_there =
          each.kind == io::FileKind::directory && !searched.listed.contains(path);
      if (wanted_there && below.size() < kDirectoriesBelowMax) below.insert(path);
    }
  }
  return search(wanted, below, searched) && all;
}

// What is in `known` and found in one of the places is taken, or noted in `seen`.
bool Discovery::State::search(const Wanted& wanted, const std::unordered_set<std::string>& places,
                              Searched& searched) {
  bool all = true;
  for (const std::string& place : places) {
    if (excluded(place, nullptr)) continue;
    const auto entries = environment.files.list(place);
    if (!entries) {
      if (not_there(entries.error())) {
        searched.absent.insert(place);
      } else {
        all = false;
      }
      continue;
    }
    searched.listed.insert(place);
    for (const io::DirectoryEntry& each : *entries) {
      const auto hit = wanted.find(each.inode);
      if (hit == wanted.end() || each.kind == io::FileKind::directory) continue;
      const std::string path = (place == "/" ? place : place + "/") + each.name;
      for (const FlowFile& file : hit->second) all = take_unmatched(path, file) && all;
    }
  }
  return all;
}

base::Duration Discovery::State::believed_now() {
  return believed.at(environment.clock.wall(), environment.clock.monotonic()).time_since_epoch();
}

// We had it, and it has no name any more where we look. What is known of it is in `known`.
void Discovery::State::miss(const FlowFile& file, bool unread) {
  const base::Duration ttl = flows[file.flow].files.state_ttl;
  if (ttl == base::Duration::zero()) return;
  missing.insert_or_assign(
      file, Missing{.since = environment.clock.monotonic(), .here = true, .unread = unread});
}

// Of what is known and not found. When a note was written is the wall clock's time, which may jump,
// and says nothing of when the file went: we must have missed it ourselves as well. Of one that was
// not there when we started nobody knows more than that it was not written for so long.
void Discovery::State::forget_gone(const Searched& searched) {
  const base::Instant now = environment.clock.monotonic();
  const base::Duration wall = believed_now();
  std::erase_if(missing, [this](const auto& each) { return !known.contains(each.first); });
  for (auto it = known.begin(); it != known.end();) {
    const auto& [file, checkpoint] = *it;
    const base::Duration ttl = flows[file.flow].files.state_ttl;
    const std::string place = directory_in(checkpoint.path);
    const bool absent = searched.absent.contains(place);
    const bool there = seen.contains(file);
    if (there) missing.erase(file);
    if (ttl == base::Duration::zero() || there || (!absent && !searched.listed.contains(place))) {
      ++it;
      continue;
    }
    Missing& missed = missing.try_emplace(file, Missing{.since = now}).first->second;
    missed.here = missed.here || absent;  // perhaps a volume that is not mounted
    // One that went unread, and was counted so, is worth more; but they must not pile up.
    const base::Duration wait = missed.here ? ttl : std::min(ttl, kMissedAtLeast);
    const base::Duration missing_for = (now - missed.since) / (missed.unread ? kUnreadTtls : 1);
    const base::Duration age = wall - std::chrono::microseconds(checkpoint.seen_us);
    if (age < ttl || missing_for < wait) {
      ++it;
      continue;
    }
    if (listener.forgotten && !is_fresh(checkpoint)) listener.forgotten(file.flow, checkpoint);
    missing.erase(file);
    it = known.erase(it);
  }
}

// Read to its end, and nobody writes to it any more.
bool Discovery::State::nothing_new(const io::FileStatus& status,
                                   const Checkpoint& checkpoint) const {
  const auto age =
      environment.clock.wall().time_since_epoch() - std::chrono::nanoseconds(status.modified_ns);
  return covers(checkpoint, status.size) && age > kLateWriters;
}

// Still under its old name, or behind its link: not renamed, the patterns changed, and then it is
// not wanted. nullopt: who could say may not be looked at now.
std::optional<bool> Discovery::State::has_its_name(const std::string& path,
                                                   const FileIdentity& identity,
                                                   const Checkpoint& checkpoint) {
  if (path == checkpoint.path) return true;
  if (checkpoint.target.empty()) return false;
  const auto status = environment.files.status(checkpoint.path, true);
  if (!status && !not_there(status.error())) return std::nullopt;
  return status && identity_of(*status) == identity;
}

bool Discovery::State::take_unmatched(const std::string& path, const FlowFile& wanted) {
  const auto it = known.find(wanted);
  if (it == known.end()) return true;
  const auto status = environment.files.status(path, false);
  if (!status) {
    // Moved on since it was listed, perhaps to where was looked before.
    if (!not_there(status.error())) seen.insert(wanted);  // perhaps
    return false;
  }
  const FileIdentity identity = identity_of(*status);
  // Followed already: the note is one of its outdated ones, under another device number.
  if (number_of({wanted.flow, identity})) return true;
  auto elsewhere = known.end();
  if (identity != wanted.identity) {  // or is it, on what is another device by now?
    const auto former = known_elsewhere(wanted.flow, identity);
    if (!former) seen.insert(wanted);  // perhaps
    if (!former || *former != it) return former.has_value();
    elsewhere = it;
  }
  seen.insert(wanted);
  const auto still = has_its_name(path, wanted.identity, it->second);
  if (!still) return false;
  if (*still || nothing_new(*status, it->second)) return true;
  if (too_old(wanted.flow, it->second, *status)) return true;
  const std::uint64_t number =
      add_file(wanted.flow, path, starting_point(wanted.flow, path, *status, elsewhere), *status);
  File& lost_before = files.at(number);
  lost_before.resting->found_at = {};
  lost_before.detached = true;
  note_nameless(number);
  return true;
}

// It has no name under the patterns.
void Discovery::State::note_nameless(std::uint64_t number) {
  const File& file = files.at(number);
  nameless.insert(number, {.flow = file.flow,
                           .device = file.identity.device,
                           .home = file.home,
                           .path = path_of(file),
                           .moved_to = file.moved_to});
}

// A file that rests has no name any more. Nobody has it open, so it must be looked for at once.
void Discovery::State::lose(std::uint64_t number) {
  File& file = files.at(number);
  const FlowFile key{file.flow, file.identity};
  const auto heir = number_of(key);
  Rest& rest = file.resting->rest;
  const std::uint64_t former = files.contains(file.formerly) ? file.formerly : 0;
  if (former != 0) {
    // Under its former number it is on its reactor still, which knows better where it is.
  } else if (heir && heir != number) {
    File& successor = files.at(*heir);
    if (successor.resting) successor.resting->rest.checkpoint = std::move(rest.checkpoint);
  } else {
    Lost each{.file = key,
              .places = {directory_in(file.home)},
              .path = file.moved_to.empty() ? path_of(file) : file.moved_to,
              .unread_bytes = unread_bytes(rest.checkpoint, rest.size),
              .unread = file.resting->wanted && !file.resting->postponed,
              .unlinked = file.unlinked};
    if (!file.path.empty()) each.places.push_back(directory_in(file.path));
    if (const LinkTarget& target = rest.checkpoint.target; !target.empty()) {
      each.places.push_back(directory_in(target.path()));
    }
    if (!file.moved_to.empty()) each.places.push_back(directory_in(file.moved_to));
    if (file.order != 0) former_orders.insert_or_assign(key, file.order);
    miss(key, each.unread || each.unread_bytes > 0);
    doubted.erase(key);  // found meanwhile, and lost anew
    lost.push_back(std::move(each));
    remember(key, std::move(rest.checkpoint));
  }
  if (listener.dropped) listener.dropped(file.flow, number);
  erase_file(number);
  if (former != 0) by_identity.insert_or_assign(key, former);
}

// What a scan listed may have moved before anybody could look at it or open it, with its directory
// too, and where it is now that scan did not come by: it is gone when another one did not see it
// either (F09). Of what was looked for before, they are those.
void Discovery::State::take_doubted() {
  const base::Instant now = environment.clock.monotonic();
  for (auto it = doubted.begin(); it != doubted.end();) {
    Lost& each = it->second;
    const bool found_again = !known.contains(each.file);
    // What cannot be looked at for good tells nothing the next time either.
    const bool looked = scans > each.scan && !refused_anew;
    if (!found_again && !looked && now - each.since < kUnknownMax) {
      scan_soon(each.since + kUnknownMax - now);
      ++it;
      continue;
    }
    if (!found_again) lost.push_back(std::move(each));
    it = doubted.erase(it);
  }
}

// Nobody looks again.
void Discovery::State::tell_doubted() {
  for (const auto& [file, each] : std::exchange(doubted, {})) {
    if (const auto it = known.find(file); it != known.end()) tell_lost(each, it);
  }
}

// `all`: each place it may be in could be looked at.
bool Discovery::State::in_doubt(Lost& each, bool all) {
  const base::Instant now = environment.clock.monotonic();
  if (each.since == base::Instant{}) each.since = now;
  // Who deleted it was seen to do so, or it was doubted already.
  const bool told = each.unlinked || each.scan != 0 || !(each.unread || each.unread_bytes > 0);
  if (told && (all || now - each.since >= kUnknownMax)) return false;
  scan_soon(each.scan == 0 ? kRetryInterval : each.since + kUnknownMax - now);
  each.scan = scans;
  doubted.insert_or_assign(each.file, std::move(each));
  return true;
}

void Discovery::State::search_lost() {
  take_doubted();
  if (lost.empty()) return;
  std::vector<Lost> looked_for = std::exchange(lost, {});
  Wanted wanted;
  std::unordered_set<std::string> places;
  Searched searched;
  for (const Lost& each : looked_for) {
    wanted[each.file.identity.inode].push_back(each.file);
    places.insert(each.places.begin(), each.places.end());
  }
  const bool all = search(wanted, places, searched);
  if (!all) {
    search_unmatched = true;
    look_again(!std::exchange(searched_in_vain, true));
  }
  for (Lost& each : looked_for) {
    const auto it = known.find(each.file);
    if (it == known.end()) continue;
    const bool there = seen.contains(each.file);
    if (there) former_orders.erase(each.file);  // it was read, and rests where it is
    if ((all && there) || in_doubt(each, all) || there) continue;
    tell_lost(each, it);
  }
  seen.clear();
}

void Discovery::State::tell_lost(const Lost& each, Known::iterator it) {
  former_orders.erase(each.file);
  const bool compressed = has_compressed_form(each.file.flow, each.path);
  if (!compressed && (each.unread || each.unread_bytes > 0)) {
    counters.files_lost_unread.add();
    counters.bytes_lost_unread.add(each.unread_bytes);
    environment.log.warn(
        "file is gone and was not read to its end",
        {{"path", it->second.path}, {"unread_bytes", std::to_string(each.unread_bytes)}});
  }
  if (!each.unlinked) return;  // moved away; it may come back
  Checkpoint checkpoint = std::move(it->second);
  known.erase(it);
  // There is no note of one nobody read; what erases it may come after what another file of the
  // same inode registers.
  if (!is_fresh(checkpoint)) remember_gone(each.file, std::move(checkpoint));
}

// Older generations before newer ones.
void Discovery::State::settle_found() {
  ignored_anew.clear();
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    if (a.known != b.known) return a.known;
    return a.age_ns < b.age_ns;
  });
  for (const Found& each : std::exchange(found, {})) {
    const auto it = files.find(each.number);
    if (it == files.end()) continue;
    // One that was lost for a moment goes on before those that came after it.
    const auto former = former_orders.extract({it->second.flow, it->second.identity});
    it->second.order = former ? former.mapped() : ++last_order;
    for (const std::uint64_t other : by_home[it->second.home]) {
      // Its last lines come first, even if nobody told of them.
      const File& older = files.at(other);
      if (other == each.number || !older.resting || older.order == 0) continue;
      const auto status = environment.files.status(path_of(older), true);
      if (status && identity_of(*status) == older.identity) notice(other, *status);
    }
    want(each.number);
  }
}

// Tells what was found out since the last time, and only then who lost his name.
void Discovery::State::announce() {
  untold = false;
  // To open a file may show that its name is another's by now.
  constexpr int kRoundsMax = 8;
  for (int round = 0; round < kRoundsMax; ++round) {
    const std::vector<std::uint64_t> candidates(orphans.begin(), orphans.end());
    for (const std::uint64_t number : candidates) {
      const File& file = files.at(number);
      if (file.names == 0 && file.resting) lose(number);
    }
    if (round > 0 && lost.empty() && found.empty()) break;
    search_lost();
    settle_found();
    serve();
  }
  std::erase_if(orphans, [this](std::uint64_t number) {
    File& file = files.at(number);
    if (file.names > 0 || file.detached) return true;
    if (file.resting) return false;  // on no reactor: it is lost in the next round
    // Or when it comes to rest, as those that wait for it have to know.
    if (!file.holds) return true;
    file.detached = true;
    listener.detached(file.flow, number, file.moved_to);
    return true;
  });
  if (!lost.empty() || !found.empty() || !orphans.empty()) scan_soon(kRetryInterval);
  moves.clear();
}

}  // namespace sources
