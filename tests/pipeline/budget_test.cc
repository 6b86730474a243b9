#include "pipeline/budget.h"

#include <atomic>
#include <chrono>
#include <semaphore>
#include <thread>
#include <vector>

#include "tests/test.h"

using pipeline::Budget;
using pipeline::Doorbell;

namespace {

// Counts wake-ups of an owner that is always asleep again by the time it is rung.
struct Sleeper {
  int woken = 0;
  Doorbell doorbell{this, [](void* self) noexcept { ++static_cast<Sleeper*>(self)->woken; }};
};

}  // namespace

TEST_CASE("budget: gives what it has and not one byte more", "[pipeline][budget]") {
  Budget budget(100, {});
  CHECK(budget.take(60));
  CHECK(budget.take(40));
  CHECK(budget.available_bytes() == 0);
  CHECK_FALSE(budget.take(1));
  CHECK(budget.available_bytes() == 0);
  budget.give_back(100);
  CHECK(budget.available_bytes() == 100);
  CHECK(budget.take(100));
}

TEST_CASE("budget: an overdraft must be repaid before more is given", "[pipeline][budget]") {
  Budget budget(100, {});
  CHECK(budget.take(100));
  budget.overdraw(50);
  CHECK(budget.available_bytes() == -50);
  budget.give_back(50);
  CHECK_FALSE(budget.take(1));
  budget.give_back(100);
  CHECK(budget.take(100));
}

TEST_CASE("budget: starving rings everybody once, and again when credit returns",
          "[pipeline][budget]") {
  Sleeper first;
  Sleeper second;
  Budget budget(10, {&first.doorbell, &second.doorbell});
  const auto sleep = [&] {
    first.doorbell.announce_sleep();
    second.doorbell.announce_sleep();
  };
  sleep();
  CHECK(budget.take(10));
  CHECK_FALSE(budget.starving());
  CHECK(first.woken == 0);
  CHECK_FALSE(budget.take(1));
  CHECK(budget.starving());
  CHECK(first.woken == 1);
  CHECK(second.woken == 1);
  sleep();
  CHECK_FALSE(budget.take(1));  // still starving: everybody knows
  CHECK(first.woken == 1);
  budget.give_back(10);
  CHECK_FALSE(budget.starving());
  CHECK(first.woken == 2);
  CHECK(second.woken == 2);
  sleep();
  CHECK(budget.take(10));
  budget.give_back(10);  // nobody is waiting
  CHECK(first.woken == 2);
}

TEST_CASE("budget: no wake-up is lost between takers and a giver", "[pipeline][budget]") {
  // Takers sleep whenever they find too little. The time-out is for the failure only.
  struct Taker {
    std::counting_semaphore<> wakes{0};
    Doorbell doorbell{this,
                      [](void* self) noexcept { static_cast<Taker*>(self)->wakes.release(); }};
  };
  constexpr std::uint64_t kLimit = 100;
  constexpr int kTakes = 20'000;
  Taker takers[2];
  Budget budget(kLimit, {&takers[0].doorbell, &takers[1].doorbell});
  std::atomic<std::uint64_t> out{0};
  std::atomic<std::uint64_t> taken{0};
  std::atomic<int> running{2};
  std::atomic<bool> lost{false};
  const bool in_line = GENERATE(false, true);  // the one who takes more, where he has to wait
  const auto take_many = [&](Taker& self, std::uint64_t bytes) {
    const void* const next = in_line && bytes > 50 ? &self : nullptr;
    for (int i = 0; i < kTakes && !lost; ++i) {
      for (self.doorbell.awake(); !budget.take_or_alone(bytes, next) && !lost;
           self.doorbell.awake()) {
        if (self.doorbell.announce_sleep() &&
            !self.wakes.try_acquire_for(std::chrono::seconds(20))) {
          lost = true;
        }
      }
      taken += bytes;
      out += bytes;
    }
    --running;
  };
  std::thread first([&] { take_many(takers[0], 70); });
  std::thread second([&] { take_many(takers[1], 45); });
  while (running != 0 || out != 0) budget.give_back(out.exchange(0));
  first.join();
  second.join();
  CHECK_FALSE(lost);
  CHECK(taken == kTakes * (70 + 45));
  CHECK(budget.available_bytes() == static_cast<std::int64_t>(kLimit));
}

TEST_CASE("budget: can be made larger and smaller while some of it is out", "[pipeline][budget]") {
  Sleeper sleeper;
  Budget budget(100, {&sleeper.doorbell});
  CHECK(budget.take(100));
  budget.resize(40);
  CHECK(budget.limit_bytes() == 40);
  budget.give_back(60);
  CHECK_FALSE(budget.take(1));                     // 40 are out still
  CHECK_FALSE(sleeper.doorbell.announce_sleep());  // it was rung for those that failed
  CHECK(sleeper.doorbell.announce_sleep());
  sleeper.woken = 0;
  budget.resize(50);
  CHECK(sleeper.woken == 1);  // who waited for credit hears of it
  CHECK(budget.take(10));
  budget.give_back(50);
  CHECK(budget.available_bytes() == 50);
}

TEST_CASE("budget: who is next has what comes back, others hear when he has it or wants it no more",
          "[pipeline][budget]") {
  Sleeper sleeper;
  Budget budget(100, {&sleeper.doorbell});
  const int first = 0;
  const int second = 0;
  CHECK(budget.take(100));
  CHECK_FALSE(budget.take_or_alone(80, &first));
  CHECK_FALSE(budget.take_or_alone(80, &second));  // somebody is
  budget.give_back(50);
  CHECK_FALSE(budget.take(10));
  CHECK_FALSE(budget.take_or_alone(10, &second));
  CHECK_FALSE(budget.take_or_alone(80, &first));
  budget.give_back(30);
  sleeper.doorbell.announce_sleep();
  sleeper.woken = 0;
  const bool withdraws = GENERATE(false, true);
  if (withdraws) {
    budget.withdraw(&second);  // he is not next
    CHECK(sleeper.woken == 0);
    budget.withdraw(&first);
  } else {
    CHECK(budget.take_or_alone(80, &first));
    budget.give_back(80);
  }
  CHECK(sleeper.woken == 1);
  CHECK(budget.take_or_alone(10, &second));
  CHECK(budget.take(10));
  CHECK(budget.available_bytes() == 60);
}

TEST_CASE("budget: more than there is has who is next when nothing else is out",
          "[pipeline][budget]") {
  Budget budget(100, {});
  const int taker = 0;
  CHECK(budget.take(1));
  CHECK_FALSE(budget.take_or_alone(150, &taker));
  budget.give_back(1);
  CHECK_FALSE(budget.take(1));
  CHECK(budget.take_or_alone(150, &taker));
  budget.give_back(150);
  CHECK(budget.take(1));
}
