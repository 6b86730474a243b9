// Whatever the text, parse() comes back with mistakes or a configuration: soon, and within its
// bounds.
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include "config/load.h"
#include "config/yaml.h"
#include "tests/test.h"

namespace {

std::string example() {
  std::ifstream file("config/example.yaml");
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Parses and describes; gives the first message back.
std::string first_message(const std::string& text) {
  const config::Loaded loaded = config::parse(text, {});
  config::describe(loaded.mistakes, "t.yaml", text);
  return loaded.mistakes.empty() ? "good" : loaded.mistakes[0].message;
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string out;
  out.reserve(part.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

}  // namespace

TEST_CASE("robustness: the example cut at every byte is a mistake or a smaller file",
          "[config][robustness]") {
  const std::string whole = example();
  std::size_t good = 0;
  for (std::size_t bytes = 0; bytes <= whole.size(); bytes += bytes < 200 ? 1 : 7) {
    if (first_message(whole.substr(0, bytes)) == "good") ++good;
  }
  CHECK(first_message(whole) == "good");
  CHECK(good >= 1);
}

TEST_CASE("robustness: random damage to the example never crashes", "[config][robustness]") {
  const std::uint32_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string whole = example();
  constexpr std::string_view kBytes = "{}[]:,-?&*!|>'\"%@`#~\t\n\r ${0aé\x04\xff\\";
  for (int i = 0; i < 1500; ++i) {
    std::string text = whole;
    const std::size_t changes = 1 + random() % 8;
    for (std::size_t change = 0; change < changes; ++change) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = kBytes[random() % kBytes.size()];
          break;
        case 1:
          text.insert(at, 1, kBytes[random() % kBytes.size()]);
          break;
        case 2:
          text.erase(at, 1 + random() % 20);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 40));
          break;
      }
    }
    CAPTURE(i, text);
    first_message(text);
  }
  SUCCEED();
}

TEST_CASE("robustness: garbage is refused at its first byte that is no text",
          "[config][robustness]") {
  const std::uint32_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  std::string bytes(100'000, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  CHECK(first_message("a: " + bytes) != "good");
  CHECK(first_message(std::string("a\0b", 3)) ==
        "control byte 0x00 is not text; is this a configuration file?");
  CHECK(first_message("a: \x04") == "control byte 0x04 is not text; is this a configuration file?");
  CHECK(first_message("a: \xff") == "byte 0xff is not UTF-8 text");
  CHECK(first_message("\xfe\xff\x01") == "byte 0xfe is not UTF-8 text");
  CHECK(first_message("a: \xc0\xaf") == "byte 0xc0 is not UTF-8 text");      // overlong
  CHECK(first_message("a: \xed\xa0\x80") == "byte 0xed is not UTF-8 text");  // surrogate
  CHECK(first_message("a: \xe2\x82") == "byte 0xe2 is not UTF-8 text");      // cut
  CHECK(first_message("a: \xf4\x90\x80\x80") == "byte 0xf4 is not UTF-8 text");
}

TEST_CASE("robustness: 100 KB of printable garbage is mistakes", "[config][robustness]") {
  const std::uint32_t seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20; ++i) {
    std::string text(100'000, ' ');
    for (char& c : text) c = random() % 40 == 0 ? '\n' : static_cast<char>(' ' + random() % 95);
    CHECK(first_message(text) != "good");
  }
  for (const char c : std::string_view("[{-?:&*!|>'\"%@`#,]}a0~ \n")) {
    CAPTURE(c);
    CHECK(first_message(std::string(100'000, c)) != "good");
    CHECK(first_message("a: " + std::string(100'000, c)) != "good");
    CHECK(first_message("a:\n  b: " + std::string(100'000, c)) != "good");
  }
}

TEST_CASE("robustness: deep nesting is refused, whatever it is made of", "[config][robustness]") {
  const auto deep = [](std::size_t depth) {
    return "a: " + repeated("[", depth) + repeated("]", depth) + "\n";
  };
  const std::string too_deep = "values are nested more than 32 deep";
  const auto says = [](const std::string& text, std::string_view message) {
    for (const config::Mistake& mistake : config::parse(text, {}).mistakes) {
      if (mistake.message == message) return true;
    }
    return false;
  };
  CHECK_FALSE(says(deep(config::kDepthMax - 1), too_deep));  // the map around it is a level
  CHECK(says(deep(config::kDepthMax), too_deep));
  CHECK(says(deep(400), too_deep));
  const auto refused = [&](const std::string& text) {
    return says(text, too_deep) || says(text, "values are nested too deeply");
  };
  CHECK(refused(deep(5000)));
  CHECK(refused(repeated("- ", 5000) + "a"));
  CHECK(refused(repeated("? ", 5000) + "a"));
  CHECK(refused(repeated("{a: ", 5000)));
  std::string stairs;
  for (std::size_t i = 0; i < 700; ++i) stairs += std::string(i, ' ') + "a:\n";
  CHECK(refused(stairs));
}

TEST_CASE("robustness: aliases that double themselves meet a bound", "[config][robustness]") {
  std::string text = "a: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 12; ++i) {
    text += "b" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += (k ? ", *a" : "*a") + std::to_string(i - 1);
    text += "]\n";
  }
  std::size_t bounded = 0;
  for (const config::Mistake& mistake : config::parse(text, {}).mistakes) {
    if (mistake.message.starts_with("aliases make the file larger than")) ++bounded;
  }
  CHECK(bounded == 1);

  // Few values, but large ones.
  std::string large = "a: &a " + std::string(100'000, 'x') + "\nb: [";
  for (int i = 0; i < 200; ++i) large += i == 0 ? "*a" : ", *a";
  bool found = false;
  for (const config::Mistake& mistake : config::parse(large + "]\n", {}).mistakes) {
    found = found || mistake.message.starts_with("aliases make the file larger than");
  }
  CHECK(found);
}

TEST_CASE("robustness: keys that are maps are read where they are wanted, within the same bound",
          "[config][robustness]") {
  const std::string text = "positions:\n  ? path: /a\n    labels: '{}'\n  : '8'\n";
  config::Mistakes refused;
  config::parse_yaml(text, refused);
  CHECK_FALSE(refused.empty());
  config::Mistakes none;
  const auto root = config::parse_yaml(text, none, config::YamlKeys::also_maps);
  CHECK(none.empty());
  REQUIRE(root);
  const config::NodeEntry& entry = root->entries.at(0).value.entries.at(0);
  CHECK(entry.value.text == "8");
  REQUIRE(entry.key_entries.size() == 2);
  CHECK(entry.key_entries[0].value.text == "/a");

  std::string large = "a: &a { ? { b: " + std::string(100'000, 'x') + " } : 1 }\nb: [";
  for (int i = 0; i < 200; ++i) large += i == 0 ? "*a" : ", *a";
  config::Mistakes bounded;
  config::parse_yaml(large + "]\n", bounded, config::YamlKeys::also_maps);
  CHECK_FALSE(bounded.empty());
}

TEST_CASE("robustness: a file at the limit is read, one byte more is refused",
          "[config][robustness]") {
  const std::string small = "data_dir: /d\nflows: { f: { from: { files: /a }, to: null } }\n#";
  std::string text = small + std::string(config::kFileBytesMax - small.size(), 'x');
  CHECK(first_message(text) == "good");
  CHECK(first_message(text + "x") == "the file is larger than 1MiB");
}
