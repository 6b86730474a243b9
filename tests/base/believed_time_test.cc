#include "base/believed_time.h"

#include <chrono>

#include "tests/test.h"

namespace {

using namespace std::chrono_literals;
using base::BelievedTime;

// A wall clock and a monotonic one, looked at every half a minute.
struct Clocks {
  base::Timestamp wall{std::chrono::sys_days{std::chrono::year{2026} / 12 / 1}};
  base::Instant monotonic{1000s};
  BelievedTime believed;

  base::Timestamp after(base::Duration time) {
    base::Timestamp last = believed.at(wall, monotonic);
    for (base::Duration passed{}; passed < time; passed += 30s) {
      wall += 30s;
      monotonic += 30s;
      last = believed.at(wall, monotonic);
    }
    return last;
  }
};

constexpr auto kTenYears = std::chrono::hours(24 * 3652);

}  // namespace

TEST_CASE("believed time: is the wall clock's while that goes on as clocks do", "[base]") {
  Clocks clocks;
  CHECK(clocks.after(48h) == clocks.wall);
  clocks.wall += 59s;  // set right
  CHECK(clocks.after(0s) == clocks.wall);
  clocks.wall -= 59s;
  CHECK(clocks.after(30s) == clocks.wall);
}

TEST_CASE("believed time: a jump forward is believed when it has lasted a day", "[base]") {
  const base::Duration jump =
      GENERATE(base::Duration(2min), base::Duration(1h), base::Duration(kTenYears));
  Clocks clocks;
  const base::Timestamp before = clocks.after(1h);
  clocks.wall += std::chrono::floor<std::chrono::microseconds>(jump);
  CHECK(clocks.after(23h) == before + 23h);
  CHECK(clocks.after(2h) == clocks.wall);
}

TEST_CASE("believed time: a jump forward that is taken back never happened", "[base]") {
  Clocks clocks;
  const base::Timestamp before = clocks.after(1h);
  for (int i = 0; i < 5; ++i) {
    clocks.wall += kTenYears;
    clocks.after(20h);
    clocks.wall -= kTenYears;
    CHECK(clocks.after(1h) == before + (i + 1) * 21h);
  }
}

TEST_CASE("believed time: a jump back is believed at once, and its end is one forward", "[base]") {
  Clocks clocks;
  const base::Timestamp before = clocks.after(1h);
  clocks.wall -= kTenYears;
  CHECK(clocks.after(1h) == before - kTenYears + 1h);
  clocks.wall += kTenYears;
  CHECK(clocks.after(1h) == before - kTenYears + 2h);
  CHECK(clocks.after(24h) == clocks.wall);
}

TEST_CASE("believed time: what passed before the first look is believed after an hour", "[base]") {
  Clocks clocks;
  clocks.believed.begin(clocks.wall, clocks.monotonic);
  const base::Timestamp before = clocks.wall;
  clocks.wall += 48h;
  CHECK(clocks.after(59min) == before + 59min);
  CHECK(clocks.after(2min) == clocks.wall);
  // While it runs it is a jump.
  const base::Timestamp later = clocks.wall;
  clocks.wall += 48h;
  CHECK(clocks.after(23h) == later + 23h);
}

TEST_CASE("believed time: nor does a gap hide a jump", "[base]") {
  Clocks clocks;
  clocks.believed.begin(clocks.wall, clocks.monotonic);
  const base::Timestamp before = clocks.wall;
  clocks.wall += 48h;
  CHECK(clocks.after(30min) == before + 30min);
  clocks.wall += kTenYears;
  CHECK(clocks.after(23h) == before + 23h + 30min);
  CHECK(clocks.after(1h) == clocks.wall);
}
