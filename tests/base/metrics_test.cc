#include "base/metrics.h"

#include <thread>

#include "tests/test.h"

TEST_CASE("counter: counts and can be set", "[base][metrics]") {
  base::Counter counter;
  CHECK(counter.value() == 0);
  counter.add();
  counter.add(41);
  CHECK(counter.value() == 42);
  counter.set(7);
  CHECK(counter.value() == 7);
}

TEST_CASE("counter: a reader on another thread sees it grow and never shrink", "[base][metrics]") {
  base::Counter counter;
  constexpr std::uint64_t kCount = 200'000;
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kCount; ++i) counter.add();
  });
  std::uint64_t before = 0;
  bool grows = true;
  while (before < kCount) {
    const std::uint64_t now = counter.value();
    grows = grows && now >= before;
    before = now;
  }
  writer.join();
  CHECK(grows);
  CHECK(counter.value() == kCount);
}
