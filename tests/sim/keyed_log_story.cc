#include "tests/sim/keyed_log_story.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/keyed_log.h"
#include "tests/sim/sim_world.h"

namespace sim {
namespace {

constexpr const char* kErased = "";  // values are never empty here

// What a key was given, oldest first. Entries before `safe` can no longer come back.
struct History {
  std::vector<std::string> values{kErased};
  std::size_t after_kill = 0;   // the oldest that may be found after our death
  std::size_t after_power = 0;  // … after a power cut
};

class KeyedLogStory {
 public:
  explicit KeyedLogStory(const StoryOptions& options) : world_(options.seed), story_(options) {}
  StoryEnd tell();

 private:
  struct Flight {
    KeyedLogStory* story = nullptr;
    store::KeyedLog::Write write;
    std::vector<std::pair<std::string, std::size_t>> gave;  // key, index in its history
  };

  void step();
  bool open();
  bool try_open();
  void write_some();
  void write_everything();
  void answered(Flight& flight, int error);
  void turn();
  void crash(Crash how);
  void take_apart();
  void forget_unsynced();
  void check_memory();
  void check_found(Crash how);
  void drain();
  FaultPlan choose_faults();
  void violate(const std::string& what) {
    if (violation_.empty()) violation_ = what;
  }
  void say(const std::string& what) {
    if (story_.verbose) std::cerr << "  " << what << '\n';
  }

  SimWorld world_;
  StoryOptions story_;
  std::unique_ptr<Process> process_;
  std::optional<io::Environment> environment_;
  std::unique_ptr<store::KeyedLog> log_;
  std::map<std::string, History> keys_;
  std::list<Flight> flights_;
  std::uint64_t values_ = 0;
  std::uint64_t failures_ = 0;
  std::deque<std::string> unremoved_;  // retired, oldest first
  bool ignoring_answers_ = false;
  std::uint64_t failed_syncs_ = 0;  // of those that happened, the ones taken into account
  std::string violation_;
  std::uint64_t crashes_ = 0;

  static constexpr const char* kDirectory = "/data/_checkpoints/0";
};

FaultPlan KeyedLogStory::choose_faults() {
  SimRandom& random = world_.random();
  const auto some = [&random] { return random.below(3) == 0 ? 0.05 : 0.0; };
  FaultPlan plan;
  if (!story_.faults) return plan;
  plan.delay = random.below(2) == 0 ? 0.5 : 0;
  plan.write_error = some();
  plan.write_full = some();
  plan.sync_error = some();
  plan.open_error = some();
  plan.read_error = some();
  plan.look_error = some();
  plan.change_error = some();
  return plan;
}

bool KeyedLogStory::try_open() {
  if (process_ == nullptr) {
    process_ = world_.start_process();
    environment_.emplace(process_->environment());
  }
  auto opened = store::KeyedLog::open(*environment_, kDirectory,
                                      {.stream_id = 9, .stream = "_checkpoints", .shard = {}});
  if (!opened) {
    say("open failed: " + opened.error().message);
    return false;
  }
  log_ = std::move(*opened);
  log_->attach(*environment_);
  return true;
}

bool KeyedLogStory::open() {
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (try_open()) return true;
  }
  const bool on = world_.faults().on();
  world_.faults().switch_on(false);
  const bool opened = try_open();
  world_.faults().switch_on(on);
  if (!opened) violate("open refuses although nothing is wrong");
  return opened;
}

void KeyedLogStory::write_some() {
  SimRandom& random = world_.random();
  Flight& flight = flights_.emplace_back();
  flight.story = this;
  flight.write.owner = &flight;
  flight.write.synced = random.below(2) == 0;
  flight.write.done = [](void* owner, store::KeyedLog::Write&, int error) {
    auto& answer = *static_cast<Flight*>(owner);
    answer.story->answered(answer, error);
  };
  std::vector<store::KeyedLogChange> changes;
  const std::uint64_t count = random.between(1, 4);
  const std::uint64_t first = random.below(20);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto at = keys_.try_emplace("key" + std::to_string(first + i)).first;
    History& history = at->second;
    const bool erase = random.below(6) == 0;
    std::string value = kErased;
    if (!erase) {
      value = "value " + std::to_string(++values_) + ' ';
      value.append(random.below(10) == 0 ? random.below(5000) : random.below(50), 'v');
    }
    history.values.push_back(value);
    flight.gave.emplace_back(at->first, history.values.size() - 1);
    changes.push_back({.key = at->first,
                       .value = erase ? std::string_view() : history.values.back(),
                       .erase = erase});
  }
  log_->write(flight.write, changes);
}

