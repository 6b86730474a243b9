#include "sources/checkpointer.h"

#include <cerrno>
#include <deque>
#include <map>
#include <random>
#include <string>

#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using sources::Checkpoint;

struct Waiter final : sources::Registered {
  int times = 0;
  void registered() override { ++times; }
};

Checkpoint at(std::uint64_t inode, std::uint64_t offset) {
  Checkpoint checkpoint;
  checkpoint.flow = "f";
  checkpoint.identity.inode = inode;
  checkpoint.offset = offset;
  return checkpoint;
}

std::string key(std::uint64_t inode) {
  return sources::checkpoint_key("f", {.device = 0, .inode = inode, .birth_ns = 0});
}

struct Log {
  std::deque<sources::CheckpointWrite> sent;
  sources::Checkpointer checkpointer{
      base::ReactorId{3}, [this](sources::CheckpointWrite w) { sent.push_back(std::move(w)); }};
  base::Instant now{1000s};

  void tick(base::Duration later = 0s) { checkpointer.tick(now += later); }
  sources::CheckpointWrite answer(int error = 0) {
    sources::CheckpointWrite write = sent.front();
    sent.pop_front();
    checkpointer.written(write.number, error, now);
    return write;
  }
};

}  // namespace

TEST_CASE("checkpointer: a registration goes at once and synced, and tells when it is durable",
          "[sources][checkpointer]") {
  Log log;
  Waiter waiter;
  log.tick();
  log.checkpointer.register_origin(at(1, 0), &waiter);
  CHECK(log.checkpointer.next_deadline() <= log.now);
  log.tick();
  REQUIRE(log.sent.size() == 1);
  CHECK(log.sent.front().synced);
  CHECK(log.sent.front().from == base::ReactorId{3});
  CHECK(waiter.times == 0);
  log.answer();
  CHECK(waiter.times == 1);
  CHECK(log.checkpointer.idle());
}

TEST_CASE("checkpointer: a registration is not erased with what was known of a former file",
          "[sources][checkpointer]") {
  Log log;
  Waiter waiter;
  Checkpoint present = at(1, 0);
  present.origin = base::Origin{2};
  log.checkpointer.register_origin(present, &waiter);
  log.checkpointer.erase(key(1), base::Origin{1});
  log.tick();
  REQUIRE(log.sent.front().put.size() == 1);
  CHECK(log.sent.front().erase.empty());
  log.answer();
  log.checkpointer.erase(key(1), base::Origin{2});
  log.tick(1s);
  REQUIRE(log.sent.front().erase.size() == 1);
}

TEST_CASE("checkpointer: nor is an update, or a registration that is given again",
          "[sources][checkpointer]") {
  Log log;
  Waiter waiter;
  Checkpoint present = at(1, 0);
  present.origin = base::Origin{2};
  log.checkpointer.register_origin(present, &waiter);
  log.tick();
  if (GENERATE(false, true)) {
    log.checkpointer.erase(key(1), base::Origin{1});
    log.answer(EIO);
    log.tick(1s);
    REQUIRE(log.sent.size() == 1);
    REQUIRE(log.sent.front().put.size() == 1);
    CHECK(log.sent.front().put.front().origin == base::Origin{2});
    log.answer();
    CHECK(waiter.times == 1);
    return;
  }
  log.answer();
  present.offset = 7;
  log.checkpointer.update(present);
  log.checkpointer.erase(key(1), base::Origin{1});
  log.tick(1s);
  REQUIRE(log.sent.front().put.size() == 1);
  CHECK(log.sent.front().put.front().offset == 7);
}

TEST_CASE("checkpointer: a failed registration is tried until it succeeds",
          "[sources][checkpointer]") {
  Log log;
  Waiter waiter;
  log.tick();
  log.checkpointer.register_origin(at(1, 0), &waiter);
  log.tick();
  log.answer(5);
  log.tick();
  CHECK(log.sent.empty());  // not at once
  CHECK(log.checkpointer.next_deadline() == log.now + sources::Checkpointer::kRetryInterval);
  log.tick(1s);
  REQUIRE(log.sent.size() == 1);
  CHECK(log.sent.front().synced);
  log.answer();
  CHECK(waiter.times == 1);
}

TEST_CASE("checkpointer: updates of one key in one interval are one write",
          "[sources][checkpointer]") {
  Log log;
  log.tick();
  for (std::uint64_t offset = 1; offset <= 10; ++offset) log.checkpointer.update(at(1, offset));
  log.tick();
  REQUIRE(log.sent.size() == 1);
  CHECK_FALSE(log.sent.front().synced);
  REQUIRE(log.sent.front().put.size() == 1);
  CHECK(log.answer().put.front().offset == 10);
  log.checkpointer.update(at(1, 11));
  log.tick(199ms);
  CHECK(log.sent.empty());
  log.tick(1ms);
  CHECK(log.sent.size() == 1);
  log.answer();
}

