#include "config/units.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "tests/test.h"

namespace {

using namespace std::chrono_literals;

std::string bytes_error(std::string_view text) {
  const auto value = config::parse_bytes(text);
  return value ? "good" : value.error().message;
}

std::string time_error(std::string_view text) {
  const auto value = config::parse_duration(text);
  return value ? "good" : value.error().message;
}

}  // namespace

TEST_CASE("units: sizes are a whole number and a unit", "[config][units]") {
  struct Row {
    const char* text;
    std::uint64_t bytes;
  };
  const Row row = GENERATE(values<Row>({{"0", 0},
                                        {"0B", 0},
                                        {"1B", 1},
                                        {"4096B", 4096},
                                        {"512K", 512ULL << 10},
                                        {"512KiB", 512ULL << 10},
                                        {"4MiB", 4ULL << 20},
                                        {"4M", 4ULL << 20},
                                        {"4MB", 4'000'000},
                                        {"4 MiB", 4ULL << 20},
                                        {"1KB", 1000},
                                        {"3GiB", 3ULL << 30},
                                        {"3GB", 3'000'000'000},
                                        {"2TiB", 2ULL << 40},
                                        {"2TB", 2'000'000'000'000},
                                        {"2T", 2ULL << 40},
                                        {"18446744073709551615B", ~0ULL},
                                        {"007KiB", 7ULL << 10}}));
  CAPTURE(row.text);
  const auto value = config::parse_bytes(row.text);
  REQUIRE(value);
  CHECK(*value == row.bytes);
}

TEST_CASE("units: times are a whole number and a unit", "[config][units]") {
  struct Row {
    const char* text;
    base::Duration time;
  };
  const Row row = GENERATE(values<Row>({{"0", 0s},
                                        {"0s", 0s},
                                        {"1ns", 1ns},
                                        {"250us", 250us},
                                        {"500ms", 500ms},
                                        {"1s", 1s},
                                        {"90m", 90min},
                                        {"24h", 24h},
                                        {"7d", 168h},
                                        {"2w", 336h},
                                        {"9223372036854775807ns", base::Duration::max()}}));
  CAPTURE(row.text);
  const auto value = config::parse_duration(row.text);
  REQUIRE(value);
  CHECK(*value == row.time);
}

TEST_CASE("units: a wrong size says why", "[config][units]") {
  const std::string list = "B, KiB, MiB, GiB, TiB, K, M, G, T, KB, MB, GB, TB";
  CHECK(bytes_error("") == "it does not begin with a number");
  CHECK(bytes_error("MiB") == "it does not begin with a number");
  CHECK(bytes_error("-1MiB") == "it does not begin with a number");
  CHECK(bytes_error("+1MiB") == "it does not begin with a number");
  CHECK(bytes_error(" 1MiB") == "it does not begin with a number");
  CHECK(bytes_error("4") == "the unit is missing, as in '4MiB'");
  CHECK(bytes_error("4 ") == "the unit is missing, as in '4MiB'");
  CHECK(bytes_error("1.5MiB") == "use a whole number and a smaller unit");
  CHECK(bytes_error("1,5MiB") == "use a whole number and a smaller unit");
  CHECK(bytes_error("1e6B") == "use a whole number and a smaller unit");
  CHECK(bytes_error("4Mib") == "unknown unit 'Mib', did you mean 'MiB'?");
  CHECK(bytes_error("4mb") == "unknown unit 'mb', did you mean 'MB'?");
  CHECK(bytes_error("4bytes") == "unknown unit 'bytes', did you mean 'B'?");
  CHECK(bytes_error("4MiBs") == "unknown unit 'MiBs', did you mean 'MiB'?");
  CHECK(bytes_error("4parsec") == "unknown unit 'parsec'; units are " + list);
  CHECK(bytes_error("4s") == "unknown unit 's'; units are " + list);
  CHECK(bytes_error("4MiB 2") == "unknown unit 'MiB 2', did you mean 'MiB'?");
  CHECK(bytes_error("18446744073709551616B") == "it is too large");
  CHECK(bytes_error("16777216TiB") == "it is too large");
  CHECK(bytes_error("16777215TiB") == "good");
}

TEST_CASE("units: a wrong time says why", "[config][units]") {
  const std::string list = "ns, us, ms, s, m, h, d, w";
  CHECK(time_error("10") == "the unit is missing, as in '10s'");
  CHECK(time_error("1sec") == "unknown unit 'sec', did you mean 's'?");
  CHECK(time_error("5min") == "unknown unit 'min', did you mean 'm'?");
  CHECK(time_error("1H") == "unknown unit 'H', did you mean 'h'?");
  CHECK(time_error("2days") == "unknown unit 'days', did you mean 'd'?");
  CHECK(time_error("1h30m") == "unknown unit 'h30m'; units are " + list);
  CHECK(time_error("0.5s") == "use a whole number and a smaller unit");
  CHECK(time_error("9223372036854775808ns") == "it is too large");
  CHECK(time_error("15251w") == "it is too large");
  CHECK(time_error("15250w") == "good");
}

TEST_CASE("units: what is formatted parses to the same value", "[config][units]") {
  CHECK(config::format_bytes(0) == "0");
  CHECK(config::format_bytes(1) == "1B");
  CHECK(config::format_bytes(1023) == "1023B");
  CHECK(config::format_bytes(1024) == "1KiB");
  CHECK(config::format_bytes(4ULL << 20) == "4MiB");
  CHECK(config::format_bytes((4ULL << 20) + 1024) == "4097KiB");
  CHECK(config::format_duration(0s) == "0");
  CHECK(config::format_duration(1500ms) == "1500ms");
  CHECK(config::format_duration(24h) == "24h");
  CHECK(config::format_duration(48h) == "2d");
  CHECK(config::format_duration(49h) == "49h");
  const std::uint32_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t bytes = random() >> (random() % 64);
    CHECK(config::parse_bytes(config::format_bytes(bytes)).value() == bytes);
    const base::Duration time(static_cast<std::int64_t>(bytes >> 1U));
    CHECK(config::parse_duration(config::format_duration(time)).value() == time);
  }
}