// The caller's duty after an error: write it again. Simplest is all that memory holds.
void KeyedLogStory::write_everything() {
  Flight& flight = flights_.emplace_back();
  flight.story = this;
  flight.write.owner = &flight;
  flight.write.synced = true;
  flight.write.done = [](void* owner, store::KeyedLog::Write&, int error) {
    auto& answer = *static_cast<Flight*>(owner);
    answer.story->answered(answer, error);
  };
  std::vector<store::KeyedLogChange> changes;
  for (auto& [key, history] : keys_) {
    const std::string& value = history.values.back();
    flight.gave.emplace_back(key, history.values.size() - 1);
    changes.push_back({.key = key, .value = value, .erase = value == kErased});
  }
  log_->write(flight.write, changes);
}

void KeyedLogStory::answered(Flight& flight, int error) {
  world_.trace().add("answer", static_cast<std::uint64_t>(error));
  const auto found = std::find_if(flights_.begin(), flights_.end(),
                                  [&](const Flight& f) { return &f == &flight; });
  if (found == flights_.end()) return violate("a write was answered twice");
  if (error != 0 && !ignoring_answers_) {
    ++failures_;
    failed_syncs_ = world_.faults().failed_syncs();
    forget_unsynced();
    say("write failed: " + std::to_string(error));
  }
  if (error == 0 && !ignoring_answers_) {
    say(std::string(flight.write.synced ? "synced" : "written") + ' ' + flight.gave.front().first +
        " …");
    for (const auto& [key, index] : flight.gave) {
      History& history = keys_[key];
      history.after_kill = std::max(history.after_kill, index);
      if (flight.write.synced) history.after_power = std::max(history.after_power, index);
    }
  }
  flights_.erase(found);
}

// The file may be given up, back to what was synced: until written again, memory alone has the
// rest.
void KeyedLogStory::forget_unsynced() {
  for (auto& [key, history] : keys_) {
    history.after_kill = std::min(history.after_kill, history.after_power);
  }
}

void KeyedLogStory::turn() {
  process_->io().run_once(io::Io::kForever);
  log_->tick(world_.clock().monotonic());
  for (const std::string& path : log_->retire()) unremoved_.push_back(path);
  while (!unremoved_.empty() && world_.random().below(8) != 0) {
    const auto removed = process_->files().remove(unremoved_.front());
    if (!removed && removed.error().system != ENOENT) break;
    say("removed " + unremoved_.front());
    unremoved_.pop_front();
  }
}

void KeyedLogStory::take_apart() {
  ignoring_answers_ = !process_->alive();
  for (int i = 0; !log_->idle() && i < 10'000; ++i) {
    turn();
    world_.advance(*process_, std::chrono::seconds(1), log_->next_deadline());
  }
  ignoring_answers_ = false;
  if (!log_->idle()) {
    (void)log_.release();
    return violate("the log does not come to rest");
  }
  log_.reset();
  if (!flights_.empty()) violate("idle, but a write was never answered");
  unremoved_.clear();  // found again by the next opening
  environment_.reset();
  process_.reset();
}

void KeyedLogStory::crash(Crash how) {
  ++crashes_;
  say(how == Crash::power ? "power cut" : "kill");
  world_.crash(*process_, how);
  // A sync that failed while we died takes with it what was only written, and nobody can know.
  if (world_.faults().failed_syncs() != failed_syncs_) forget_unsynced();
  take_apart();
  if (violation_.empty() && open()) check_found(how);
}

