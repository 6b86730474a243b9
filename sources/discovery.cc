#include "sources/discovery.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "sources/discovery_state.h"

namespace sources {

Discovery::State::State(const io::Environment& given, std::vector<Flow> given_flows,
                        std::vector<Checkpoint> checkpoints, std::vector<std::string> ours,
                        Listener given_listener, std::size_t given_open_files_max,
                        std::optional<base::Timestamp> clock_right)
    : environment(given),
      flows(std::move(given_flows)),
      excluded_directories(std::move(ours)),
      listener(std::move(given_listener)),
      began(environment.clock.monotonic()),
      open_files_max(given_open_files_max),
      open_files_now(given_open_files_max),
      operation(io::on<&State::received>(*this)) {
  for (std::size_t flow = 0; flow < flows.size(); ++flow) wire(flow);
  if (const auto last = std::max(last_seen(checkpoints), clock_right)) {
    believed.begin(*last, environment.clock.monotonic());
  }
  know(std::move(checkpoints));
  for (std::string& path : excluded_directories) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
  }
}

Discovery::Discovery(const io::Environment& environment, std::vector<Flow> flows,
                     std::vector<Checkpoint> known, std::vector<std::string> excluded_directories,
                     Listener listener, std::size_t open_files_max,
                     std::optional<base::Timestamp> clock_right)
    : state_(std::make_unique<State>(environment, std::move(flows), std::move(known),
                                     std::move(excluded_directories), std::move(listener),
                                     open_files_max, clock_right)) {}

Discovery::~Discovery() = default;

void Discovery::start() {
  if (const auto opened = state_->open_watch(); !opened) {
    state_->warned_of_limit = true;
    state_->environment.log.warn(
        "files cannot be watched, searching them all the time; raise fs.inotify.max_user_instances",
        {{"error", opened.error().message}});
  }
  state_->next_scan = state_->environment.clock.monotonic() + state_->reconcile_interval;
  state_->scan();
  do {  // all of them: `start` says something else for files that come later
    state_->look_for_open_files();
  } while (state_->open_scan_process != 0);
  state_->starting = false;
  if (const DiscoveryCounters& counters = state_->counters; counters.files_skipped.value() > 0) {
    state_->environment.log.warn(
        "files without a checkpoint begin at their present end",
        {{"files", std::to_string(counters.files_skipped.value())},
         {"bytes_skipped", std::to_string(counters.bytes_skipped.value())}});
  }
  state_->receive();
}

void Discovery::tick(base::Instant now) {
  if (state_->stopped) return;
  if (state_->next_scan <= now) {
    state_->next_scan = now + state_->reconcile_interval;
    state_->watch_again();
    if (state_->next_unmatched <= now) {  // files that were let go may have grown since
      state_->next_unmatched = now + state_->reconcile_interval;
      state_->search_unmatched = state_->below_due = true;
    }
    state_->scan();
    state_->look_at_all();  // growth that no event told of
  }
  if (state_->next_poll <= now) state_->poll();
  if (state_->next_open_scan <= now) state_->look_for_open_files();
  bool serve = false;
  if (state_->more_at <= now) {
    state_->try_more();
    serve = true;
  }
  if (state_->serve_at != base::Instant{} && state_->serve_at <= now) {
    state_->serve_at = base::Instant{};
    serve = true;
  }
  if (state_->memory_at <= now) {
    state_->look_at_memory();
    serve = true;
  }
  if (state_->next_copy_check <= now) {
    state_->next_copy_check = base::Instant::max();
    serve = true;
  }
  while (!state_->later.empty() && state_->later.front().first <= now) {
    const std::uint64_t number = state_->later.front().second;
    state_->later.pop_front();
    state_->wait_in_line(number);
    serve = true;
  }
  if (serve || state_->untold) state_->announce();
}

