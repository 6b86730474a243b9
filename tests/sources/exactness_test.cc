// The exactness story: random writers, rotations, truncations, deletions and crashes, discovery and
// tails together; at the end every line is stored exactly once.
//
// Half of the stories have patterns that match rotated names too. In the others a file that is
// renamed away before its origin is in the log, and then forgotten by a crash, is lost to any
// follower; there the agent gets the time to register before a crash or a rotation.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "sources/discovery.h"
#include "tests/sim/sim_world.h"
#include "tests/sources/tail_rig.h"
#include "tests/sources/utf16_bytes.h"
#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

// A writer of numbered lines to /log/<name>.log, and everything it ever wrote.
struct Writer {
  std::string path;
  sim::OpenFile file;
  std::uint64_t lines = 0;  // whole ones
  std::string rest;         // of a line that is half written
  int rotations = 0;
};

class Story {
 public:
  explicit Story(std::uint64_t seed)
      : world_(seed),
        random_(world_.random()),
        durable_(3),
        wide_(seed % 4 < 2),
        grouping_(seed % 3 == 0),
        polling_(seed % 5 == 1),
        utf16_(seed % 7 == 3) {
    // In half of the stories files come to rest: fewer descriptors than files, or soon idle.
    if (seed % 8 >= 4) {
      open_files_max_ = 1 + seed % 3;
      close_inactive_ = seed % 5 < 2 ? 50ms : 2s;
    }
    world_.disk().make_directories("/log");
    for (int i = 0; i < 3; ++i) {
      writers_.push_back({.path = "/log/" + std::to_string(i) + ".log",
                          .file = {},
                          .lines = 0,
                          .rest = {},
                          .rotations = 0});
      create(writers_.back());
    }
    if (seed % 2 == 0) world_.faults().set("", {.short_read = 0.1, .read_error = 0.02});
  }

  void tell() {
    start();
    for (int step = 0; step < 1500; ++step) {
      if (random_.chance(0.35)) write(writers_[random_.below(writers_.size())]);
      if (random_.chance(0.01)) rotate(writers_[random_.below(writers_.size())]);
      if (random_.chance(0.005)) copytruncate(writers_[random_.below(writers_.size())]);
      if (random_.chance(0.006)) {
        let_register();
        stop();
        if (random_.chance(0.5)) rename(writers_[random_.below(writers_.size())]);
        start();
      }
      agent_step();
    }
    world_.faults().switch_on(false);
    for (Writer& writer : writers_) finish(writer);
    come_to_rest();
    check();
    if (close_inactive_ < 60s) CHECK(closed_idle_ > 0);
    stop();
  }

 private:
  void start() {
    process_ = world_.start_process(2);
    environment_.emplace(process_->environment(0));
    rig::Options options;
    options.chunk_bytes = 512;
    options.budget_bytes = 8192;
    options.tail.rotate_wait = 2s;
    options.tail.close_inactive = close_inactive_;
    if (utf16_) options.tail.encoding = sources::Encoding::utf16;
    if (grouping_) {
      options.groups.by = pipeline::GroupLines::follow;
      options.groups.pattern = " \\d*[3-7]\\b";
      options.groups.lines_max = 8;
      options.groups.timeout = 300ms;
    }
    rig_.emplace(*environment_, durable_, options);
    sources::Discovery::Flow flow{
        .name = "flow",
        .files = {.patterns = {wide_ ? "/log/*.log*" : "/log/*.log"},
                  .exclude = {},
                  .start = sources::Start::beginning,
                  .reconcile_interval = 30s,
                  .watch = polling_ ? sources::Watch::poll : sources::Watch::automatic},
        .fingerprint = 1,
        .first_start = true};
    discovery_.emplace(
        process_->environment(1), std::vector{flow}, durable_.known(), std::vector<std::string>{},
        sources::Discovery::Listener{
            .found =
                [this](std::size_t, sources::FoundFile found) {
                  if (found.checkpoint.origin != base::Origin::none) {
                    found.marks = durable_.marks(found.checkpoint.origin);
                  }
                  rig_->tails().add(std::move(found));
                },
            .look = [this](std::size_t, std::uint64_t number) { rig_->tails().look(number); },
            .detached = [this](std::size_t, std::uint64_t number,
                               std::string path) { rig_->tails().detached(number, path); },
            .yield = [this](std::size_t, std::uint64_t number,
                            bool now) { rig_->tails().yield(number, now); }},
        open_files_max_);
    discovery_->start();
  }

  void stop() {  // kill -9
    world_.crash(*process_, sim::Crash::process);
    discovery_->stop();
    for (std::uint32_t i = 0; i < 2; ++i) {
      while (process_->io(i).pending() > 0) process_->io(i).run_once(0s);
    }
    discovery_.reset();
    rig_.reset();
    environment_.reset();
    process_.reset();
  }