void KeyedLogStory::check_memory() {
  std::size_t present = 0;
  for (const auto& [key, history] : keys_) {
    const std::string* value = log_->find(key);
    const std::string& expected = history.values.back();
    if (expected != kErased) ++present;
    if ((value == nullptr) != (expected == kErased) || (value != nullptr && *value != expected)) {
      return violate("1: memory has another value for " + key);
    }
  }
  if (log_->size() != present) violate("1: memory has another number of keys");
}

void KeyedLogStory::check_found(Crash how) {
  failed_syncs_ = world_.faults().failed_syncs();
  if (log_->damaged() != 0) return violate("4: damage reported");
  for (auto& [key, history] : keys_) {
    const std::string* value = log_->find(key);
    const std::string found = value == nullptr ? kErased : *value;
    std::size_t index = history.values.size();
    const std::size_t oldest = how == Crash::power ? history.after_power : history.after_kill;
    while (index > oldest && history.values[index - 1] != found) --index;
    if (index == oldest) {
      return violate("2: " + key + " has \"" + found.substr(0, 20) + "\", older than promised or " +
                     "never given; promised \"" + history.values[oldest].substr(0, 20) + '"');
    }
    history.values.resize(index);
    history.after_kill = index - 1;  // a reader may have seen it
    history.after_power = std::min(history.after_power, index - 1);
  }
  world_.trace().add("keys", log_->size());
  check_memory();
}

void KeyedLogStory::step() {
  SimRandom& random = world_.random();
  const std::uint64_t choice = random.below(1000);
  if (choice < 300) {
    if (flights_.size() < 6) write_some();
  } else if (choice < 700) {
    turn();
  } else if (choice < 950) {
    world_.advance(*process_, std::chrono::seconds(2), log_->next_deadline());
    turn();
  } else if (choice < 970) {
    check_memory();
  } else if (choice < 975) {
    world_.faults().set("/data", choose_faults());
  } else if (choice < 980) {
    say("clean end");
    take_apart();
    if (violation_.empty() && open()) check_found(Crash::process);
  } else {
    crash(story_.power_cuts && random.below(2) == 0 ? Crash::power : Crash::process);
  }
}

void KeyedLogStory::drain() {
  say("faults stop");
  world_.faults().switch_on(false);
  write_everything();
  const std::uint64_t failed_before = failures_;
  for (int round = 0; violation_.empty() && !flights_.empty(); ++round) {
    if (round > 20'000) return violate("5: writes are not answered");
    turn();
    world_.advance(*process_, std::chrono::seconds(1), log_->next_deadline());
    if (flights_.empty() && failures_ != failed_before && round < 100) write_everything();
  }
}

StoryEnd KeyedLogStory::tell() {
  world_.disk().put("/data/LOCK", "");  // the data directory itself is durable
  world_.faults().set("/data", choose_faults());
  const std::uint64_t steps = world_.random().between(50, 600);
  if (open()) check_found(Crash::power);
  for (std::uint64_t i = 0; i < steps && violation_.empty(); ++i) step();
  if (violation_.empty()) drain();
  if (violation_.empty()) crash(story_.power_cuts ? Crash::power : Crash::process);
  if (violation_.empty()) take_apart();
  if (log_ != nullptr) (void)log_.release();
  if (!violation_.empty()) {
    for (const std::string& name : world_.disk().list(kDirectory)) {
      const std::string path = std::string(kDirectory) + '/' + name;
      say("left: " + path + ' ' + std::to_string(world_.disk().content(path).size()) + " bytes");
    }
    for (const std::string& line : world_.log_lines()) say("log: " + line);
  }
  return {.violation = violation_,
          .hash = world_.trace().hash(),
          .crashes = crashes_,
          .records = values_,
          .strikes = world_.faults().strikes()};
}

}  // namespace

StoryEnd tell_keyed_log_story(const StoryOptions& options) { return KeyedLogStory(options).tell(); }

}  // namespace sim
