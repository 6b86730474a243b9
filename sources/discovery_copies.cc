// Copies that rotation makes of a log before it truncates it (F06), and files that were moved to
// another device (F16): who may be one, and from where it is read.
//
// A file nobody knows, whose name says that it may be a copy, waits until that is decided by bytes:
//
//   its last bytes are the original's ──▶ a copy: what it holds the original delivers, as long as
//                                         that is there and not truncated
//   they are not, and the original was ──▶ another file; or a copy, and the generation it is of
//   seen to be what it was, afterwards     ended: then that is in `gone_files`
//
// See docs/design/0008-copies.md.
#include <algorithm>
#include <array>
#include <cerrno>

#include "sources/copy_names.h"
#include "sources/discovery_state.h"
#include "sources/former_search.h"
#include "sources/paths.h"

namespace sources {
namespace {

constexpr base::Duration kComparePause = std::chrono::milliseconds(100);
// Of thousands each is compared less often, for there is other work: a comparison takes some 20 µs.
constexpr base::Duration kPausePerCopy = std::chrono::microseconds(100);
constexpr std::size_t kDirectoriesMax = 64;  // that are searched for a file's namesakes

enum class Likeness : std::uint8_t { same, different, unknown, unreadable };
struct Comparison {
  Likeness likeness = Likeness::unknown;
  std::uint64_t size = 0;  // of the first
};

// No, and it is the file's fault: whoever opens it to read it says what is wrong.
bool refuses(const base::Result<io::Handle>& opened) {
  return !opened && opened.error().system != EMFILE && opened.error().system != ENFILE;
}

// Are the last bytes of one where the other has the same ones? Blocking, two small reads.
Comparison compare(const io::Environment& environment, const std::string& path,
                   const FileIdentity& identity, const std::string& other_path,
                   const FileIdentity& other_identity) {
  using Bytes = std::array<char, kTailBytes>;
  io::Files& files = environment.files;
  const auto opened = files.open(path, io::Open::read);
  if (!opened) return {refuses(opened) ? Likeness::unreadable : Likeness::unknown, 0};
  const io::UniqueHandle handle(files, *opened);
  const auto other_opened = files.open(other_path, io::Open::read);
  if (!other_opened) return {};
  const io::UniqueHandle other_handle(files, *other_opened);
  const auto status = files.status(handle.get());
  const auto other_status = files.status(other_handle.get());
  if (!status || !other_status || identity_of(*status) != identity ||
      identity_of(*other_status) != other_identity) {
    return {};
  }
  const std::size_t count = std::min<std::uint64_t>(status->size, kTailBytes);
  const std::uint64_t from = status->size - count;
  Bytes bytes{};
  Bytes others{};
  const auto read = files.read_at(handle.get(), std::span(bytes).first(count), from);
  if (!read || *read < count) return {};
  if (other_status->size < status->size) return {Likeness::different, status->size};
  const auto other_read = files.read_at(other_handle.get(), std::span(others).first(count), from);
  if (!other_read || *other_read < count) return {};
  const bool same = std::equal(bytes.begin(), bytes.begin() + count, others.begin());
  return {same ? Likeness::same : Likeness::different, status->size};
}

}  // namespace

// Does the flow need checkpoints of what is gone?
bool Discovery::State::remembers(std::size_t flow) const {
  return inflates[flow] || matches_copies[flow];
}

bool Discovery::State::may_be_copy(const File& file) const {
  return matches_copies[file.flow] && listener.verify && file.resting && !file.detached &&
         !may_have_original(file) && is_fresh(file.resting->rest.checkpoint);
}

// One of the same name on another device that was deleted, as mv does when its copy is there. What
// was read of it is known when it is let go. 0: none.
std::uint64_t Discovery::State::deleted_namesake(const File& file) const {
  return nameless.find_namesake(file.flow, name_in(path_of(file)), file.identity.device,
                                [this](std::uint64_t other) {
                                  const File& deleted = files.at(other);
                                  return deleted.names == 0 && !deleted.resting;
                                });
}

// Who is followed under a name that this one's may be made of; or under the same name on another
// device. 0: nobody.
std::uint64_t Discovery::State::copied_file(std::uint64_t number) const {
  const File& file = files.at(number);
  const std::string& path = path_of(file);
  const auto followed = [&](const std::string& place, std::string_view name) -> std::uint64_t {
    const auto directory = directories.find(place);
    if (directory == directories.end()) return 0;
    const auto entry = directory->second->names.find(name);
    if (entry == directory->second->names.end()) return 0;
    for (const auto& [flow, other] : entry->second.numbers) {
      if (flow == file.flow && files.at(other).identity != file.identity) return other;
    }
    return 0;
  };
  const std::string place = directory_in(path);
  for (const std::string& name : names_copied(name_in(path))) {
    for (const std::string& each : {place, directory_in(place)}) {
      if (const std::uint64_t other = followed(each, name); other != 0) return other;
    }
  }
  if (const std::uint64_t other = deleted_namesake(file); other != 0) return other;
  if (directories.size() > kDirectoriesMax) return 0;
  for (const auto& [each, directory] : directories) {
    const std::uint64_t other = followed(each, name_in(path));
    if (other == 0 || files.at(other).identity.device == file.identity.device) continue;
    // Of two that nobody read the first one found is read, and the other waits for it.
    const File& namesake = files.at(other);
    const bool unread = namesake.resting && is_fresh(namesake.resting->rest.checkpoint);
    if (!unread || other < number) return other;
  }
  return 0;
}

// How far is it read, and is it still what it was? Again with every comparison: it may have lost
// the question with its descriptor.
void Discovery::State::ask(CopyCheck& check) {
  const File& original = files.at(check.original);
  if (!original.resting) {
    const std::uint64_t question = ++last_question;
    if (check.first_question == 0) check.first_question = question;
    listener.verify(original.flow, check.original, question);
    return;
  }
  const Rest& rest = original.resting->rest;
  const auto status = environment.files.status(path_of(original), true);
  if (!status || identity_of(*status) != original.identity) return;
  if (original.resting->wanted && original.order != 0) want(check.original);  // it was refused
  const bool given_up = original.failures >= File::kFailuresGivenUp;
  const bool unchanged = rest.size == status->size && rest.modified_ns == status->modified_ns;
  if (is_fresh(rest.checkpoint) || given_up || (unchanged && !original.resting->wanted)) {
    const bool exhausted = given_up || (unchanged && !original.resting->wanted);
    check.answer(rest.checkpoint.origin, rest.checkpoint.offset, exhausted,
                 environment.clock.monotonic());
  } else {
    notice(check.original, *status);
  }
}

void CopyCheck::answer(base::Origin of, std::uint64_t settled, bool exhausted, base::Instant now) {
  if (!exhausted || std::pair(origin, offset) != std::pair(of, settled)) exhausted_since = {};
  if (exhausted && exhausted_since == base::Instant{}) exhausted_since = now;
  verified = true;
  origin = of;
  offset = settled;
}

void Discovery::State::answered(const Verified& answer) {
  for (const std::uint64_t copy : copy_checks.copies_of(answer.number)) {
    CopyCheck& check = copy_checks.of(copy);
    if (check.first_question == 0 || answer.question < check.first_question) continue;
    check.answer(answer.origin, answer.offset, answer.exhausted, environment.clock.monotonic());
    if (check.differed) check.next = base::Instant{};  // else there is time
  }
}

// All that the file holds was delivered from the generation it is a copy of, which ended.
bool Discovery::State::is_covered(const CopyCheck& check, std::uint64_t size) const {
  if (check.same_until != size || check.same_origin == base::Origin::none) return false;
  const auto has_it = [&](const auto& entry) {
    return entry.second.origin == check.same_origin && entry.second.offset >= size;
  };
  return std::ranges::any_of(gone_files, has_it) || std::ranges::any_of(known, has_it);
}

void Discovery::State::begin_behind_copy(std::uint64_t number, std::uint64_t size) {
  File& file = files.at(number);
  file.resting->rest.checkpoint.offset = size;
  file.resting->rest.checkpoint.whole = false;
  counters.files_passed_over_copied.add();
  environment.log.info("file is a copy of what was read, passed over",
                       {{"path", path_of(file)}, {"offset", std::to_string(size)}});
}

// The original will not get on as it is: its last line has no end, or it is no text. What of it is
// not delivered the copy holds as well, and nobody waits for ever.
bool Discovery::State::has_waited_enough(const CopyCheck& check) const {
  const base::Duration limit = flows[files.at(check.original).flow].copy_wait;
  return check.exhausted_since != base::Instant{} &&
         environment.clock.monotonic() - check.exhausted_since >= limit;
}

// An original nobody can look at is none, after a while. One that was deleted is let go before
// that, unless somebody writes to it still.
bool Discovery::State::cannot_be_seen(std::uint64_t number, CopyCheck& check,
                                      base::Instant now) const {
  if (check.unknown_since == base::Instant{}) check.unknown_since = now;
  const auto original = files.find(check.original);
  const bool ends = original != files.end() && original->second.names == 0;
  // It was read, gave its descriptor back, and waits for its target alone, as this one would.
  if (ends && !original->second.resting && !original->second.holds) return false;
  const base::Duration limit = std::max(flows[files.at(number).flow].copy_wait, kUnknownMax);
  return now - check.unknown_since >= (ends ? 2 * limit : limit);
}

// False: it is decided; or it cannot be opened, and whoever tries to says so.
bool Discovery::State::still_undecided(std::uint64_t number, CopyCheck& check) {
  const File& file = files.at(number);
  const File& original = files.at(check.original);
  const base::Instant now = environment.clock.monotonic();
  const Comparison now_like =
      compare(environment, path_of(file), file.identity, path_of(original), original.identity);
  check.unreadable = now_like.likeness == Likeness::unreadable;
  if (check.unreadable) return false;
  if (now_like.likeness == Likeness::unknown) {
    return !cannot_be_seen(number, check, now);
  }
  check.unknown_since = base::Instant{};
  const std::uint64_t size = now_like.size;
  if (check.since == base::Instant{} || std::exchange(check.size, size) != size) check.since = now;
  check.size = size;
  const bool quiet = now - check.since >= flows[file.flow].copy_wait;
  if (size == 0) return !quiet;
  const bool differs = now_like.likeness == Likeness::different;
  if (std::exchange(check.differed, differs) != differs) {
    check.verified = false;
    check.first_question = 0;
  }
  if (differs) {
    if (!check.verified) ask(check);
    if (!check.verified) return true;
    if (is_covered(check, size)) begin_behind_copy(number, size);
    return false;
  }
  check.same_until = size;
  if (size < FormerSearch::kProofBytes && quiet) return false;
  if (check.verified) check.same_origin = check.origin;
  const std::uint64_t covered = std::min(check.offset, size);
  if (check.verified && quiet && (covered == size || has_waited_enough(check))) {
    if (covered >= kCoveredBytesMin) begin_behind_copy(number, covered);
    return false;
  }
  ask(check);
  return true;
}

base::Duration Discovery::State::compare_pause() const {
  return std::max<base::Duration>(kComparePause, copy_checks.size() * kPausePerCopy);
}

bool Discovery::State::is_unreadable(const std::string& path) const {
  const auto opened = environment.files.open(path, io::Open::read);
  if (opened) environment.files.close(*opened);
  return refuses(opened);
}

bool Discovery::State::waits_for_copied(std::uint64_t number) {
  if (!may_be_copy(files.at(number)) || files.at(number).resting->decided) {
    copy_checks.take(number);
    return false;
  }
  std::uint64_t original = 0;
  if (const CopyCheck* const known_check = copy_checks.find(number)) {
    original = number_of({files.at(number).flow, known_check->identity}).value_or(0);
  }
  if (original == 0) original = copied_file(number);
  if (original == 0 && look_for_originals(files.at(number))) original = copied_file(number);
  // Their names were exchanged: it waits for this one already.
  if (copy_checks.copies_of(number).contains(original)) original = 0;
  if (original == 0) {
    const bool refused = original_is_refused(files.at(number));  // looks for it again
    const bool unseen = may_be_out_of_sight(files.at(number));   // notes since when
    if (refused || unseen) {
      if (is_unreadable(path_of(files.at(number)))) return false;
      const base::Instant now = environment.clock.monotonic();
      if (!cannot_be_seen(number, copy_checks.of(number), now)) {
        next_copy_check = std::min(next_copy_check, now + compare_pause());
        return true;
      }
    }
    if (const auto check = copy_checks.take(number)) {
      // It may have grown since it was compared.
      const auto status = environment.files.status(path_of(files.at(number)), true);
      const bool all = status && status->size == check->size;
      if (all && is_covered(*check, check->size)) begin_behind_copy(number, check->size);
    }
    files.at(number).resting->decided = true;
    return false;
  }
  CopyCheck& check = copy_checks.of(number);
  if (copy_checks.set_original(number, original)) {
    check.identity = files.at(original).identity;
    check.verified = false;
    check.first_question = 0;
  }
  const base::Instant now = environment.clock.monotonic();
  if (check.next <= now) {
    check.next = now + compare_pause();
    if (!still_undecided(number, check)) {
      files.at(number).resting->decided = !check.unreadable;
      copy_checks.take(number);
      return false;
    }
  }
  next_copy_check = std::min(next_copy_check, check.next);
  return true;
}

namespace {

// In its directory, or the one above.
bool is_copy_name(const std::vector<std::string>& names, std::string_view path,
                  const Checkpoint& checkpoint) {
  const std::string place = directory_in(path);
  const std::string other = directory_in(checkpoint.path);
  if (other != place && other != directory_in(place)) return false;
  return std::ranges::find(names, name_in(checkpoint.path)) != names.end();
}

// "app.log.1" of "app.log": a few equal bytes are enough then.
bool is_numbered(std::string_view name, std::string_view original) {
  return name.starts_with(original) &&
         name.find_first_not_of("0123456789.-_~", original.size()) == std::string_view::npos;
}

// The same name, another place and device, and enough of it to tell.
bool may_have_moved(const FileIdentity& identity, std::string_view path,
                    const Checkpoint& checkpoint) {
  const std::uint64_t device = checkpoint.identity.device;  // 0: a generation that ended, no file
  return device != 0 && device != identity.device && checkpoint.path != path &&
         checkpoint.offset >= kCoveredBytesMin && name_in(checkpoint.path) == name_in(path);
}

}  // namespace

// Is it still where it was? nullopt: nobody can tell; `former_unseen` says since when.
std::optional<bool> Discovery::State::is_in_place(const FlowFile& former,
                                                  const Checkpoint& checkpoint) {
  const auto status = environment.files.status(checkpoint.path, false);
  if (!status && !not_there(status.error())) {
    former_unseen.try_emplace(former, Unseen{.since = environment.clock.monotonic()});
    return std::nullopt;
  }
  former_unseen.erase(former);
  return status && identity_of(*status) == former.identity;
}

// Adds whom it may go on for: generations that ended, files that are gone. False: of one nobody can
// say whether it is gone, and that may pass.
bool Discovery::State::add_copied(const File& file, std::vector<Former>& formers) {
  const std::string& path = path_of(file);
  const std::vector<std::string> names = names_copied(name_in(path));
  bool all = true;
  const auto consider = [&](const FlowFile& other, const Checkpoint& checkpoint) {
    if (other.flow != file.flow || checkpoint.tail_bytes == 0) return false;
    if (!is_copy_name(names, path, checkpoint) &&
        !may_have_moved(file.identity, path, checkpoint)) {
      return false;
    }
    formers.push_back({.checkpoint = checkpoint,
                       .marks = {},
                       .likely = directory_in(checkpoint.path) == directory_in(path),
                       .ended = other.identity.device == 0 &&
                                is_numbered(name_in(path), name_in(checkpoint.path))});
    return true;
  };
  for (const auto& [other, checkpoint] : gone_files) consider(other, checkpoint);
  for (const auto& [other, checkpoint] : known) {
    if (!consider(other, checkpoint)) continue;
    const std::optional<bool> there = is_in_place(other, checkpoint);
    all = all &&
          (there || environment.clock.monotonic() - former_unseen.at(other).since >= kUnknownMax);
    if (there.value_or(true)) formers.pop_back();
  }
  return all;
}

// That a file came may be told, or listed, although of the older one it was made of it was not.
// True: there is one nobody knew.
bool Discovery::State::look_for(const std::string& place, std::string_view name) {
  const auto directory = directories.find(place);
  if (directory == directories.end() || directory->second->names.contains(name)) return false;
  const auto status = environment.files.status(directory->second->path_of(name), false);
  if (!status && not_there(status.error())) return false;  // nobody said that it was: not vanished
  examine(*directory->second, std::string(name), 0, false, true);
  if (!directory->second->names.contains(name)) return false;
  scan_soon(kRetryInterval);  // there may be more that was not told
  return true;
}

bool Discovery::State::look_for_originals(const File& file) {
  const std::string path = path_of(file);
  const std::string place = directory_in(path);
  bool any = false;
  for (const std::string& name : names_copied(name_in(path))) {
    for (const std::string& each : {place, directory_in(place)}) {
      any = look_for(each, name) || any;
    }
  }
  return any;
}

// Is a file that the flow wants listed there, and could nobody look at it yet?
bool Discovery::State::is_refused(std::size_t flow, const std::string& place,
                                  std::string_view name) {
  const auto directory = directories.find(place);
  if (directory == directories.end()) return false;
  const auto entry = directory->second->names.find(name);
  if (entry == directory->second->names.end() || entry->second.error == 0 ||
      std::ranges::count(flows_matching(*directory->second, name), flow) == 0) {
    return false;
  }
  if (environment.files.status(directory->second->path_of(name), true)) scan_soon(kRetryInterval);
  return true;
}

// Is it so with one that it may be a copy of?
bool Discovery::State::original_is_refused(const File& file) {
  const std::string& path = path_of(file);
  const std::string place = directory_in(path);
  return std::ranges::any_of(names_copied(name_in(path)), [&](const std::string& name) {
    return is_refused(file.flow, place, name) || is_refused(file.flow, directory_in(place), name);
  });
}

// Could one that we know, and that it may be a copy of, be there, although it was not found yet?
bool Discovery::State::may_be_out_of_sight(const File& file) {
  const std::string& path = path_of(file);
  const std::vector<std::string> names = names_copied(name_in(path));
  const auto may_be_there = [&](const auto& entry) {
    const auto& [other, checkpoint] = entry;
    if (other.flow != file.flow) return false;
    if (!is_copy_name(names, path, checkpoint) &&
        !may_have_moved(file.identity, path, checkpoint)) {
      return false;
    }
    const std::optional<bool> there = is_in_place(other, checkpoint);
    if (!there.value_or(false)) return !there;
    const auto directory = directories.find(directory_in(checkpoint.path));
    return directory != directories.end() &&
           std::ranges::count(flows_matching(*directory->second, name_in(checkpoint.path)),
                              file.flow) > 0;
  };
  return std::ranges::count_if(known, may_be_there) > 0;  // each is looked at
}

void Discovery::ended(std::size_t flow, const Checkpoint& checkpoint) {
  state_->remember_gone({flow, checkpoint.identity}, checkpoint);
  state_->untold = true;
}

void Discovery::verified(const Verified& answer) {
  state_->answered(answer);
  state_->untold = true;
}

}  // namespace sources
