#include "agent/time_text.h"

#include "tests/test.h"

using namespace std::chrono_literals;

namespace {

constexpr base::Timestamp kNow{std::chrono::microseconds(1'795'249'720'910'795)};

std::string again(std::string_view text) {
  const auto time = agent::parse_time(text, kNow);
  return time ? agent::rfc3339(*time) : "error: " + time.error().message;
}

}  // namespace

TEST_CASE("time text: writes RFC 3339 in UTC with microseconds", "[agent][time_text]") {
  CHECK(agent::rfc3339(base::Timestamp{}) == "1970-01-01T00:00:00.000000Z");
  CHECK(agent::rfc3339(kNow) == "2026-11-21T08:28:40.910795Z");
  CHECK(agent::rfc3339(base::Timestamp{-1us}) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("time text: reads RFC 3339 with offsets and decimals", "[agent][time_text]") {
  CHECK(again("2026-11-21T08:28:40Z") == "2026-11-21T08:28:40.000000Z");
  CHECK(again("2026-11-21t08:28:40.5z") == "2026-11-21T08:28:40.500000Z");
  CHECK(again("2026-11-21 08:28:40.123456789Z") == "2026-11-21T08:28:40.123456Z");
  CHECK(again("2026-11-21T01:00:00+02:30") == "2026-11-20T22:30:00.000000Z");
  CHECK(again("2026-11-21T23:00:00-02:00") == "2026-11-22T01:00:00.000000Z");
  CHECK(again("2024-02-29T00:00:00Z") == "2024-02-29T00:00:00.000000Z");
}

TEST_CASE("time text: a minus sign and a duration is that long ago", "[agent][time_text]") {
  CHECK(agent::parse_time("-5m", kNow).value() == kNow - 5min);
  CHECK(agent::parse_time("-1d", kNow).value() == kNow - 24h);
}

TEST_CASE("time text: refuses what is no time", "[agent][time_text]") {
  for (const char* text :
       {"", "-", "-5", "-5x", "now", "2026", "2026-11-21", "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T08:60:00Z",
        "2026-11-21T08:28:40", "2026-11-21T08:28:40.Z", "2026-11-21T08:28:40Zx",
        "2026-11-21T08:28:40+2:00", "2026-11-21T08:28:40.1234567890Z"}) {
    CAPTURE(text);
    CHECK_FALSE(agent::parse_time(text, kNow));
  }
}