TEST_CASE("checkpointer: what stands nowhere else is written synced, though it failed once",
          "[sources][checkpointer]") {
  Log log;
  log.tick();
  log.checkpointer.update_synced(at(1, 5));
  log.tick();
  REQUIRE(log.sent.size() == 1);
  CHECK(log.sent.front().synced);
  log.checkpointer.update(at(1, 7));
  log.answer(28);
  log.tick(1s);
  REQUIRE(log.sent.size() == 1);
  CHECK(log.sent.front().synced);
  CHECK(log.answer().put.front().offset == 7);
  log.checkpointer.update(at(1, 9));
  log.tick(1s);
  REQUIRE(log.sent.size() == 1);
  CHECK_FALSE(log.sent.front().synced);
  log.answer();
}

TEST_CASE("checkpointer: a write that failed never overtakes what came after it",
          "[sources][checkpointer]") {
  Log log;
  Waiter waiter;
  log.tick();
  log.checkpointer.register_origin(at(1, 0), &waiter);
  log.checkpointer.update(at(2, 5));
  log.tick();
  log.checkpointer.update(at(1, 7));
  log.checkpointer.erase(key(2));
  log.tick(1s);
  CHECK(log.sent.size() == 1);  // one at a time
  log.answer(28);
  log.tick(1s);
  REQUIRE(log.sent.size() == 1);
  const auto write = log.answer();
  CHECK(write.synced);
  REQUIRE(write.put.size() == 1);
  CHECK(write.put.front().offset == 7);
  REQUIRE(write.erase.size() == 1);
  CHECK(write.erase.front().key == key(2));
  CHECK(waiter.times == 1);
}

TEST_CASE("checkpointer: covered() waits for what was reported before", "[sources][checkpointer]") {
  Log log;
  log.tick();
  const base::Instant first = log.now;
  CHECK(log.checkpointer.covered(log.now) == log.now);
  log.checkpointer.update(at(1, 1));
  log.tick(1s);
  CHECK(log.checkpointer.covered(log.now) == first);
  log.answer(5);
  CHECK(log.checkpointer.covered(log.now) == first);
  log.tick(1s);
  log.answer();
  CHECK(log.checkpointer.covered(log.now) == log.now);
}

TEST_CASE("checkpointer: covered() waits for what was under way before, too",
          "[sources][checkpointer]") {
  Log log;
  log.tick();
  const base::Instant taken = log.now;
  log.tick(10s);
  log.checkpointer.update(at(1, 10), taken);
  CHECK(log.checkpointer.covered(log.now) == taken);
  log.tick(1s);
  CHECK(log.checkpointer.covered(log.now) == taken);
  log.checkpointer.update(at(2, 20), taken - 5s);  // while the first is written
  log.answer(5);
  CHECK(log.checkpointer.covered(log.now) == taken - 5s);
  log.tick(1s);
  CHECK(log.checkpointer.covered(log.now) == taken - 5s);
  log.answer();
  CHECK(log.checkpointer.covered(log.now) == log.now);
}

TEST_CASE("checkpointer: it holds what is not sent, and what is not answered",
          "[sources][checkpointer]") {
  Log log;
  log.tick();
  Checkpoint checkpoint = at(1, 10);
  checkpoint.origin = base::Origin{7};
  log.checkpointer.update(checkpoint);
  CHECK(log.checkpointer.holds(key(1), base::Origin::none));
  CHECK_FALSE(log.checkpointer.holds(key(1), base::Origin{8}));  // another file's, the inode is
  CHECK(log.checkpointer.holds(key(1), base::Origin{7}));
  CHECK_FALSE(log.checkpointer.holds(key(2), base::Origin{7}));
  log.tick(1s);
  REQUIRE(log.sent.size() == 1);
  CHECK(log.checkpointer.holds(key(1), base::Origin{7}));
  log.answer(EIO);
  CHECK(log.checkpointer.holds(key(1), base::Origin{7}));
  log.tick(1s);
  log.answer();
  CHECK_FALSE(log.checkpointer.holds(key(1), base::Origin{7}));
}

