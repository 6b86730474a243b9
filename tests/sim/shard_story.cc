#include "tests/sim/shard_story.h"

#include <algorithm>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/packed_record.h"
#include "store/cursor.h"
#include "store/shard.h"
#include "tests/sim/sim_world.h"

namespace sim {
namespace {

using base::Origin;

struct Run {  // what was appended, in order: the model
  std::uint64_t number = 0;
  Origin origin = Origin::none;
  std::uint64_t end_offset = 0;
  std::vector<std::string> records;
  std::string bytes;  // packed, header included
};

class ShardStory {
 public:
  ShardStory(std::uint64_t seed, bool verbose) : world_(seed), verbose_(verbose) { choose(); }
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
  void append_some();
  void answered(Flight& flight, int error);
  void turn();
  void retire();
  void crash(Crash how);
  void close_cleanly();
  void take_apart();
  void drain();
  Run make_run();
  void check_content();
  void check_marks(std::size_t stored);
  void check_loosely();
  void read_along();
  void violate(const std::string& what) {
    if (violation_.empty()) violation_ = what;
  }
  void say(const std::string& what) {
    if (verbose_) std::cerr << "  " << what << '\n';
  }

  SimWorld world_;
  bool verbose_;
  store::ShardOptions options_;
  bool power_cuts_ = true;
  std::uint64_t steps_ = 0;
  std::unique_ptr<Process> process_;
  std::optional<io::Environment> environment_;
  std::unique_ptr<store::Shard> shard_;

  std::vector<Run> runs_;
  std::size_t stored_runs_ = 0;   // answered, or found by an opening: must never be lost
  std::size_t started_runs_ = 0;  // given to the shard, answered or not
  std::map<Origin, std::uint64_t> offsets_;
  std::deque<std::unique_ptr<Flight>> flights_;  // in order; answered ones leave at the front
  bool ignoring_answers_ = false;
  bool over_ = false;
  std::string violation_;
  std::uint64_t crashes_ = 0;

