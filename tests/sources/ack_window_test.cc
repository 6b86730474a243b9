#include "sources/ack_window.h"

#include <random>
#include <utility>
#include <vector>

#include "sources/open_ages.h"
#include "tests/test.h"

TEST_CASE("ack window: the watermark is the end of the longest settled prefix",
          "[sources][ack_window]") {
  sources::AckWindow window(100);
  CHECK(window.empty());
  CHECK(window.watermark() == 100);
  const std::uint64_t first = window.open(110, 1);
  const std::uint64_t second = window.open(120, 2);
  const std::uint64_t third = window.open(120, 3);
  CHECK_FALSE(window.settle(second));
  CHECK(window.watermark() == 100);
  CHECK(window.settle(first));
  CHECK(window.watermark() == 120);
  CHECK(window.watermark_note() == 2);
  CHECK_FALSE(window.settle(third));  // the same end: nothing moved
  CHECK(window.empty());
}

TEST_CASE("ack window: tickets go on after a restart", "[sources][ack_window]") {
  sources::AckWindow window;
  window.settle(window.open(50));
  window.restart(0);
  CHECK(window.watermark() == 0);
  CHECK(window.settle(window.open(7)));
  CHECK(window.watermark() == 7);
}

TEST_CASE("ack window: any order of settling agrees with a list", "[sources][ack_window]") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  sources::AckWindow window;
  std::vector<std::pair<std::uint64_t, bool>> all;  // end, settled
  std::vector<std::pair<std::uint64_t, std::size_t>> open;
  std::uint64_t end = 0;
  for (int step = 0; step < 20'000; ++step) {
    if (open.empty() || random() % 100 < 52) {
      end += random() % 3;
      open.emplace_back(window.open(end, end * 7), all.size());
      all.emplace_back(end, false);
    } else {
      const std::size_t which = random() % open.size();
      all[open[which].second].second = true;
      window.settle(open[which].first);
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
    }
    if (step % 97 != 0) continue;
    std::uint64_t expected = 0;
    for (const auto& [each_end, settled] : all) {
      if (!settled) break;
      expected = each_end;
    }
    REQUIRE(window.watermark() == expected);
    REQUIRE(window.watermark_note() == expected * 7);
    REQUIRE(window.empty() == open.empty());
  }
}

TEST_CASE("open ages: the oldest is the one that was taken first and is not settled",
          "[sources][open_ages]") {
  const auto at = [](int ms) { return base::Instant(std::chrono::milliseconds(ms)); };
  sources::OpenAges ages;
  CHECK(ages.oldest() == base::Instant::max());
  ages.opened(at(1));
  ages.opened(at(1));
  ages.opened(at(2));
  ages.opened(at(5));
  ages.settled(at(2));
  CHECK(ages.oldest() == at(1));
  ages.settled(at(1));
  CHECK(ages.oldest() == at(1));
  ages.settled(at(1));
  CHECK(ages.oldest() == at(5));
  CHECK(ages.open() == 1);
  ages.settled(at(5));
  CHECK(ages.oldest() == base::Instant::max());
}
