// Events: what the watches tell, and polling where there is no watch.
#include <algorithm>
#include <chrono>

#include "sources/discovery_state.h"

namespace sources {
namespace {

constexpr std::size_t kEventBytes = std::size_t{64} << 10;
// Directories that come and go in bursts are searched once per burst.
constexpr auto kScanDelay = std::chrono::milliseconds(20);

}  // namespace

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
    environment.log.warn("watch is broken, searching directories every second",
                         {{"error", std::to_string(-result)}});
    for (const auto& [path, directory] : directories) {
      directory->watch = -1;
      directory->polled = true;
    }
    watched.clear();
    watch_handle.reset();
    next_poll = environment.clock.monotonic() + kPollInterval;
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
      if (!states.empty()) visit(directory.path_of(event.name), std::move(states), true);
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
  if ((event.what & io::kWatchModified) != 0 && it != directory.names.end()) {
    look_at(it->second, true);
    return;
  }
  const std::string name(event.name);
  if ((event.what & io::kWatchRemoved) != 0) {
    if (it != directory.names.end()) {
      for (const auto& [flow, number] : it->second.numbers) {
        files.at(number).unlinked = event.cookie == 0;
        if (event.cookie != 0) moves[event.cookie].push_back(number);
      }
    }
    name_gone(directory, name);
  }
  if ((event.what & io::kWatchCreated) != 0) {
    if (const auto moved = moves.find(event.cookie); moved != moves.end()) {
      for (const std::uint64_t number : moved->second) {
        files.at(number).moved_to = directory.path_of(name);
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
  if (status && status->kind == io::FileKind::symlink) visit(path, std::move(states), true);
}

// `changed`: an event said so.
void Discovery::State::look_at(const Name& entry, bool changed) {
  for (const auto& [flow, number] : entry.numbers) {
    File& file = files.at(number);
    if (file.resting) {
      if (changed && file.order != 0) want(number);
      continue;
    }
    if (file.holds && !file.yielding) {
      least_used.splice(least_used.end(), least_used, file.used);
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

void Discovery::State::poll() {
  next_poll = base::Instant::max();
  std::vector<Directory*> polled;
  bool again = false;
  for (const auto& [path, directory] : directories) {
    if (directory->polled) polled.push_back(directory.get());
    for (const auto& [name, entry] : directory->names) {
      if (!entry.symlink && !directory->polled) continue;
      again = true;
      look_at(entry, false);
      if (!entry.symlink || all_open(entry)) continue;
      const auto status = environment.files.status(directory->path_of(name), true);
      for (const auto& [flow, number] : entry.numbers) {
        if (status && identity_of(*status) == files.at(number).identity) notice(number, *status);
      }
    }
  }
  for (Directory* directory : polled) {
    GlobStates states = directory->states;
    visit(directory->path, std::move(states), false);
  }
  announce();
  if (again || !polled.empty()) next_poll = environment.clock.monotonic() + kPollInterval;
}

}  // namespace sources
