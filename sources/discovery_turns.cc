// Turns: which files may have a descriptor, and opening them.
#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "sources/discovery_state.h"
#include "sources/paths.h"

namespace sources {
// Another time and the same size: somebody may have written anew, in place, what was read.
void Discovery::State::doubt_rewritten(Rest& rest, const io::FileStatus& status) {
  if (rest.size != status.size || rest.modified_ns == status.modified_ns) return;
  if (!is_fresh(rest.checkpoint)) rest.checkpoint.whole = false;
}

// What a file that rests looks like now.
void Discovery::State::notice(std::uint64_t number, const io::FileStatus& status) {
  File& file = files.at(number);
  if (!file.resting || file.order == 0) return;  // on its reactor, or about to be announced
  Rest& rest = file.resting->rest;
  if (rest.size != status.size || rest.modified_ns != status.modified_ns) {
    doubt_rewritten(rest, status);
    comes_now(file);
    rest.size = status.size;
    rest.modified_ns = status.modified_ns;
    file.resting->wanted = true;
  }
  if (file.resting->wanted) want(number);
}

// What was empty is found now: it does not wait for who went before (came_too_late).
void Discovery::State::comes_now(File& file) {
  if (file.resting->rest.size == 0 && may_have_original(file)) {
    file.resting->found_at = coarse_now();
  }
}

void Discovery::State::want(std::uint64_t number) {
  File& file = files.at(number);
  file.resting->wanted = true;
  if (!file.resting->queued) comes_now(file);
  if (std::exchange(file.ignored, false)) {
    counters.files_ignored_old.set(counters.files_ignored_old.value() - 1);
  }
  if (!std::exchange(file.resting->queued, true)) stand_in_line(number);
}

// It is in `later` no more.
void Discovery::State::wait_in_line(std::uint64_t number) {
  const auto it = files.find(number);
  if (it != files.end() && it->second.resting) stand_in_line(number);
}

// Of those that wait, or are to be tried again later: they could not be read for seconds. If they
// are more than may be open, some of them always wait for the others' descriptors.
std::size_t Discovery::State::given_up() const {
  const auto is_given_up = [this](std::uint64_t number) {
    const auto it = files.find(number);
    return it != files.end() && it->second.failures >= File::kFailuresGivenUp;
  };
  return static_cast<std::size_t>(
      std::ranges::count_if(waiting, is_given_up) + std::ranges::count_if(parked, is_given_up) +
      std::ranges::count_if(later, [&](const auto& entry) { return is_given_up(entry.second); }));
}

// Must older generations of its path come back to rest before it is opened? While there are more
// files than descriptors they do not wait on their reactor, where a newer one could wait for them.
bool Discovery::State::must_follow(const File& file) {
  for (const std::uint64_t other : by_home.at(file.home)) {
    const File& older = files.at(other);
    if (older.flow != file.flow || older.order == 0 || older.order >= file.order ||
        older.failures > 0 || older.identity == file.identity) {
      continue;
    }
    if (older.resting) {
      // What waits for its original may do so for ever: whoever compresses it may have died.
      const bool for_ever = older.resting->postponed && may_have_original(older);
      if (older.resting->queued && !for_ever) return true;
    } else if (!older.detached && (!older.holds || older.holder->yields())) {
      return true;
    }
  }
  return false;
}

// Does another wait to hear whether it is a copy of this one? That may be an older generation of
// the same path, by its name, and then neither would ever be opened.
bool Discovery::State::is_asked(std::uint64_t number) const {
  return std::ranges::any_of(copy_checks.copies_of(number), [this](std::uint64_t copy) {
    const auto it = files.find(copy);
    return it != files.end() && it->second.resting && it->second.resting->postponed;
  });
}

bool Discovery::State::may_open() const {
  return !stopped && holders.size() < open_files_now && serve_at == base::Instant{};
}

void Discovery::State::open(std::uint64_t number) {
  if (original_is_there(number) || waits_for_copied(number)) {
    postpone(number);
    return;
  }
  files.at(number).resting->queued = false;  // others may have been found meanwhile
  hand_over(number);
}

// First come, first served.
void Discovery::State::serve(std::deque<std::uint64_t>& line) {
  std::size_t passed_over = 0;
  while (!line.empty() && may_open() && passed_over < line.size()) {
    const std::uint64_t number = line.front();
    line.pop_front();
    const auto it = files.find(number);
    if (it == files.end() || !it->second.resting || muted[it->second.flow]) continue;
    if (must_follow(it->second) && !is_asked(number)) {
      line.push_back(number);
      ++passed_over;
      continue;
    }
    passed_over = 0;  // others may have waited for this one
    open(number);
  }
}

void Discovery::State::serve() {
  look_at_postponed();
  serve(waiting);
  // They cannot be read; but one that is deleted is not lost if it is open.
  if (waiting.empty() && !parked.empty()) {
    serve(parked);
    stuck_may_hold = true;
  }
  make_room();
  counters.files_waiting_for_descriptor.set(waiting.size() + parked.size());
}

// As many as wait ask as many of those who have one, the longest unused first. Who is asked answers
// in any case: at its end, or when its turn is over.
void Discovery::State::make_room() {
  const bool full = holders.size() >= open_files_now || serve_at != base::Instant{};
  if (!listener.yield) return;
  watch_memory(full);
  if (!full) return;
  ask_stuck();
  const Holders::List& unasked = holders[Holders::Is::unasked];
  const std::size_t wanted =
      waiting.size() + std::max(holders.size(), open_files_now) - open_files_now;
  while (holders.yielding() < wanted && !unasked.empty()) {
    ask(unasked.front().number, Holders::Is::asked);
  }
}

void Discovery::State::ask(std::uint64_t number, Holders::Is how) {
  File& file = files.at(number);
  holders.move(file.holder, how);
  listener.yield(file.flow, number, how == Holders::Is::asked_now);
}

namespace {

constexpr base::Duration kMorePauseMin = std::chrono::seconds(5);
constexpr base::Duration kMorePauseMax = std::chrono::minutes(2);

}  // namespace

// The process, or the system, has no descriptor left. Others need some, too: the store its next
// segment, the control socket a connection.
void Discovery::State::make_do_with_fewer() {
  constexpr std::size_t kLeftToOthers = 8;
  constexpr std::size_t kAtLeast = 4;
  if (!listener.yield) {  // nobody can be asked for his
    serve_at = environment.clock.monotonic() + kRetryInterval;
    return;
  }
  const std::size_t fewer = std::max(holders.size(), kLeftToOthers) - kLeftToOthers;
  open_files_now = std::min(open_files_max, std::max(fewer, kAtLeast));
  if (std::exchange(tried_more, false)) more_pause *= 2;
  more_pause = std::clamp(more_pause, kMorePauseMin, kMorePauseMax);
  more_at = environment.clock.monotonic() + more_pause;
  if (holders.size() < open_files_now) serve_at = environment.clock.monotonic() + kRetryInterval;
}

// The system may have been short of them for a moment only.
void Discovery::State::try_more() {
  if (open_files_now < open_files_max) {
    open_files_now =
        std::min(open_files_max, open_files_now + std::max<std::size_t>(open_files_now / 2, 1));
  }
  tried_more = open_files_now < open_files_max;
  if (!tried_more) more_pause = {};
  more_at = tried_more ? environment.clock.monotonic() + more_pause : base::Instant::max();
}

void Discovery::State::take_back(File& file) {
  if (!std::exchange(file.holds, false)) return;
  holders.remove(file.holder);
}

// A name of it, and where. Its path is set right. {nullptr, …}: none.
std::pair<Directory*, std::string> Discovery::State::name_of(std::uint64_t number) {
  File& file = files.at(number);
  const auto is_its = [number, flow = file.flow](const Name& name) {
    return std::find(name.numbers.begin(), name.numbers.end(), std::pair(flow, number)) !=
           name.numbers.end();
  };
  const std::string& path = path_of(file);
  if (const auto it = directories.find(directory_in(path)); it != directories.end()) {
    const auto name = it->second->names.find(name_in(path));
    if (name != it->second->names.end() && is_its(name->second)) {
      return {it->second.get(), name->first};
    }
  }
  if (file.names == 0) return {nullptr, {}};
  for (const auto& [place, directory] : directories) {
    for (const auto& [name, entry] : directory->names) {
      if (!is_its(entry)) continue;
      file.path = directory->path_of(name);
      return {directory.get(), name};
    }
  }
  return {nullptr, {}};
}

// It could not be opened. It stays wanted, and whoever finds that it can be, queues it again.
void Discovery::State::not_opened(std::uint64_t number, const base::Error& error) {
  File& file = files.at(number);
  if (error.system == EMFILE || error.system == ENFILE) {
    counters.scan_errors.add();
    file.resting->queued = true;
    (is_stuck(file.flow) ? parked : waiting).push_front(number);
    make_do_with_fewer();
    if (!std::exchange(warned_of_descriptors, true)) {
      environment.log.warn("no descriptor left to open a file, files take turns; raise LimitNOFILE",
                           {{"open_files", std::to_string(holders.size())}});
    }
    return;
  }
  file.resting->decided = false;  // the file that can be opened one day may be another
  const auto [directory, name] = name_of(number);
  if (directory != nullptr) {
    if (not_there(error)) {
      examine(*directory, std::string(name), 0, false, true);
    } else {
      cannot_open(directory->path_of(name), directory->names.find(name)->second, error);
    }
    return;
  }
  if (not_there(error)) {
    lose(number);
    return;
  }
  file.failures = file.failures_and_one();
  try_later(number);
}

void Discovery::State::try_later(std::uint64_t number) {
  files.at(number).resting->queued = true;
  later.emplace_back(environment.clock.monotonic() + kRetryInterval, number);
}

// Where the file lies when `path`, which it was opened by, is or goes through a link: that may lead
// elsewhere when we look again (F13). What was found there once more still has its link's path.
void Discovery::State::note_target(Checkpoint& checkpoint, const std::string& path,
                                   io::Handle handle) {
  auto real = environment.files.path_of(handle);
  if (!real || (*real == path && checkpoint.target.empty())) return;
  if (*real == checkpoint.path) {
    checkpoint.target = {};
    return;
  }
  // It may be deleted, or not be there for us: whoever opens by a path is in some namespace.
  const auto status = environment.files.status(*real, false);
  if (status && identity_of(*status) == checkpoint.identity) {
    checkpoint.target = LinkTarget(std::move(*real));
  }
}

void Discovery::State::hand_over(std::uint64_t number) {
  File& file = files.at(number);
  std::vector<Former> replaced;
  if (!add_replaced(file, replaced)) return try_later(number);
  const std::string path = path_of(file);
  const auto opened = environment.files.open(path, io::Open::read);
  if (!opened) return not_opened(number, opened.error());
  io::UniqueHandle handle(environment.files, *opened);
  const auto status = environment.files.status(handle.get());
  if (!status) return not_opened(number, status.error());
  if (identity_of(*status) != file.identity) {  // its name is another's
    return not_opened(number, {base::ErrorCode::not_found, ENOENT, path});
  }
  if (const auto [directory, name] = name_of(number); directory != nullptr) {
    set_error(directory->names.find(name)->second, 0);
  }
  // It could not be compared a moment ago, for whoever makes a copy gives rights to it last.
  if (may_be_copy(file) && !file.resting->decided) {
    file.resting->queued = true;
    next_copy_check = environment.clock.monotonic();
    return postpone(number);
  }
  doubt_rewritten(file.resting->rest, *status);
  note_target(file.resting->rest.checkpoint, path, handle.get());
  std::optional<std::vector<Former>> formers = formers_of(file);
  if (!formers) return try_later(number);
  std::ranges::move(replaced, std::back_inserter(*formers));
  const bool in_order = flows[file.flow].files.order == Order::oldest_first;
  FoundFile found_file{.number = number,
                       .handle = handle.release(),
                       .checkpoint = std::move(file.resting->rest.checkpoint),
                       .marks = {},
                       .formerly = std::exchange(file.formerly, 0),
                       .rotated = file.detached,
                       .moved_to = file.detached ? path : std::string(),
                       .after = {},
                       .brief = false,
                       .modified_ns = status->modified_ns,
                       .size = status->size,
                       .age_ns = in_order && !file.caught_up ? file.age_ns : 0,
                       .in_order = in_order,
                       .given_up = file.failures >= File::kFailuresGivenUp,
                       .formers = std::move(*formers)};
  if (const auto key = former_keys.find({file.flow, file.identity}); key != former_keys.end()) {
    found_file.former_key = std::move(key->second);
    former_keys.erase(key);
  }
  file.resting.reset();
  for (const std::uint64_t other : by_home.at(file.home)) {
    const File& older = files.at(other);
    if (older.flow == file.flow && older.order != 0 && older.order < file.order && !older.resting &&
        older.identity != file.identity) {
      found_file.after.push_back(other);
    }
  }
  file.holds = true;
  // This one is not counted among them yet.
  found_file.brief = holders.size() + 1 >= open_files_now && !waiting.empty() && listener.yield;
  file.holder = holders.add(number, found_file.brief ? Holders::Is::asked : Holders::Is::unasked);
  listener.found(file.flow, std::move(found_file));
}

}  // namespace sources
