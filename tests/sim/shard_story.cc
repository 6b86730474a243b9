#include "tests/sim/shard_story.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/shard.h"
#include "tests/sim/shard_oracle.h"
#include "tests/sim/sim_world.h"

namespace sim {
namespace {

constexpr const char* kDirectory = "/data/s/0";

class ShardStory {
 public:
  explicit ShardStory(const StoryOptions& options) : world_(options.seed), story_(options) {
    choose();
  }
  StoryEnd tell();

 private:
  struct Flight {  // one Append and the runs in it
    ShardStory* story = nullptr;
    store::Append append;
    std::vector<std::string_view> pieces;
    std::size_t first_run = 0;
  };

  void choose();
  FaultPlan choose_faults();
  void step();
  bool open();
  bool try_open();
  bool open_and_die();
  void append_some();
  void answered(Flight& flight, int error);
  void turn();
  void retire();
  void crash(Crash how);
  void close_cleanly();
  void take_apart();
  void drain();
  void fill_disk();
  void check_content();
  template <typename Ask>
  void ask(Ask how);
  void violate(const std::string& what) {
    if (violation_.empty()) violation_ = what;
  }
  void say(const std::string& what) {
    if (story_.verbose) std::cerr << "  " << what << '\n';
  }

  SimWorld world_;
  StoryOptions story_;
  store::ShardOptions options_;
  bool power_cuts_ = true;
  std::uint64_t steps_ = 0;
  std::unique_ptr<Process> process_;
  std::optional<io::Environment> environment_;
  std::unique_ptr<store::Shard> shard_;

  ShardOracle oracle_{kDirectory};
  std::size_t stored_runs_ = 0;          // answered, or found by an opening: must never be lost
  base::SequenceNumber known_next_ = 0;  // noted now and then of what was answered
  std::size_t started_runs_ = 0;         // given to the shard, answered or not
  std::deque<std::unique_ptr<Flight>> flights_;  // in order; answered ones leave at the front
  std::deque<std::string> unremoved_;            // retired, oldest first
  bool ignoring_answers_ = false;
  bool over_ = false;
  std::string violation_;
  std::uint64_t crashes_ = 0;