  void tick() {
    world_.clock().advance(1ms);
    process_->io(1).run_once(0s);
    discovery_->tick(world_.clock().monotonic());
    rig_->tick();
    for (const std::uint64_t number : rig_->closed()) discovery_->closed(0, number);
    rig_->closed().clear();
    for (const std::uint64_t number : std::exchange(rig_->released(), {})) {
      discovery_->released(0, number);
    }
    for (const auto& [number, rest] : std::exchange(rig_->rested(), {})) {
      discovery_->rested(0, number, rest);
    }
    closed_idle_ = std::max(closed_idle_, rig_->tails().counters().files_closed_idle.value());
    if (rig_->tails().counters().files_open.value() > open_files_max_) FAIL("too many are open");
  }
  void agent_step() {
    tick();
    rig_->deliver(static_cast<std::uint32_t>(random_.below(3)));
    if (rig_->unsettled() > 0 && random_.chance(0.6))
      rig_->settle(random_.below(rig_->unsettled()));
    if (random_.chance(0.3)) rig_->answer(random_.chance(0.1) ? 5 : 0);
  }
  void come_to_rest() {
    for (int i = 0; i < 40'000; ++i) {
      tick();
      world_.clock().advance(1ms);
      for (std::uint32_t outlet = 0; outlet < 3; ++outlet) rig_->deliver(outlet);
      if (rig_->unsettled() > 0) rig_->settle(0);
      rig_->answer();
    }
    if (!wide_) CHECK(discovery_->files() == writers_.size());
    CHECK(discovery_->waiting() == 0);
    CHECK(rig_->tails().at_end());
  }

  void create(Writer& writer) {
    sim::NodeRef node;
    REQUIRE(world_.disk().create(writer.path, node) == 0);
    writer.file = sim::OpenFile(world_.disk(), node);
  }
  void append(Writer& writer, std::string_view bytes) { world_.disk().append(*writer.file, bytes); }
  void write(Writer& writer) {
    finish(writer);
    for (std::uint64_t i = random_.below(20); i > 0; --i) {
      const std::string line = text(writer);
      if (i == 1 && random_.chance(0.3)) {
        const std::size_t cut = random_.below(line.size());
        append(writer, line.substr(0, cut));
        writer.rest = line.substr(cut);
        return;
      }
      append(writer, line);
      ++writer.lines;
    }
  }
  void finish(Writer& writer) {
    if (writer.rest.empty()) return;
    append(writer, writer.rest);
    writer.rest.clear();
    ++writer.lines;
  }
  std::string text(const Writer& writer) const {
    const std::string number = std::to_string(writer.lines);
    const std::string line = writer.path + " " + number + " " + padding(writer.lines % 90) + "\n";
    return utf16_ ? utf16::encode(line) : line;
  }
  // Characters of all lengths, where they may be.
  std::string padding(std::uint64_t characters) const {
    if (!utf16_) return std::string(characters, 'p');
    std::string text;
    for (; characters > 0; --characters) {
      text += characters % 3 == 0 ? "\xf0\x9f\x98\x80" : characters % 3 == 1 ? "\xc3\xa4" : "p";
    }
    return text;
  }
  void let_register() {
    for (int i = 0; !wide_ && i < 2000; ++i) agent_step();
  }
  void rotate(Writer& writer) {
    let_register();
    rename(writer);
  }
  void rename(Writer& writer) {
    finish(writer);
    const std::string old = writer.path + "." + std::to_string(++writer.rotations);
    REQUIRE(world_.disk().rename(writer.path, old) == 0);
    if (random_.chance(0.5)) {  // somebody still writes to the old one
      write(writer);
      finish(writer);
    }
    create(writer);
  }
  // Only when everything is stored: what is truncated before it was read is lost for everybody.
  // Then the file may be refilled at once, beyond the old offset or not.
  void copytruncate(Writer& writer) {
    finish(writer);
    for (int i = 0; i < 3000; ++i) agent_step();
    if (stored(writer) != writer.lines) return;
    world_.disk().truncate(*writer.file, 0);
    if (random_.chance(0.7)) write(writer);
    if (random_.chance(0.3)) {
      stop();
      write(writer);
      start();
    }
  }

  std::uint64_t stored(const Writer& writer) const {
    std::uint64_t count = 0;
    for (const std::string& record : durable_.records()) count += record.starts_with(writer.path);
    return count;
  }
  static std::vector<std::string> lines_of(const std::string& record) {
    std::istringstream text(record);
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  void check() const {
    for (const Writer& writer : writers_) {
      CAPTURE(writer.path);
      std::vector<int> times(writer.lines, 0);
      for (const auto& shard : durable_.shards) {
        for (const std::string& record : shard.records) {
          for (const std::string& line : lines_of(record)) {
            if (!line.starts_with(writer.path)) continue;
            const std::uint64_t number = std::stoull(line.substr(writer.path.size() + 1));
            REQUIRE(number < writer.lines);
            ++times[number];
          }
        }
      }
      CHECK(std::count(times.begin(), times.end(), 0) == 0);  // lost
      CHECK(std::count(times.begin(), times.end(), 1) == static_cast<std::ptrdiff_t>(writer.lines));
    }
  }

  sim::SimWorld world_;
  sim::SimRandom& random_;
  rig::Durable durable_;
  const bool wide_;
  const bool grouping_;  // some lines belong to those before them
  const bool polling_;   // changes are noticed by looking only
  const bool utf16_;     // lines are cut at any byte, odd ones too
  std::size_t open_files_max_ = sources::Discovery::kUnlimited;
  base::Duration close_inactive_ = 60s;
  std::uint64_t closed_idle_ = 0;
  std::vector<Writer> writers_;
  std::unique_ptr<sim::Process> process_;
  std::optional<io::Environment> environment_;
  std::optional<rig::TailRig> rig_;
  std::optional<sources::Discovery> discovery_;
};

}  // namespace

TEST_CASE("sources: every line once, whatever writers, rotations and crashes do",
          "[sources][exactness]") {
  const auto seed = GENERATE(range(1U, 101U));
  CAPTURE(seed);
  Story(seed).tell();
}
