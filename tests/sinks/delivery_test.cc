#include "sinks/delivery.h"

#include <algorithm>

#include "tests/sinks/world.h"
#include "tests/test.h"

using namespace sinks_test;
using sinks::Outcome;
using Strings = std::vector<std::string>;

namespace {

constexpr pipeline::FlushPolicy kSecond{.bytes_max = 1000, .records_max = 100, .age_max = 1s};
constexpr pipeline::FlushPolicy kAtOnce{.bytes_max = 1000, .records_max = 100, .age_max = 0s};
constexpr base::Instant kNever = base::Instant::max();

std::size_t occurrences(const std::string& text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("delivery: with nothing to do it is drained and has no deadline", "[sinks][delivery]") {
  World world(kSecond);
  world.tick();
  CHECK(world.delivery->drained());
  CHECK(world.delivery->next_deadline() == kNever);
  CHECK(world.sink.given.empty());
}

TEST_CASE("delivery: flushes when the oldest batch is age_max old, not before",
          "[sinks][delivery]") {
  World world(kSecond);
  world.push({"a"});
  CHECK_FALSE(world.delivery->drained());
  world.tick();
  world.push({"b"});
  world.advance(1s - 1ns);
  CHECK(world.sink.given.empty());
  CHECK(world.delivery->next_deadline() == world.clock.now + 1ns);
  world.advance(1ns);
  CHECK(world.sink.given == std::vector<Strings>{{"a", "b"}});
}

TEST_CASE("delivery: flushes to an idle sink at a quarter of bytes_max, to a busy one at bytes_max",
          "[sinks][delivery]") {
  World world({.bytes_max = 800, .records_max = 100, .age_max = 1h}, 2);
  world.push({std::string(100, 'x')});
  world.tick();
  CHECK(world.sink.given.empty());
  world.push({std::string(100, 'y')});
  CHECK(world.delivery->next_deadline() <= world.clock.now);
  world.tick();
  CHECK(world.sink.given.size() == 1);
  for (int i = 0; i < 5; ++i) world.push({std::string(100, 'z')});
  world.tick();
  CHECK(world.sink.given.size() == 1);
  CHECK(world.delivery->next_deadline() > world.clock.now);
  world.push({std::string(100, 'z')});
  world.tick();
  CHECK(world.sink.given.size() == 2);
}

TEST_CASE("delivery: flushes at records_max", "[sinks][delivery]") {
  World by_records({.bytes_max = 100'000, .records_max = 3, .age_max = 1h});
  by_records.push({"a", "b"});
  by_records.tick();
  CHECK(by_records.sink.given.empty());
  by_records.push({"c"});
  by_records.tick();
  CHECK(by_records.sink.given == std::vector<Strings>{{"a", "b", "c"}});
}

TEST_CASE("delivery: a group holds at most bytes_max, or one batch", "[sinks][delivery]") {
  World world({.bytes_max = 100, .records_max = 1000, .age_max = 0s}, 4);
  world.push({std::string(500, 'x')});  // too big, but a batch cannot be cut for that
  world.push({"a"});
  world.push({"b"});
  world.push({"c"});
  world.tick();
  // Batches of one short record take 35 bytes: two fit into 100.
  CHECK(world.sink.given == std::vector<Strings>{{std::string(500, 'x')}, {"a", "b"}, {"c"}});
}

TEST_CASE("delivery: no more than groups_max groups are out", "[sinks][delivery]") {
  World world({.bytes_max = 1, .records_max = 1000, .age_max = 0s}, 2);
  for (const char* data : {"a", "b", "c", "d"}) world.push({data});
  world.tick();
  CHECK(world.sink.given.size() == 2);
  CHECK(world.delivery->next_deadline() == kNever);  // only an answer can help
  world.sink.answer(Outcome::delivered);
  CHECK(world.delivery->next_deadline() <= world.clock.now);
  world.tick();
  CHECK(world.sink.given == std::vector<Strings>{{"a"}, {"b"}, {"c"}});
}

TEST_CASE("delivery: settles every batch at its own home", "[sinks][delivery]") {
  World world(kAtOnce);
  pipeline::Batch& a = world.push({"a", "aa"}, 2);
  pipeline::Batch& b = world.push({"b"}, 1);
  pipeline::Batch& c = world.push({"c"}, 2);
  world.tick();
  CHECK(world.settled(2).empty());  // given is not delivered
  world.sink.answer(Outcome::delivered);
  CHECK(world.settled(0).empty());
  CHECK(world.settled(1) == std::vector<pipeline::Batch*>{&b});
  CHECK(world.settled(2) == std::vector<pipeline::Batch*>{&a, &c});
  CHECK(world.delivery->drained());
  CHECK(world.delivery->counters().records_delivered.value() == 4);
  CHECK(world.delivery->counters().groups_delivered.value() == 1);
  CHECK(world.delivery->counters().bytes_delivered.value() ==
        a.run.size() + b.run.size() + c.run.size() - 3 * base::kRunHeaderBytes);
}

TEST_CASE("delivery: a starving budget flushes what is not due, one group at a time",
          "[sinks][delivery]") {
  World world({.bytes_max = 1000, .records_max = 1000, .age_max = 1h}, 4);
  world.push({"a"});
  world.tick();
  CHECK(world.sink.given.empty());
  CHECK_FALSE(world.budget.take(world.budget.limit_bytes() + 1));
  CHECK(world.delivery->next_deadline() <= world.clock.now);
  world.tick();
  CHECK(world.sink.given.size() == 1);
  world.push({"b"});
  world.tick();
  CHECK(world.sink.given.size() == 1);  // an answer is under way: it may end the starving
  world.sink.answer(Outcome::delivered);
  world.tick();
  CHECK(world.sink.given.size() == 2);
}

TEST_CASE("delivery: flush_always leaves nothing behind", "[sinks][delivery]") {
  World world({.bytes_max = 1000, .records_max = 1000, .age_max = 1h});
  world.push({"a"});
  world.tick();
  world.delivery->flush_always();
  CHECK(world.delivery->next_deadline() <= world.clock.now);
  world.tick();
  CHECK(world.sink.given.size() == 1);
  CHECK_FALSE(world.delivery->drained());
  world.sink.answer(Outcome::delivered);
  CHECK(world.delivery->drained());
  world.push({"b"});  // and what comes later goes at once
  CHECK_FALSE(world.delivery->drained());
  world.tick();
  CHECK(world.sink.given.size() == 2);
}

TEST_CASE("delivery: what is retried is given again in order, before anything newer",
          "[sinks][delivery]") {
  World world({.bytes_max = 1, .records_max = 1000, .age_max = 0s}, 3);
  for (const char* data : {"a", "b", "c", "d"}) world.push({data});
  world.tick();
  REQUIRE(world.sink.given == std::vector<Strings>{{"a"}, {"b"}, {"c"}});
  world.sink.answer(Outcome::delivered);
  world.sink.answer(Outcome::retry);  // "b", and with it "c"
  world.sink.given.clear();
  CHECK(world.delivery->failing());
  world.push({"e"});
  world.advance_to_deadline();
  CHECK(world.sink.given == std::vector<Strings>{{"b"}, {"c"}, {"d"}});
  world.sink.answer(Outcome::delivered);
  CHECK_FALSE(world.delivery->failing());
  CHECK(world.sink.stored == Strings{"a", "b"});
  CHECK(world.delivery->counters().groups_retried.value() == 2);
}

TEST_CASE("delivery: nothing is started while an older group is still out after a failure",
          "[sinks][delivery]") {
  World world({.bytes_max = 1, .records_max = 1000, .age_max = 0s}, 3);
  for (const char* data : {"a", "b", "c"}) world.push({data});
  world.tick();
  sinks::Group& a = *world.sink.out[0];
  sinks::Group& b = *world.sink.out[1];
  a.done(a.owner, a, Outcome::retry, 0s);
  world.advance(1h);
  CHECK(world.sink.given.size() == 3);
  CHECK(world.delivery->next_deadline() == kNever);
  b.done(b.owner, b, Outcome::retry, 0s);
  world.advance(1h);
  CHECK(world.sink.given.size() == 3);
  sinks::Group& c = *world.sink.out[2];
  c.done(c.owner, c, Outcome::retry, 0s);
  world.advance(1h);
  CHECK(world.sink.given.size() == 6);
}

TEST_CASE("delivery: answers may come in another order than the groups went", "[sinks][delivery]") {
  World world({.bytes_max = 1, .records_max = 1000, .age_max = 0s}, 2);
  pipeline::Batch& a = world.push({"a"});
  pipeline::Batch& b = world.push({"b"});
  world.tick();
  sinks::Group& first = *world.sink.out[0];
  sinks::Group& second = *world.sink.out[1];
  second.done(second.owner, second, Outcome::delivered, 0s);
  CHECK(world.settled(0).empty());
  first.done(first.owner, first, Outcome::delivered, 0s);
  CHECK(world.settled(0) == std::vector<pipeline::Batch*>{&a, &b});
}

TEST_CASE("delivery: waits at least as long as the other side asks", "[sinks][delivery]") {
  World world(kAtOnce);
  world.push({"a"});
  world.tick();
  world.sink.answer(Outcome::retry, 2min);
  CHECK(world.delivery->next_deadline() >= world.clock.now + 2min);
  world.advance(2min - 1ns);
  CHECK(world.sink.given.size() == 1);
  CHECK_FALSE(world.delivery->drained());
}

TEST_CASE("delivery: tells the first failure, a reminder a minute, and the recovery",
          "[sinks][delivery]") {
  World world(kAtOnce);
  world.push({"a"});
  world.tick();
  const base::Instant begin = world.clock.now;
  int failures = 0;
  while (world.clock.now < begin + 10min) {
    world.sink.answer(Outcome::retry);
    ++failures;
    while (world.sink.out.empty()) world.advance_to_deadline();
  }
  const std::size_t lines = occurrences(world.log_text, "delivery failing");
  CHECK(failures > 20);
  CHECK(lines >= 5);  // at most a minute and one wait (30 s) apart
  CHECK(lines <= 10);
  CHECK(occurrences(world.log_text, "reason=because") == lines);
  CHECK(occurrences(world.log_text, "recovered") == 0);
  world.sink.answer(Outcome::delivered);
  CHECK(occurrences(world.log_text, "delivery recovered") == 1);
  CHECK(occurrences(world.log_text, "failures=" + std::to_string(failures)) >= 1);
}

TEST_CASE("delivery: a refused record alone is dropped, counted and told; the rest goes on",
          "[sinks][delivery]") {
  World world({.bytes_max = 100'000, .records_max = 1000, .age_max = 0s});
  Strings expected;
  for (int i = 0; i < 50; ++i) {
    Strings records;
    for (int j = 0; j < 10; ++j) {
      records.push_back(std::to_string(i) + "." + std::to_string(j));
      if (records.back() != "17.3") expected.push_back(records.back());
    }
    world.push(records);
  }
  world.sink.at_once = true;
  world.sink.bad = {"17.3"};
  world.tick();
  CHECK(world.delivery->drained());
  CHECK(world.sink.stored == expected);
  CHECK(world.settled(0).size() == 50);
  CHECK(world.delivery->counters().records_rejected.value() == 1);
  CHECK(world.delivery->counters().records_delivered.value() == 499);
  CHECK(occurrences(world.log_text, "record rejected") == 1);
  CHECK(world.sink.given.size() < 30);  // a search, not a walk through 500 records
}

TEST_CASE("delivery: drops every record when every record is refused", "[sinks][delivery]") {
  World world({.bytes_max = 100'000, .records_max = 1000, .age_max = 0s}, 4);
  world.sink.bad = {"a", "b", "c", "d", "e"};
  world.push({"a"});
  world.push({"b", "c"});
  world.push({"d", "e"});
  world.sink.at_once = true;
  world.tick();
  CHECK(world.delivery->drained());
  CHECK(world.settled(0).size() == 3);
  CHECK(world.delivery->counters().records_rejected.value() == 5);
  CHECK(world.sink.stored.empty());
}

TEST_CASE("delivery: a passing failure in the middle of a search does not lose the place",
          "[sinks][delivery]") {
  World world({.bytes_max = 100'000, .records_max = 1000, .age_max = 0s});
  world.sink.bad = {"c"};
  world.push({"a", "b", "c", "d", "e"});
  world.push({"f"});
  world.tick();
  while (!world.delivery->drained()) {
    world.sink.answer(Outcome::retry);  // every group fails once, then is answered
    world.advance_to_deadline();
    REQUIRE(world.sink.out.size() == 1);
    world.sink.answer(Outcome::delivered);
    world.tick();
  }
  CHECK(world.sink.stored == Strings{"a", "b", "d", "e", "f"});
  CHECK(world.delivery->counters().records_rejected.value() == 1);
  CHECK(world.settled(0).size() == 2);
}
