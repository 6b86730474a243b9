#include "sinks/retry.h"

#include "tests/test.h"

using namespace std::chrono_literals;

namespace {
constexpr sinks::RetryPolicy kPolicy{.base = 500ms, .cap = 30s};
constexpr std::uint64_t kHighest = ~std::uint64_t{0};
}  // namespace

TEST_CASE("retry: the longest wait doubles from base to cap", "[sinks][retry]") {
  CHECK(sinks::backoff(kPolicy, 0, 0s, kHighest) == 500ms);
  CHECK(sinks::backoff(kPolicy, 1, 0s, kHighest) == 1s);
  CHECK(sinks::backoff(kPolicy, 5, 0s, kHighest) == 16s);
  CHECK(sinks::backoff(kPolicy, 6, 0s, kHighest) == 30s);
  CHECK(sinks::backoff(kPolicy, 4'000'000'000U, 0s, kHighest) == 30s);
}

TEST_CASE("retry: the wait is uniform over nothing to the longest", "[sinks][retry]") {
  CHECK(sinks::backoff(kPolicy, 3, 0s, 0) == 0s);
  CHECK(sinks::backoff(kPolicy, 3, 0s, kHighest / 4) / 1ms == 1000);
  CHECK(sinks::backoff(kPolicy, 3, 0s, kHighest / 2) / 1ms == 2000);
}

TEST_CASE("retry: never shorter than the other side asked, even beyond the cap", "[sinks][retry]") {
  CHECK(sinks::backoff(kPolicy, 0, 2min, kHighest) == 2min);
  CHECK(sinks::backoff(kPolicy, 0, 100ms, kHighest) == 500ms);
}

TEST_CASE("retry: a policy without waiting does not wait", "[sinks][retry]") {
  CHECK(sinks::backoff({.base = 0s, .cap = 30s}, 9, 0s, kHighest) == 0s);
  CHECK(sinks::backoff({.base = 1s, .cap = 0s}, 9, 0s, kHighest) == 0s);
}
