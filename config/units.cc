#include "config/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <system_error>
#include <vector>

#include "config/suggest.h"

namespace config {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 13> kByteUnits = {{{"B", 1},
                                              {"KiB", 1ULL << 10},
                                              {"MiB", 1ULL << 20},
                                              {"GiB", 1ULL << 30},
                                              {"TiB", 1ULL << 40},
                                              {"K", 1ULL << 10},
                                              {"M", 1ULL << 20},
                                              {"G", 1ULL << 30},
                                              {"T", 1ULL << 40},
                                              {"KB", 1'000},
                                              {"MB", 1'000'000},
                                              {"GB", 1'000'000'000},
                                              {"TB", 1'000'000'000'000}}};
constexpr std::size_t kBinaryByteUnits = 5;  // the first ones: what format_bytes() uses

constexpr std::array<Unit, 8> kTimeUnits = {{{"ns", 1},
                                             {"us", 1'000},
                                             {"ms", 1'000'000},
                                             {"s", 1'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"d", 86'400'000'000'000},
                                             {"w", 604'800'000'000'000}}};
constexpr std::size_t kFormattedTimeUnits = 7;  // weeks are read, never written

// The same word in another case or spelled out is the likeliest mistake.
std::string suggest_unit(std::string_view wrong, std::span<const Unit> units) {
  struct Spelling {
    std::string_view wrong, right;
  };
  static constexpr std::array<Spelling, 16> kSpellings = {{{"sec", "s"},
                                                           {"secs", "s"},
                                                           {"second", "s"},
                                                           {"seconds", "s"},
                                                           {"min", "m"},
                                                           {"mins", "m"},
                                                           {"minute", "m"},
                                                           {"minutes", "m"},
                                                           {"hour", "h"},
                                                           {"hours", "h"},
                                                           {"day", "d"},
                                                           {"days", "d"},
                                                           {"msec", "ms"},
                                                           {"millis", "ms"},
                                                           {"bytes", "B"},
                                                           {"byte", "B"}}};
  const auto known = [&](std::string_view name) {
    return std::ranges::any_of(units, [&](const Unit& unit) { return unit.name == name; });
  };
  for (const Spelling& spelling : kSpellings) {
    if (spelling.wrong == wrong && known(spelling.right)) return std::string(spelling.right);
  }
  for (const Unit& unit : units) {
    if (equal_ignoring_case(wrong, unit.name)) return std::string(unit.name);
  }
  std::vector<std::string_view> names;
  for (const Unit& unit : units) names.push_back(unit.name);
  return wrong.size() < 2 ? "" : nearest(wrong, names);
}

std::string list_of(std::span<const Unit> units) {
  std::string list;
  for (const Unit& unit : units) list += (list.empty() ? "" : ", ") + std::string(unit.name);
  return list;
}

base::Result<std::uint64_t> parse_with(std::string_view text, std::span<const Unit> units,
                                       std::uint64_t most, std::string_view example) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return base::fail(base::ErrorCode::invalid, "it does not begin with a number");
  const std::uint64_t number = TRY(parse_count(text.substr(0, digits)));
  std::string_view name = text.substr(digits);
  while (name.starts_with(' ')) name.remove_prefix(1);
  if (name.empty()) {
    if (number == 0) return 0;
    return base::fail(base::ErrorCode::invalid, "the unit is missing, as in '" +
                                                    std::string(text.substr(0, digits)) +
                                                    std::string(example) + "'");
  }
  if (name.front() == '.' || name.front() == ',' || name.front() == 'e') {
    return base::fail(base::ErrorCode::invalid, "use a whole number and a smaller unit");
  }
  const auto unit = std::ranges::find(units, name, &Unit::name);
  if (unit == units.end()) {
    const std::string near = suggest_unit(name, units);
    return base::fail(
        base::ErrorCode::invalid,
        "unknown unit '" + std::string(name) + "'" +
            (near.empty() ? "; units are " + list_of(units) : ", did you mean '" + near + "'?"));
  }
  if (number > most / unit->factor) return base::fail(base::ErrorCode::limit, "it is too large");
  return number * unit->factor;
}

std::string format_with(std::uint64_t value, std::span<const Unit> units) {
  if (value == 0) return "0";
  for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
    if (value % unit->factor == 0) {
      return std::to_string(value / unit->factor) + std::string(unit->name);
    }
  }
  return std::to_string(value);
}

}  // namespace

base::Result<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) {
    return base::fail(base::ErrorCode::limit, "it is too large");
  }
  if (error != std::errc() || end != text.data() + text.size()) {
    return base::fail(base::ErrorCode::invalid, "it is not a whole number");
  }
  return number;
}

base::Result<std::uint64_t> parse_bytes(std::string_view text) {
  return parse_with(text, kByteUnits, std::numeric_limits<std::uint64_t>::max(), "MiB");
}

base::Result<base::Duration> parse_duration(std::string_view text) {
  constexpr auto kMost = static_cast<std::uint64_t>(base::Duration::max().count());
  return base::Duration(
      static_cast<base::Duration::rep>(TRY(parse_with(text, kTimeUnits, kMost, "s"))));
}

std::string format_bytes(std::uint64_t bytes) {
  return format_with(bytes, std::span(kByteUnits).first(kBinaryByteUnits));
}

// Days only from two on: "24h" is how the default is written.
std::string format_duration(base::Duration duration) {
  const auto value = static_cast<std::uint64_t>(duration.count());
  const bool days = duration >= std::chrono::hours(48);
  return format_with(value, std::span(kTimeUnits).first(kFormattedTimeUnits - (days ? 0 : 1)));
}

}  // namespace config