  static constexpr const char* kDirectory = "/data/s/0";
  static constexpr std::size_t kFlightsMax = 4;
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

Run ShardStory::make_run() {
  SimRandom& random = world_.random();
  Run run;
  run.number = runs_.size();
  run.origin = static_cast<Origin>(random.between(1, 3));
  const std::uint64_t count = random.between(1, 5);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string text = std::to_string(run.number) + ':' + std::to_string(i) + ' ';
    const std::uint64_t size = random.below(10) == 0 ? random.below(3000) : random.below(100);
    text.append(size, static_cast<char>('a' + run.number % 26));
    run.records.push_back(std::move(text));
  }
  std::uint64_t& offset = offsets_[run.origin];
  std::string packed;
  for (const std::string& text : run.records) {
    const base::Record record{.key = {}, .data = text, .hash = std::nullopt};
    const std::size_t at = packed.size();
    packed.resize(at + base::packed_bytes(record));
    base::pack(record, packed.data() + at);
    offset += text.size() + 1;
  }
  run.end_offset = offset;
  base::RunHeader header;
  header.origin = run.origin;
  header.end_offset = run.end_offset;
  header.arrival_us = world_.clock().wall_ns() / 1000;
  header.record_count = static_cast<std::uint32_t>(run.records.size());
  header.bytes = static_cast<std::uint32_t>(packed.size());
  run.bytes.assign(reinterpret_cast<const char*>(&header), sizeof header);
  run.bytes += packed;
  return run;
}

bool ShardStory::try_open() {
  if (process_ == nullptr) {
    process_ = world_.start_process();
    environment_.emplace(process_->environment());
  }
  auto opened = store::Shard::open(*environment_, kDirectory,
                                   {.stream_id = 7, .stream = "s", .shard = {}}, options_);
  if (!opened) {
    say("open failed: " + opened.error().message);
    return false;
  }
  shard_ = std::move(*opened);
  shard_->attach(*environment_);
  return true;
}

// Opening may fail while faults are on; damage alone must never make it fail.
bool ShardStory::open() {
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
    if (started_runs_ == runs_.size()) runs_.push_back(make_run());
    ++started_runs_;
  }
  for (std::size_t i = flight->first_run; i < started_runs_; ++i) {
    flight->pieces.push_back(runs_[i].bytes);
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
  process_->io().run_once(base::Duration::zero());
  shard_->tick(world_.clock().monotonic());
}

void ShardStory::retire() {
  for (const std::string& path : shard_->retire(world_.clock().wall())) {
    say("retire " + path);
    if (world_.random().below(4) != 0) (void)process_->files().remove(path);
  }
}

// After a crash, or before a clean end: gets the objects out of the way.
void ShardStory::take_apart() {
  ignoring_answers_ = !process_->alive();
  for (int i = 0; !shard_->idle() && i < 10'000; ++i) {
    turn();
    if (process_->alive()) {
      world_.advance(*process_, std::chrono::seconds(1), shard_->next_deadline());
    }
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
    check_loosely();
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

void ShardStory::check_content() {
  const bool on = world_.faults().on();
  world_.faults().switch_on(false);
  auto cursor = store::Cursor::open(process_->files(), kDirectory, {});
  if (!cursor) return violate("cursor: " + cursor.error().message);
  store::StoredRecord record;
  base::SequenceNumber expected = 0;
  base::Timestamp arrival{};
  std::size_t run = 0;
  std::size_t index = 0;
  bool first = true;
  while (true) {
    const auto more = cursor->next(record);
    if (!more) return violate("cursor: " + more.error().message);
    if (!*more) break;
    if (first) {  // retention may have taken the front: find where we are
      first = false;
      if (record.sequence != shard_->first_sequence())
        violate("1: first_sequence is not the first");
      for (; run < runs_.size() && expected + runs_[run].records.size() <= record.sequence; ++run) {
        expected += runs_[run].records.size();
      }
      index = record.sequence - expected;
      expected = record.sequence;
      if (options_.retention_bytes == 0 && expected != 0) violate("1: the front is missing");
    }
    if (record.sequence != expected++) return violate("1: sequence numbers are not dense");
    if (run >= runs_.size()) return violate("1: a record that was never appended");
    if (record.record.data != runs_[run].records[index]) {
      return violate("1: record " + std::to_string(record.sequence) + " is not run " +
                     std::to_string(run) + " record " + std::to_string(index));
    }
    if (record.origin != runs_[run].origin) violate("1: wrong origin");
    if (record.arrival < arrival) violate("4: arrival times decrease");
    arrival = record.arrival;
    if (++index == runs_[run].records.size()) {
      index = 0;
      ++run;
    }
  }
  if (index != 0) return violate("1: a run is there in part");
  if (first) {  // nothing is kept, which retention alone may cause
    if (shard_->next_sequence() != 0) {
      if (options_.retention_bytes == 0) violate("1: all records are missing");
      run = stored_runs_;
    }
  } else if (expected != shard_->next_sequence()) {
    violate("1: next_sequence is not one past the last");
  }
  if (cursor->counters().corrupt_records + cursor->counters().corrupt_blocks != 0) {
    violate("1: the cursor saw corruption");
  }
  if (run < stored_runs_) {
    return violate("2: stored runs lost: " + std::to_string(run) + " of " +
                   std::to_string(stored_runs_));
  }
  say("found " + std::to_string(run) + " runs, at least " + std::to_string(stored_runs_));
  check_marks(run);
  stored_runs_ = run;
  started_runs_ = run;
  world_.trace().add("stored", run);
  world_.faults().switch_on(on);
}

void ShardStory::check_marks(std::size_t stored) {
  std::map<Origin, std::uint64_t> expected;
  for (std::size_t i = 0; i < stored; ++i) expected[runs_[i].origin] = runs_[i].end_offset;
  std::map<Origin, std::uint64_t> found;
  for (const auto& [origin, offset] : shard_->marks()) found[origin] = offset;
  if (found == expected) return;
  std::string text = "3: marks are wrong:";
  for (const auto& [origin, offset] : expected) {
    text += " origin " + std::to_string(base::value(origin)) + " should be " +
            std::to_string(offset) + " is " + std::to_string(found[origin]);
  }
  violate(text);
}

// Only: what is read was appended, in order, under rising numbers.
void ShardStory::check_loosely() {
  world_.faults().switch_on(false);
  auto cursor = store::Cursor::open(process_->files(), kDirectory, {});
  if (!cursor) return violate("cursor: " + cursor.error().message);
  store::StoredRecord record;
  std::optional<base::SequenceNumber> last;
  std::map<std::string, std::uint64_t, std::less<>> order;
  std::uint64_t place = 0;
  for (const Run& run : runs_) {
    for (const std::string& text : run.records) order[text] = ++place;
  }
  place = 0;
  while (true) {
    const auto more = cursor->next(record);
    if (!more) return violate("cursor: " + more.error().message);
    if (!*more) break;
    if (last && record.sequence <= *last) violate("numbers do not rise");
    last = record.sequence;
    const auto found = order.find(record.record.data);
    if (found == order.end()) return violate("a record that was never appended");
    if (found->second <= place) return violate("out of order, or twice");
    place = found->second;
  }
}

// A reader beside the writer sees whole records in order, all that is answered, nothing else.
void ShardStory::read_along() {
  const bool on = world_.faults().on();
  world_.faults().switch_on(false);
  auto cursor = store::Cursor::open(process_->files(), kDirectory, {});
  if (!cursor) return violate("reader: " + cursor.error().message);
  std::size_t run = 0;
  base::SequenceNumber next = 0;
  store::StoredRecord record;
  std::vector<const std::string*> all;
  std::size_t stored_records = 0;
  for (; run < runs_.size(); ++run) {
    for (const std::string& text : runs_[run].records) all.push_back(&text);
    if (run < stored_runs_) stored_records = all.size();
  }
  bool first = true;
  while (true) {
    const auto more = cursor->next(record);
    if (!more) return violate("reader: " + more.error().message);
    if (!*more) break;
    if (first) next = record.sequence;
    first = false;
    if (record.sequence != next++) return violate("reader: not dense");
    if (record.sequence >= all.size() || *all[record.sequence] != record.record.data) {
      return violate("reader: a record that is not ours");
    }
  }
  if (!first && next < stored_records) violate("reader: an answered record is not there");
  world_.faults().switch_on(on);
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
  } else if (choice < 970) {
    read_along();
  } else if (choice < 975) {
    world_.clock().jump_wall(std::chrono::seconds(10) -
                             std::chrono::milliseconds(random.below(20'000)));
  } else if (choice < 980) {
    world_.faults().set("/data", choose_faults());
  } else if (choice < 985) {
    close_cleanly();
  } else {
    crash(power_cuts_ && random.below(2) == 0 ? Crash::power : Crash::process);
  }
}

// Oracle 5: in a world that behaves, everything gets done.
void ShardStory::drain() {
  say("faults stop");
  world_.faults().switch_on(false);
  for (int i = 0; violation_.empty() && stored_runs_ < runs_.size(); ++i) {
    if (i > 20'000) return violate("5: appends are not answered");
    if (started_runs_ < runs_.size()) append_some();
    turn();
    world_.advance(*process_, std::chrono::seconds(1), shard_->next_deadline());
  }
}

StoryEnd ShardStory::tell() {
  world_.faults().set("/data", choose_faults());
  if (open()) check_content();
  for (std::uint64_t i = 0; i < steps_ && violation_.empty() && !over_; ++i) step();
  if (violation_.empty() && !over_) drain();
  if (violation_.empty() && !over_) {
    const std::size_t all = stored_runs_;
    crash(options_.sync == store::SyncPolicy::os ? Crash::process : Crash::power);
    if (violation_.empty() && stored_runs_ < all) violate("5: not everything is there at the end");
  }
  if (process_ != nullptr && shard_ != nullptr && violation_.empty()) take_apart();
  if (shard_ != nullptr) (void)shard_.release();
  if (!violation_.empty()) {
    for (const std::string& line : world_.log_lines()) say("log: " + line);
  }
  return {.violation = violation_,
          .hash = world_.trace().hash(),
          .crashes = crashes_,
          .records = shard_ == nullptr ? runs_.size() : 0,
          .strikes = world_.faults().strikes()};
}

}  // namespace

StoryEnd tell_shard_story(std::uint64_t seed, bool verbose) {
  return ShardStory(seed, verbose).tell();
}

}  // namespace sim
