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

TEST_CASE("samples: equal ones are added up, of peaks the highest counts", "[base][metrics]") {
  using Kind = base::Sample::Kind;
  const base::Samples sums = base::added_up({{"b", "", 1},
                                             {"a", "x=\"2\"", 2},
                                             {"a", "x=\"1\"", 3},
                                             {"a", "x=\"2\"", 5},
                                             {"c", "", 7, Kind::peak, true},
                                             {"c", "", 4, Kind::peak, true}});
  REQUIRE(sums.size() == 4);
  CHECK((sums[0].labels == "x=\"1\"" && sums[0].value == 3));
  CHECK((sums[1].labels == "x=\"2\"" && sums[1].value == 7));
  CHECK((sums[2].name == "b" && sums[2].value == 1));
  CHECK((sums[3].name == "c" && sums[3].value == 7 && sums[3].micros));
}

TEST_CASE("samples: millionths are printed as what they are of", "[base][metrics]") {
  CHECK(base::value_text({"a", "", 12}) == "12");
  CHECK(base::value_text({"a", "", 250'000, base::Sample::Kind::peak, true}) == "0.250000");
  CHECK(base::value_text({"a", "", 12'000'001, base::Sample::Kind::counter, true}) == "12.000001");
}