TEST_CASE("checkpointer: at shutdown nothing waits for its time", "[sources][checkpointer]") {
  Log log;
  log.tick();
  log.checkpointer.update(at(1, 1));
  log.tick();
  log.answer();
  log.checkpointer.update(at(1, 2));
  log.tick();
  CHECK(log.sent.empty());
  log.checkpointer.flush_always();
  log.tick();
  REQUIRE(log.sent.size() == 1);
  log.answer();
  CHECK(log.checkpointer.idle());
}

TEST_CASE("checkpointer: a waiter that died is not told", "[sources][checkpointer]") {
  Log log;
  Waiter waiter;
  log.tick();
  log.checkpointer.register_origin(at(1, 0), &waiter);
  log.tick();
  log.checkpointer.forget_waiter(&waiter);
  log.answer();
  CHECK(waiter.times == 0);
}

TEST_CASE("checkpointer: many changes go in pieces, and the log ends as reported",
          "[sources][checkpointer]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  Log log;
  std::map<std::string, std::uint64_t> expected;
  std::map<std::string, std::uint64_t> written;
  const auto answer = [&](int error) {
    const auto write = log.answer(error);
    CHECK(write.put.size() + write.erase.size() <= sources::Checkpointer::kChangesMax);
    if (error != 0) return;
    for (const Checkpoint& each : write.put) written[key(each.identity.inode)] = each.offset;
    for (const auto& each : write.erase) written.erase(each.key);
  };
  for (std::uint64_t step = 1; step < 20'000; ++step) {
    const std::uint64_t inode = random() % 3000;
    if (random() % 10 == 0) {
      log.checkpointer.erase(key(inode));
      expected.erase(key(inode));
    } else {
      log.checkpointer.update(at(inode, step));
      expected[key(inode)] = step;
    }
    if (random() % 20 == 0) log.tick(100ms);
    if (random() % 20 == 0 && !log.sent.empty()) answer(random() % 3 == 0 ? 5 : 0);
  }
  log.checkpointer.flush_always();
  while (!log.checkpointer.idle()) {
    log.tick(1s);
    if (!log.sent.empty()) answer(0);
  }
  CHECK(written == expected);
}

TEST_CASE("checkpointer: where more changes all the time than a write takes, none waits for ever",
          "[sources][checkpointer]") {
  constexpr std::uint64_t kKeys = 3000;
  Log log;
  log.tick();
  std::map<std::string, std::uint64_t> noted;
  for (std::uint64_t round = 1; round <= 12; ++round) {
    const base::Instant reported = log.now;
    for (std::uint64_t inode = 0; inode < kKeys; ++inode) log.checkpointer.update(at(inode, round));
    do log.tick(sources::Checkpointer::kWriteInterval);
    while (log.sent.empty());
    for (const auto& put : log.answer(round % 4 == 0 ? EIO : 0).put) {
      noted[sources::checkpoint_key(put.flow, put.identity)] = put.offset;
    }
    if (round >= 6) CHECK(log.checkpointer.covered(log.now) > reported - 2s);
  }
  CHECK(noted.size() == kKeys);
  for (const auto& [each, offset] : noted) CHECK(offset + 5 > 12);
}

TEST_CASE("checkpointer: what many changes left is freed when it is idle, and it goes on",
          "[sources][checkpointer]") {
  constexpr std::uint64_t kFiles = 3000;
  Log log;
  Waiter waiter;
  log.tick();
  for (int round = 1; round <= 2; ++round) {
    for (std::uint64_t i = 0; i < kFiles; ++i) log.checkpointer.register_origin(at(i, 0), &waiter);
    CHECK(log.checkpointer.trim() == 0);
    std::size_t put = 0;
    for (log.tick(); !log.sent.empty(); log.tick()) {
      CHECK(log.checkpointer.trim() == 0);
      put += log.answer().put.size();
    }
    CHECK(put == kFiles);
    CHECK(waiter.times == static_cast<int>(kFiles) * round);
    CHECK(log.checkpointer.trim() >= kFiles * sizeof(Checkpoint));
    CHECK(log.checkpointer.trim() == 0);
  }
}

TEST_CASE("checkpointer: what is not sent is completed before who completes it goes (F06)",
          "[sources][checkpointer]") {
  struct Completes final : sources::CompletesCheckpoints {
    void complete(Checkpoint& checkpoint, std::size_t /*in_write*/) const override {
      checkpoint.path = "completed";
    }
  };
  Log log;
  log.tick();
  {
    const Completes completes;
    log.checkpointer.update(at(1, 10), log.now, &completes);
    log.checkpointer.forget(&completes);
  }
  log.tick(10s);
  REQUIRE(log.sent.size() == 1);
  CHECK(log.sent.front().put.front().path == "completed");
}
