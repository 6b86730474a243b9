// Events: what the watches tell, and polling where there is no watch.
#include <algorithm>
#include <chrono>

#include "sources/discovery_state.h"
#include "sources/paths.h"

namespace sources {
namespace {

constexpr std::size_t kEventBytes = std::size_t{64} << 10;
// Directories that come and go in bursts are searched once per burst.
constexpr auto kScanDelay = std::chrono::milliseconds(20);

}  // namespace

base::Result<void> Discovery::State::open_watch() {
  auto handle = environment.files.open_watch();
  if (!handle) {
    counters.watch_errors.add();
    return std::unexpected(handle.error());
  }
  watch_handle = io::UniqueHandle(environment.files, *handle);
  return {};
}

// There was none to be had, or it broke. The scan that follows watches all directories.
void Discovery::State::watch_again() {
  if (watch_handle || receiving || !open_watch()) return;
  warned_of_limit = false;
  environment.log.info("files are watched again");
  receive();
}

void Discovery::State::receive() {
  if (!watch_handle || stopped) return;
  events.resize(kEventBytes);
  receiving = true;
  environment.io.receive(operation, watch_handle.get(), events);
}

void Discovery::State::received(std::int64_t result) {
  receiving = false;
  if (stopped) return;
  if (result <= 0) {
    counters.watch_errors.add();
    environment.log.warn("watch is broken, searching directories all the time",
                         {{"error", std::to_string(-result)}});
    for (const auto& [path, directory] : directories) {
      directory->watch = -1;
      directory->polled = true;
      poll_soon(*directory);
    }
    watched.clear();
    watch_handle.reset();
    return;
  }
  const std::string_view bytes(events.data(), static_cast<std::size_t>(result));
  for (const io::WatchEvent& event : io::parse_watch_events(bytes)) handle(event);
  announce();
  receive();
}

void Discovery::State::handle(const io::WatchEvent& event) {
  counters.watch_events.add();
  if ((event.what & io::kWatchOverflow) != 0) {
    counters.watch_overflows.add();
    scan();
    look_at_all();
    return;
  }
  const auto it = watched.find(event.watch);
  if (it == watched.end()) return;
  const std::vector<Directory*> users = it->second;  // handling one may drop others
  for (Directory* directory : users) handle(*directory, event);
  if ((event.what & io::kWatchGone) != 0) {
    watched.erase(event.watch);
    // One that was moved away lives on with its watch, of which there are not many. Where it is
    // found again it gets another.
    environment.files.remove_watch(watch_handle.get(), event.watch);
    counters.watches.set(watched.size());
  }
}

void Discovery::State::handle(Directory& directory, const io::WatchEvent& event) {
  if ((event.what & io::kWatchGone) != 0) {
    directory.watch = -1;
    scan_soon(kScanDelay);
    return;
  }
  if (event.is_directory) {
    if ((event.what & io::kWatchCreated) != 0) {
      GlobStates states = below(directory.states, event.name);
      visit_alone(directory.path_of(event.name), std::move(states), true);
    }
    if ((event.what & io::kWatchRemoved) != 0 && !below(directory.states, event.name).empty()) {
      scan_soon(kScanDelay);
    }
    if ((event.what & io::kWatchAttributes) != 0 && directory.states.size() > 0) {
      scan_soon(kScanDelay);  // perhaps it may be searched now
    }
    return;
  }
  const auto it = directory.names.find(event.name);
  const std::string name(event.name);
  if ((event.what & io::kWatchModified) != 0 && it != directory.names.end()) {
    if (it->second.error != 0) examine(directory, name, 0, false, true);  // perhaps it can be now
    const auto still = directory.names.find(event.name);
    if (still != directory.names.end()) look_at(still->second, true);
    return;
  }
  if ((event.what & io::kWatchRemoved) != 0) {
    if (it != directory.names.end()) {
      for (const auto& [flow, number] : it->second.numbers) {
        File& file = files.at(number);
        file.unlinked = event.cookie == 0 && !it->second.symlink && file.names == 1;
        if (event.cookie != 0) moves[event.cookie].push_back(number);
      }
    }
    name_gone(directory, name);
    forget_compressed(directory, name);
  }
  if ((event.what & io::kWatchCreated) != 0) {
    if (const auto moved = moves.find(event.cookie); moved != moves.end()) {
      for (const std::uint64_t number : moved->second) {
        files.at(number).moved_to = directory.path_of(name);
        nameless.moved(number, directory.path_of(name));
      }
    }
    visit_link(directory.path_of(name), below(directory.states, name));
    examine(directory, name, 0, false, true);
  }
  if ((event.what & io::kWatchAttributes) != 0 && it != directory.names.end()) {
    examine(directory, name, 0, false, true);
  }
}

// What is no directory may be a link to one.
void Discovery::State::visit_link(const std::string& path, GlobStates states) {
  if (states.empty()) return;
  const auto status = environment.files.status(path, false);
  if (status && status->kind == io::FileKind::symlink) visit_alone(path, std::move(states), true);
}

// Outside of a scan. What is above it must be known, or a link back up would have no end.
void Discovery::State::visit_alone(const std::string& path, GlobStates states, bool deep) {
  if (states.empty()) return;
  for (std::size_t end = path.rfind('/'); end != std::string::npos && end != 0;
       end = path.rfind('/', end - 1)) {
    const auto above = environment.files.status(path.substr(0, end), true);
    if (above) walk_stack.emplace_back(above->device, above->inode);
  }
  visit(path, std::move(states), deep);
  walk_stack.clear();
}

// `changed`: an event said so.
void Discovery::State::look_at(const Name& entry, bool changed) {
  for (const auto& [flow, number] : entry.numbers) {
    File& file = files.at(number);
    if (file.resting) {
      if (changed && file.order != 0) want(number);
      continue;
    }
    if (file.holds && file.holder->is == Holders::Is::unasked) {
      holders.move(file.holder, Holders::Is::unasked);
    }
    listener.look(flow, number);
  }
}

void Discovery::State::look_at_all() {
  if (listener.look_at_all) {
    listener.look_at_all();
    return;
  }
  for (const auto& [number, file] : files) {
    if (!file.resting) listener.look(file.flow, number);
  }
}

void Discovery::State::scan_soon(base::Duration delay) {
  next_scan = std::min(next_scan, environment.clock.monotonic() + delay);
}

void Discovery::State::poll_soon(Directory& directory) {
  if (directory.poll_at != base::Instant::max()) return;
  directory.poll_interval = kPollMin;
  directory.poll_at = environment.clock.monotonic() + kPollMin;
  next_poll = std::min(next_poll, directory.poll_at);
}

// Did the target of a symlink become another file, or may it be one that can be opened by now?
bool Discovery::State::leads_elsewhere(const Name& link,
                                       const base::Result<io::FileStatus>& target) const {
  if (!target) return not_there(target.error()) && !link.numbers.empty();
  return link.error != 0 || std::ranges::none_of(link.numbers, [&](const auto& each) {
           return files.at(each.second).identity == identity_of(*target);
         });
}

// True: something changed, so more may soon.
bool Discovery::State::poll(Directory& directory) {
  constexpr base::Duration kDoubted = std::chrono::seconds(2);  // the coarsest clocks' tick
  constexpr base::Duration kAhead = std::chrono::minutes(1);    // a server's clock may be, by less
  bool changed = false;
  std::vector<std::string> elsewhere;  // no watch tells of their targets
  for (auto& [name, entry] : directory.names) {
    if (!entry.symlink && !directory.polled) continue;
    const auto status = environment.files.fresh_status(directory.path_of(name));
    if (entry.symlink && leads_elsewhere(entry, status)) elsewhere.push_back(name);
    if (!status) {  // the listing says what is wrong; who has it open may read on
      look_at(entry, false);
      continue;
    }
    const bool same = status->size == entry.size && status->modified_ns == entry.modified_ns;
    const auto age = environment.clock.wall().time_since_epoch() -
                     base::Duration(std::chrono::nanoseconds(status->modified_ns));
    entry.size = status->size;
    // Two changes may bear one time as long as it is the present; also where a clock was set back.
    const bool past = age > kDoubted || age < -kAhead;
    entry.modified_ns = past ? status->modified_ns : 0;
    if (same) continue;
    changed = true;
    look_at(entry, false);
    for (const auto& [flow, number] : entry.numbers) {
      if (identity_of(*status) == files.at(number).identity) notice(number, *status);
    }
  }
  for (const std::string& name : elsewhere) examine(directory, name, 0, false, true);
  return changed;
}

void Discovery::State::poll() {
  const base::Instant now = environment.clock.monotonic();
  std::vector<std::string> due;  // paths: a visit may drop other directories
  for (const auto& [path, directory] : directories) {
    if (directory->poll_at <= now) due.push_back(path);
  }
  for (const std::string& path : due) {
    const auto it = directories.find(path);
    if (it == directories.end()) continue;
    Directory& directory = *it->second;
    const bool changed = poll(directory);
    const bool links = std::any_of(directory.names.begin(), directory.names.end(),
                                   [](const auto& each) { return each.second.symlink; });
    directory.poll_interval = changed ? kPollMin : std::min(directory.poll_interval * 2, kPollMax);
    const bool polled = directory.polled;
    directory.poll_at = polled || links ? now + directory.poll_interval : base::Instant::max();
    if (polled) {
      if (!environment.files.status(path, true)) scan_soon(kScanDelay);  // it is gone, or shut
      visit_alone(path, directory.states, false);
    }
    // Not all our time for one that answers slowly.
    const auto again = directories.find(path);
    if (again == directories.end() || again->second->poll_at == base::Instant::max()) continue;
    const base::Instant after = environment.clock.monotonic();
    again->second->poll_at = after + std::max(again->second->poll_interval, 10 * (after - now));
  }
  next_poll = base::Instant::max();
  for (const auto& [path, directory] : directories) {
    next_poll = std::min(next_poll, directory->poll_at);
  }
  announce();
}

}  // namespace sources