  static constexpr std::size_t kFlightsMax = 4;
  static constexpr std::uint64_t kDiskBytes = 1ULL << 40;
};

void ShardStory::choose() {
  SimRandom& random = world_.random();
  const std::uint64_t sync = random.below(5);
  options_.sync = sync < 3   ? store::SyncPolicy::flush
                  : sync < 4 ? store::SyncPolicy::interval
                             : store::SyncPolicy::os;
  power_cuts_ = options_.sync != store::SyncPolicy::os || random.below(4) == 0;
  options_.compression = random.below(3) == 0 ? store::Compression::lz4 : store::Compression::none;
  options_.segment_bytes_max = 1024U << random.below(8);
  options_.segment_age_max = std::chrono::seconds(random.between(1, 3600));
  options_.sync_interval = std::chrono::milliseconds(random.between(1, 500));
  options_.unsynced_bytes_max = 1024U << random.below(8);
  options_.retention_age = base::Duration::zero();
  if (random.below(4) == 0) options_.retention_bytes = options_.segment_bytes_max * 3;
  steps_ = random.between(50, 600);
}

FaultPlan ShardStory::choose_faults() {
  SimRandom& random = world_.random();
  const auto some = [&random] { return random.below(3) == 0 ? 0.05 : 0.0; };
  FaultPlan plan;
  if (!story_.faults) return plan;
  plan.delay = random.below(2) == 0 ? 0.5 : 0;
  plan.delay_max = std::chrono::milliseconds(random.between(1, 100));
  plan.write_error = some();
  plan.write_full = some();
  plan.sync_error = some();
  plan.open_error = some();
  plan.read_error = some();
  plan.look_error = some();
  plan.change_error = some();
  return plan;
}

bool ShardStory::try_open() {
  if (process_ == nullptr) {
    process_ = world_.start_process();
    environment_.emplace(process_->environment());
  }
  auto opened =
      store::Shard::open(*environment_, kDirectory, {.stream_id = 7, .stream = "s", .shard = {}},
                         options_, known_next_);
  if (!opened) {
    say("open failed: " + opened.error().message);
    return false;
  }
  shard_ = std::move(*opened);
  if (shard_->next_sequence() < known_next_) violate("6: numbers go back");
  shard_->attach(*environment_);
  return true;
}

// Dies somewhere in the middle of opening. True: it was done before that.
bool ShardStory::open_and_die() {
  if (process_ == nullptr) {
    process_ = world_.start_process();
    environment_.emplace(process_->environment());
  }
  process_->files().die_after(world_.random().below(40));
  const bool opened = try_open();
  process_->files().die_after(SimFiles::kNever);
  if (opened) return true;
  const bool power = story_.power_cuts && options_.sync != store::SyncPolicy::os;
  say("dies while opening");
  ++crashes_;
  world_.crash(*process_, power && world_.random().below(2) == 0 ? Crash::power : Crash::process);
  environment_.reset();
  process_.reset();
  return false;
}

// Opening may fail while faults are on; damage alone must never make it fail.
bool ShardStory::open() {
  while (world_.random().below(5) == 0) {
    if (open_and_die()) return true;
  }
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

void ShardStory::append_some() {
  if (flights_.size() >= kFlightsMax) return;
  auto flight = std::make_unique<Flight>();
  flight->story = this;
  flight->first_run = started_runs_;
  const std::uint64_t count = world_.random().between(1, 3);
  while (started_runs_ < flight->first_run + count) {
    if (started_runs_ == oracle_.size()) {
      oracle_.add_run(world_.random(), world_.clock().wall_ns() / 1000);
    }
    ++started_runs_;
  }
  for (std::size_t i = flight->first_run; i < started_runs_; ++i) {
    flight->pieces.push_back(oracle_.run(i).bytes);
  }
  flight->append.runs = flight->pieces;
  flight->append.owner = flight.get();
  flight->append.done = [](void* owner, store::Append&, int error) {
    auto& answer = *static_cast<Flight*>(owner);
    answer.story->answered(answer, error);
  };
  flights_.push_back(std::move(flight));
  shard_->append(flights_.back()->append);
}

void ShardStory::answered(Flight& flight, int error) {
  world_.trace().add("answer", flight.first_run, static_cast<std::uint64_t>(error));
  const auto found = std::find_if(flights_.begin(), flights_.end(),
                                  [&](const auto& f) { return f.get() == &flight; });
  if (found == flights_.end()) return violate("an append was answered twice");
  const std::size_t end = flight.first_run + flight.pieces.size();
  if (!ignoring_answers_) {
    if (error == 0) {
      if (found != flights_.begin()) violate("answered out of order");
      if (flight.first_run != stored_runs_) violate("answered although an earlier one failed");
      stored_runs_ = std::max(stored_runs_, end);
    } else {
      say("append of run " + std::to_string(flight.first_run) +
          " failed: " + std::to_string(error));
      started_runs_ = std::min(started_runs_, flight.first_run);  // all from here again
    }
  }
  flights_.erase(found);
}

void ShardStory::turn() {
  process_->io().run_once(io::Io::kForever);
  shard_->tick(world_.clock().monotonic());
}

// Oldest first; one that cannot be removed keeps the newer ones, or there would be a hole.
void ShardStory::retire() {
  std::vector<std::string> paths = shard_->retire(world_.clock().wall());
  unremoved_.insert(unremoved_.end(), paths.begin(), paths.end());
  while (!unremoved_.empty() && world_.random().below(8) != 0) {
    const auto removed = process_->files().remove(unremoved_.front());
    if (!removed && removed.error().system != ENOENT) break;
    say("removed " + unremoved_.front());
    unremoved_.pop_front();
  }
}

// After a crash, or before a clean end: gets the objects out of the way.
void ShardStory::take_apart() {
  ignoring_answers_ = !process_->alive();
  for (int i = 0; !shard_->idle() && i < 10'000; ++i) {
    turn();
    world_.advance(*process_, std::chrono::seconds(1), shard_->next_deadline());
  }
  if (!shard_->idle()) {
    violate("the shard does not come to rest");
    (void)shard_.release();  // it may not be destroyed now; the story is over anyway
    over_ = true;
    return;
  }
  shard_.reset();
  if (!flights_.empty()) violate("idle, but an append was never answered");
  flights_.clear();
  ignoring_answers_ = false;
  unremoved_.clear();  // found again by the next opening
  environment_.reset();
  process_.reset();
  started_runs_ = stored_runs_;
}

void ShardStory::crash(Crash how) {
  ++crashes_;
  say(how == Crash::power ? "power cut" : "kill");
  world_.crash(*process_, how);
  take_apart();
  if (over_ || !open()) return;
  if (how == Crash::power && options_.sync == store::SyncPolicy::os) {
    ask([this](io::Files& files) { return oracle_.check_loosely(files); });
    over_ = true;
    return;
  }
  check_content();
}

void ShardStory::close_cleanly() {
  say("clean end");
  take_apart();
  if (!over_ && open()) check_content();
}

// `how`: one of the oracle's questions, asked while nothing fails.
template <typename Ask>
void ShardStory::ask(Ask how) {
  const bool on = world_.faults().on();
  world_.faults().switch_on(false);
  violate(how(process_->files()));
  world_.faults().switch_on(on);
}

void ShardStory::check_content() {
  ask([this](io::Files& files) {
    return oracle_.check(files, *shard_, options_.retention_bytes != 0, stored_runs_);
  });
  started_runs_ = stored_runs_;
  say("found " + std::to_string(stored_runs_) + " runs");
  world_.trace().add("stored", stored_runs_);
}

// Somebody else takes nearly all the space, or gives it back.
void ShardStory::fill_disk() {
  if (!story_.faults) return;
  const io::Space space = world_.disk().space();
  const std::uint64_t used = space.total_bytes - space.free_bytes;
  const bool full = world_.random().below(2) == 0;
  world_.disk().set_capacity(full ? used + world_.random().below(5000) : kDiskBytes);
}

void ShardStory::step() {
  SimRandom& random = world_.random();
  const std::uint64_t choice = random.below(1000);
  if (choice < 350) {
    append_some();
  } else if (choice < 750) {
    turn();
  } else if (choice < 950) {
    world_.advance(*process_, std::chrono::seconds(2), shard_->next_deadline());
    turn();
  } else if (choice < 960) {
    retire();
    known_next_ = shard_->next_sequence();
  } else if (choice < 970) {
    ask([this](io::Files& files) { return oracle_.check_beside(files, stored_runs_); });
  } else if (choice < 975) {
    world_.clock().jump_wall(std::chrono::seconds(10) -
                             std::chrono::milliseconds(random.below(20'000)));
  } else if (choice < 980) {
    world_.faults().set("/data", choose_faults());
  } else if (choice < 983) {
    fill_disk();
  } else if (choice < 988) {
    close_cleanly();
  } else {
    crash(story_.power_cuts && power_cuts_ && random.below(2) == 0 ? Crash::power : Crash::process);
  }
}

// Oracle 5: in a world that behaves, everything gets done.
void ShardStory::drain() {
  say("faults stop");
  world_.faults().switch_on(false);
  world_.disk().set_capacity(kDiskBytes);
  for (int i = 0; violation_.empty() && stored_runs_ < oracle_.size(); ++i) {
    if (i > 20'000) return violate("5: appends are not answered");
    if (started_runs_ < oracle_.size()) append_some();
    turn();
    world_.advance(*process_, std::chrono::seconds(1), shard_->next_deadline());
  }
}

StoryEnd ShardStory::tell() {
  world_.disk().put("/data/LOCK", "");  // the data directory itself is durable
  world_.faults().set("/data", choose_faults());
  if (open()) check_content();
  for (std::uint64_t i = 0; i < steps_ && violation_.empty() && !over_; ++i) step();
  if (violation_.empty() && !over_) drain();
  if (violation_.empty() && !over_) {
    const std::size_t all = oracle_.size();
    crash(story_.power_cuts && options_.sync != store::SyncPolicy::os ? Crash::power
                                                                      : Crash::process);
    if (violation_.empty() && stored_runs_ < all) violate("5: not everything is there at the end");
  }
  if (process_ != nullptr && shard_ != nullptr && violation_.empty()) take_apart();
  if (shard_ != nullptr) (void)shard_.release();
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
          .records = shard_ == nullptr ? oracle_.size() : 0,
          .strikes = world_.faults().strikes()};
}

}  // namespace

StoryEnd tell_shard_story(const StoryOptions& options) { return ShardStory(options).tell(); }

}  // namespace sim
