// Delivery against chance: any mixture of pushes, answers and waiting must settle every batch once
// and keep every producer's order.
#include <algorithm>
#include <map>

#include "tests/sinks/world.h"
#include "tests/test.h"

using namespace sinks_test;
using sinks::Outcome;

namespace {

class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed)
      : random_(seed),
        world_({.bytes_max = 60 + random_.below(400),
                .records_max = 1 + random_.below(30),
                .age_max = std::chrono::milliseconds(random_.below(50))},
               1 + random_.below(4), seed) {}

  void run() {
    for (int step = 0; step < 400; ++step) {
      act();
      collect();
    }
    world_.delivery->flush_always();
    for (int step = 0; !world_.delivery->drained(); ++step) {
      REQUIRE(step < 100'000);
      answer();
      if (!world_.sink.out.empty() || world_.delivery->drained()) continue;
      REQUIRE(world_.delivery->next_deadline() != base::Instant::max());
      world_.advance_to_deadline();
    }
    collect();
    check();
  }

 private:
  void act() {
    switch (random_.below(4)) {
      case 0:
        for (std::uint64_t i = random_.below(5); i > 0; --i) push();
        break;
      case 1:
        world_.advance(std::chrono::milliseconds(random_.below(300)));
        break;
      default:
        answer();
        world_.tick();
    }
  }

  void push() {
    const auto home = static_cast<std::uint32_t>(random_.below(World::kReactors));
    std::vector<std::string> records;
    for (std::uint64_t i = 1 + random_.below(6); i > 0; --i) {
      records.push_back(std::to_string(home) + ":" + std::to_string(++pushed_[home]));
      if (random_.below(20) == 0) {
        world_.sink.bad.insert(records.back());
      } else {
        expected_[home].push_back(records.back());
      }
    }
    batches_[home].push_back(&world_.push(records, home));
  }

  void answer() {
    if (world_.sink.out.empty()) return;
    world_.sink.answer(random_.below(4) == 0 ? Outcome::retry : Outcome::delivered);
  }

  void collect() {
    for (std::uint32_t home = 0; home < World::kReactors; ++home) {
      for (pipeline::Batch* batch : world_.settled(home)) settled_[home].push_back(batch);
    }
  }

  void check() {
    std::map<std::uint32_t, std::vector<std::string>> stored;
    for (const std::string& data : world_.sink.stored) {
      stored[static_cast<std::uint32_t>(data[0] - '0')].push_back(data);
    }
    std::size_t count = 0;
    for (std::uint32_t home = 0; home < World::kReactors; ++home) {
      CHECK(settled_[home] == batches_[home]);
      CHECK(stored[home] == expected_[home]);
      count += expected_[home].size();
    }
    const sinks::DeliveryCounters& counters = world_.delivery->counters();
    CHECK(counters.records_delivered.value() == count);
    CHECK(counters.records_rejected.value() == world_.sink.bad.size());
  }

  SeededRandom random_;
  World world_;
  std::map<std::uint32_t, std::uint64_t> pushed_;
  std::map<std::uint32_t, std::vector<std::string>> expected_;
  std::map<std::uint32_t, std::vector<pipeline::Batch*>> batches_, settled_;
};

}  // namespace

TEST_CASE("delivery: by chance, every batch settles once and in order per producer",
          "[sinks][delivery][random]") {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    RandomRun(seed).run();
  }
}