base::Instant Discovery::next_deadline() const {
  if (state_->stopped) return base::Instant::max();
  if (state_->untold) return base::Instant::min();
  base::Instant next = std::min({state_->next_scan, state_->next_poll, state_->next_copy_check,
                                 state_->next_open_scan, state_->more_at, state_->memory_at});
  if (!state_->later.empty()) next = std::min(next, state_->later.front().first);
  // Otherwise somebody's closed() or rested() brings the next turn.
  if (state_->serve_at != base::Instant{}) next = std::min(next, state_->serve_at);
  return next;
}

void Discovery::reconcile_now() {
  state_->look_for_open_files();
  state_->scan();
  state_->look_at_all();
}

void Discovery::closed(std::size_t flow, std::uint64_t number, const Checkpoint* resume) {
  const auto it = state_->files.find(number);
  if (it == state_->files.end()) return;
  const File& file = it->second;
  ASSERT(file.flow == flow);
  ASSERT(!file.resting);
  const FlowFile key{flow, file.identity};
  const auto heir = state_->number_of(key);
  state_->erase_file(number);
  if (resume != nullptr && resume->gone) {
    state_->remember_gone(key, *resume);
  } else if (resume != nullptr && heir == number) {
    state_->remember(key, *resume);
    state_->miss(key, false);
  } else if (resume != nullptr && heir) {
    File& successor = state_->files.at(*heir);
    if (successor.resting) successor.resting->rest.checkpoint = *resume;
  }
  state_->untold = true;
}

void Discovery::released(std::size_t flow, std::uint64_t number) {
  const auto it = state_->files.find(number);
  if (it == state_->files.end()) return;
  ASSERT(it->second.flow == flow);
  state_->take_back(it->second);
  state_->untold = true;
}

void Discovery::rested(std::size_t flow, std::uint64_t number, const Rest& rest) {
  const auto it = state_->files.find(number);
  if (it == state_->files.end()) return;
  File& file = it->second;
  ASSERT(file.flow == flow);
  ASSERT(!file.resting);
  state_->take_back(file);
  file.failures = rest.failed ? file.failures_and_one() : 0;
  if (!rest.former_key.empty()) {
    state_->former_keys[{flow, file.identity}] = rest.former_key;
  }
  file.caught_up = file.caught_up || !rest.more;
  file.resting = state_->restings.make({.rest = rest, .wanted = rest.more, .queued = false});
  file.resting->rest.since = state_->coarse_now();
  if (state_->stopped) return;
  if (file.detached) {
    state_->lose(number);
  } else if (file.names == 0) {
    state_->orphans.insert(number);
  } else if (rest.failed) {
    file.resting->queued = true;
    state_->later.emplace_back(state_->environment.clock.monotonic() + kRetryInterval, number);
  } else if (rest.more) {
    state_->want(number);
  } else if (const auto [directory, name] = state_->name_of(number); directory != nullptr) {
    // What changed after its last look was told to a reactor that did not listen any more.
    state_->examine(*directory, name, 0, false, true);
  }
  state_->untold = true;
}

void Discovery::stop() {
  state_->tell_doubted();
  state_->stopped = true;
  if (state_->receiving) state_->environment.io.cancel(state_->operation);
}

bool Discovery::idle() const { return !state_->receiving; }

std::size_t Discovery::files() const { return state_->files.size(); }

std::size_t Discovery::waiting() const {
  const std::size_t to_look_at = state_->retries.may_pass() ? 1 : 0;
  return state_->waiting.size() + state_->parked.size() + state_->later.size() -
         state_->given_up() + state_->copy_checks.size() + state_->doubted.size() + to_look_at;
}

std::size_t Discovery::not_read() const {
  // Those that a reactor had since it counts itself.
  const auto cut = std::ranges::count_if(state_->files, [this](const auto& entry) {
    const File& file = entry.second;
    return file.resting && file.resting->rest.checkpoint.cut && !file.resting->wanted &&
           !file.caught_up && state_->flows[file.flow].tells_cut;
  });
  return state_->counters.files_unreadable.value() + state_->unsearchable.size() +
         state_->given_up() + static_cast<std::size_t>(cut);
}

const DiscoveryCounters& Discovery::counters() const { return state_->counters; }

}  // namespace sources
