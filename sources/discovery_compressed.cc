// Compressed files whose original we know: who waits for whom, and who may go on where (F11).
//
// While the original is there, or is still being read although its name is gone, its compressed
// form is postponed: what the one still delivers the other must not. So it is, for a while, when
// the original is listed and nobody could look at it. Afterwards the original is in `gone_files`,
// or in `known` if it is only out of sight, and the compressed file's reactor is told about all
// that it may have been.
#include <algorithm>
#include <array>
#include <iterator>
#include <tuple>

#include "sources/copy_names.h"
#include "sources/discovery_state.h"
#include "sources/inflater.h"
#include "sources/paths.h"

namespace sources {
namespace {

constexpr std::size_t kGoneMax = 1024;   // remembered, all flows together; see gone_forgotten
constexpr std::size_t kFormersMax = 64;  // named to one reactor
// A copy is of one of the last generations.
constexpr std::size_t kFormersWithLineEndsMax = 8;

// Says the name of a compressed file that it may once have had the name of this path?
bool may_have_been(std::string_view compressed_path, std::string_view path) {
  return name_in(compressed_path).starts_with(family(name_in(path)));
}

}  // namespace

const std::string& Discovery::State::path_of(const File& file) {
  return file.path.empty() ? file.home : file.path;
}

// Was never read, and by its name it holds what may have been.
bool Discovery::State::may_have_original(const File& file) const {
  return file.resting && is_unread(file.resting->rest.checkpoint) && inflates[file.flow] &&
         can_inflate(compressed_suffix(path_of(file)));
}

// Has somebody of this flow the file with this name?
bool Discovery::State::follows(std::size_t flow, std::string_view path) const {
  const auto directory = directories.find(directory_in(path));
  if (directory == directories.end()) return false;
  const auto& names = directory->second->names;
  const auto name = names.find(name_in(path));
  return name != names.end() && std::ranges::any_of(name->second.numbers, [flow](const auto& each) {
           return each.first == flow;
         });
}

bool Discovery::State::has_compressed_form(std::size_t flow, const std::string& path) const {
  constexpr std::array<std::string_view, 2> kSuffixes = {".gz", ".zst"};
  return std::ranges::any_of(kSuffixes, [&](std::string_view suffix) {
    return follows(flow, path + std::string(suffix));
  });
}

// Was `original`, which lost its name, deleted before this one came? A file is deleted when its
// compressed form is whole, which is found within that time. If somebody writes to it still, it is
// there for as long as he does: nobody waits for it who cannot be made of it.
bool Discovery::State::came_too_late(const File& file, const File& original) {
  return original.unlinked && file.resting->found_at > original.nameless_since + kUnknownMax;
}

// Is what `name` was made of by rotation another file by now, or gone, and nobody told? It may have
// been compressed under a lower number, and its compressed form moved on. True: it was.
bool Discovery::State::look_whether_renamed(const std::string& place, std::string_view name) {
  const auto directory = directories.find(place);
  if (directory == directories.end()) return false;
  bool any = false;
  std::vector<std::string> names = names_copied(name);
  std::ranges::move(names_shifted(name), std::back_inserter(names));
  for (const std::string& log : names) {
    const auto entry = directory->second->names.find(log);
    if (entry == directory->second->names.end() || entry->second.numbers.empty()) continue;
    const auto status = environment.files.status(directory->second->path_of(log), true);
    if (!status && !not_there(status.error())) continue;
    const File& file = files.at(entry->second.numbers.front().second);
    if (status && identity_of(*status) == file.identity) continue;
    examine(*directory->second, log, 0, false, true);
    any = true;
  }
  return any;
}

bool Discovery::State::original_is_there(std::uint64_t number) {
  const File& file = files.at(number);
  if (!may_have_original(file)) return false;
  const std::string_view before = without_compressed_suffix(path_of(file));
  const auto in_time = [&](std::uint64_t other) {
    return other != number && !came_too_late(file, files.at(other));
  };
  const auto is_known = [&] {
    return follows(file.flow, before) || nameless.find_at(file.flow, before, in_time) != 0 ||
           nameless.find_family(file.flow, before, in_time) != 0;  // a rename that was not seen
  };
  const std::string place = directory_in(before);
  if (is_known() || (look_for(place, name_in(before)) && is_known()) ||
      (look_whether_renamed(place, name_in(before)) && is_known())) {
    copy_checks.take(number);
    return true;
  }
  if (file.resting->decided || !is_refused(file.flow, place, name_in(before))) {
    return false;
  }
  const base::Instant now = environment.clock.monotonic();
  next_copy_check = std::min(next_copy_check, now + compare_pause());
  file.resting->decided = cannot_be_seen(number, copy_checks.of(number), now);
  return !file.resting->decided;
}

void Discovery::State::postpone(std::uint64_t number) {
  File& file = files.at(number);
  if (!std::exchange(file.resting->postponed, true)) {
    environment.log.debug("file waits for the one it may be made from", {{"path", path_of(file)}});
  }
  postponed.push_back(number);
}

void Discovery::State::look_at_postponed() {
  for (const std::uint64_t number : std::exchange(postponed, {})) {
    const auto it = files.find(number);
    if (it == files.end() || !it->second.resting) continue;
    if (original_is_there(number) || waits_for_copied(number)) {
      postponed.push_back(number);
    } else {
      files.at(number).resting->postponed = false;
      stand_in_line(number);
    }
  }
}

// A file that was deleted: all of it that will ever be read from it is.
void Discovery::State::remember_gone(const FlowFile& file, Checkpoint checkpoint) {
  if (!remembers(file.flow) || checkpoint.tail_bytes == 0) {
    if (listener.forgotten) listener.forgotten(file.flow, checkpoint);
    return;
  }
  if (!std::exchange(checkpoint.gone, true) && listener.ignored) {
    listener.ignored(file.flow, checkpoint);
  }
  gone_files.insert_or_assign(file, std::move(checkpoint));
  trim_gone();
}

// By age not before this life is an hour old, as forget_gone() has missed a file for an hour: a
// note or record that was written while the clock was years ahead has it believed at the next
// start. To write notes in believed time is no way out: who runs for minutes every hour would
// believe less and less of the time that passed, and forget and retire nothing.
void Discovery::State::trim_gone() {
  const base::Duration wall = believed_now();
  const bool lives_long = environment.clock.monotonic() - began >= kMissedAtLeast;
  const auto forget = [this](auto it) {
    // Its identity may be another file's by now, and so its entry in the log.
    if (listener.forgotten && !number_of(it->first) && !known.contains(it->first)) {
      listener.forgotten(it->first.flow, it->second);
    }
    return gone_files.erase(it);
  };
  for (auto it = gone_files.begin(); it != gone_files.end();) {
    const base::Duration ttl = flows[it->first.flow].files.state_ttl;
    const bool old = lives_long && ttl != base::Duration::zero() &&
                     wall - std::chrono::microseconds(it->second.seen_us) > ttl;
    it = old || !remembers(it->first.flow) ? forget(it) : std::next(it);
  }
  while (gone_files.size() > kGoneMax) {
    counters.gone_forgotten.add();
    forget(std::ranges::min_element(gone_files, {},
                                    [](const auto& each) { return each.second.seen_us; }));
  }
}

namespace {

// Each restart between a generation's note and what follows it leaves one more note of the same:
// the furthest says all the others do, and the first of those more of where lines ended.
void keep_furthest_notes(std::vector<Former>& formers) {
  const auto origin = [](const Former& each) {
    return each.ended ? each.checkpoint.origin : base::Origin::none;
  };
  std::ranges::sort(formers, std::greater{}, [&](const Former& each) {
    return std::tuple(base::value(origin(each)), each.checkpoint.offset,
                      each.checkpoint.line_ends.size());
  });
  const auto repeated = std::ranges::unique(formers, [&](const Former& one, const Former& next) {
    return origin(one) != base::Origin::none && origin(one) == origin(next);
  });
  formers.erase(repeated.begin(), repeated.end());
}

}  // namespace

// Whom it may have been, the likely ones first. nullopt: as add_copied() says.
std::optional<std::vector<Former>> Discovery::State::formers_of(const File& file) {
  std::vector<Former> formers;
  if (may_be_copy(file) && !add_copied(file, formers)) return std::nullopt;
  if (may_have_original(file)) add_compressed(file, formers);
  keep_furthest_notes(formers);
  for (Former& former : formers) {
    if (former.checkpoint.flow_fingerprint == flows[file.flow].fingerprint) continue;
    former.checkpoint.origin = base::Origin::none;  // as in starting_point
    former.checkpoint.flow_fingerprint = flows[file.flow].fingerprint;
  }
  std::ranges::sort(formers, std::greater{}, [](const Former& each) {
    return std::tuple(each.likely, each.checkpoint.seen_us, each.checkpoint.offset);
  });
  // A copy's name says of which file, so those are few.
  const std::size_t most = may_be_copy(file) ? kGoneMax : kFormersMax;
  if (formers.size() > most) formers.resize(most);
  for (std::size_t i = kFormersWithLineEndsMax; i < formers.size(); ++i) {
    formers[i].checkpoint.line_ends.clear();
  }
  return formers;
}

void Discovery::State::add_compressed(const File& file, std::vector<Former>& formers) const {
  const std::string& path = path_of(file);
  const std::string_view before = without_compressed_suffix(path);
  const auto consider = [&](const FlowFile& other, const Checkpoint& checkpoint) {
    if (other.flow != file.flow || checkpoint.tail_bytes == 0) return;
    const bool likely = may_have_been(before, checkpoint.path);
    if (!likely && directory_in(path) != directory_in(checkpoint.path)) return;
    formers.push_back({.checkpoint = checkpoint, .marks = {}, .likely = likely});
  };
  for (const auto& [other, checkpoint] : gone_files) consider(other, checkpoint);
  for (const auto& [other, checkpoint] : known) consider(other, checkpoint);
}

}  // namespace sources
