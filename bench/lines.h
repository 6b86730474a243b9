// Lines to measure with: always the same for the same seed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace bench {

struct LinesShape {
  std::uint64_t seed = 1;
  std::size_t bytes = 256 << 10;  // about; whole lines
  std::size_t line_bytes = 130;   // on average, with the newline
};

class LineGenerator {
 public:
  explicit LineGenerator(const LinesShape& shape) : random_(shape.seed), shape_(shape) {}

  std::uint64_t number(std::uint64_t below) { return random_() % below; }
  std::string address() {
    return std::string("10.") + std::to_string(number(4)) + '.' + std::to_string(number(256)) +
           '.' + std::to_string(number(256));
  }
  std::string time() {
    std::string text = "2026-11-21T07:";
    text += two(number(60)) + ':' + two(number(60)) + '.' + std::to_string(100 + number(900)) + 'Z';
    return text;
  }
  std::string path() {
    std::string text;
    for (std::uint64_t i = 1 + number(3); i > 0; --i) text.append(1, '/').append(word());
    return text;
  }
  // Words up to the line's length: the average less a third, or more, by chance.
  void fill(std::string& text, std::size_t used) {
    const std::size_t spread = shape_.line_bytes / 3;
    const std::size_t target = shape_.line_bytes - spread + number(2 * spread + 1);
    while (used + 1 < target) {
      std::string_view next = word();
      next = next.substr(0, target - used - 1);
      text += next;
      text += used + next.size() + 2 < target ? " " : "";
      used += next.size() + 1;
    }
  }
  static std::string two(std::uint64_t n) {
    return std::string(n < 10 ? "0" : "") + std::to_string(n);
  }

 private:
  std::string_view word() {
    static constexpr std::array<std::string_view, 16> kWords = {
        "request", "orders", "customer", "timeout", "in",  "api",      "payment", "retry",
        "session", "v1",     "cart",     "of",      "the", "upstream", "cache",   "accepted"};
    return kWords[number(kWords.size())];
  }

  std::mt19937_64 random_;
  LinesShape shape_;
};

// {"time":"…","level":"info","client":"10.1.2.3","status":200,"message":"…"}
inline std::string json_lines(const LinesShape& shape) {
  LineGenerator generator(shape);
  std::string text;
  while (text.size() < shape.bytes) {
    std::string line = std::string("{\"time\":\"") + generator.time() +
                       "\",\"level\":\"info\",\"client\":\"" + generator.address() +
                       "\",\"status\":" + std::to_string(200 + generator.number(4) * 100) +
                       ",\"message\":\"";
    generator.fill(line, line.size() + 3);
    text += line + "\"}\n";
  }
  return text;
}

// 10.1.2.3 - - [21/Nov/2026:07:04:05 +0000] "GET /api/v1 HTTP/1.1" 200 1234 "-" "…"
inline std::string log_lines(const LinesShape& shape) {
  LineGenerator generator(shape);
  std::string text;
  while (text.size() < shape.bytes) {
    std::string line =
        generator.address() + " - - [21/Nov/2026:07:" + LineGenerator::two(generator.number(60)) +
        ':' + LineGenerator::two(generator.number(60)) + " +0000] \"GET " + generator.path() +
        " HTTP/1.1\" " + std::to_string(200 + generator.number(4) * 100) + ' ' +
        std::to_string(generator.number(100'000)) + " \"-\" \"";
    generator.fill(line, line.size() + 2);
    text += line + "\"\n";
  }
  return text;
}

inline std::size_t count_lines(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

// `text` with readable bytes behind it, as chunks have them.
inline std::string padded(std::string_view text) {
  return std::string(text) + std::string(64, '\0');
}

}  // namespace bench
