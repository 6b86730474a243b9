#include "tests/sim/line_style.h"

#include <algorithm>
#include <charconv>

#include "tests/sources/utf16_bytes.h"

namespace sim {

namespace {

std::string repeated_alphabet() {
  std::string letters;
  while (letters.size() < 512) letters += "abcdefghijklmnopqrstuvwxyz";
  return letters;
}

}  // namespace

LineStyle LineStyle::drawn(SimRandom& random) {
  using namespace std::string_literals;
  LineStyle style;
  if (random.chance(0.2)) style.delimiter = random.chance(0.5) ? "\0"s : "<<>><<"s;
  style.carriage_returns = style.delimiter == "\n" && random.chance(0.15);
  style.empty_lines = random.chance(0.15);
  if (random.chance(0.15)) style.header_lines = 1 + static_cast<std::uint32_t>(random.below(4));
  if (random.chance(0.1)) style.banner_lines = 1 + static_cast<std::uint32_t>(random.below(12));
  style.byte_order_mark = random.chance(0.15);
  style.wide_letters = random.chance(0.2);
  if (random.chance(0.1)) style.line_bytes_max = 80 + random.below(60);
  if (random.chance(0.15)) {
    using enum sources::Encoding;
    const std::uint64_t which = random.below(3);
    style.encoding = which == 0 ? utf16le : which == 1 ? utf16be : utf16;
  }
  return style;
}

void LineStyle::describe(config::Flow& flow) const {
  if (delimiter != "\n") flow.program.framer.delimiter = pipeline::Delimiter(delimiter);
  if (empty_lines) flow.program.empty_lines = pipeline::EmptyLines::skip;
  if (line_bytes_max != 0) {
    flow.program.framer.line_bytes_max = line_bytes_max;
    flow.program.framer.long_lines = pipeline::LongLines::truncate;
  }
  flow.tail.header_lines = header_lines;
  flow.tail.encoding = encoding;
}

std::string LineStyle::told() const {
  std::string told;
  if (delimiter != "\n") told += " delimiter of " + std::to_string(delimiter.size());
  if (carriage_returns) told += " cr";
  if (empty_lines) told += " empty lines";
  if (header_lines > 0) told += " header " + std::to_string(header_lines);
  if (banner_lines > 0) told += " banner " + std::to_string(banner_lines);
  if (byte_order_mark) told += " bom";
  if (wide_letters) told += " wide";
  if (line_bytes_min > 0) told += " min " + std::to_string(line_bytes_min);
  if (line_bytes_max > 0) told += " max " + std::to_string(line_bytes_max);
  if (encoding != sources::Encoding::utf8) {
    told += " encoding " + std::to_string(static_cast<int>(encoding));
  }
  return told;
}

std::string LineStyle::whole_text(const WrittenLine& line) const {
  static const std::string kLetters = repeated_alphabet();
  std::string text = "w" + std::to_string(line.writer) + " g" + std::to_string(line.generation) +
                     " n" + std::to_string(line.number) + " ";
  if (wide_letters && line.number % 3 == 0) text += "\u00e4\u20ac\U0001d11e\u00df";
  const std::size_t length = (line.number * 37 + line.writer * 11) % 150;
  text.append(kLetters, (line.number * 7) % 26, length);
  if (text.size() < line_bytes_min) text.append(kLetters, 0, line_bytes_min - text.size());
  return text;
}

std::string LineStyle::text(const WrittenLine& line) const {
  std::string text = whole_text(line);
  if (line_bytes_max != 0 && text.size() > line_bytes_max) text.resize(line_bytes_max);
  return text;
}

bool LineStyle::parse(std::string_view given, WrittenLine& line) const {
  const std::string_view whole = given;
  const auto take = [&given](char tag, auto& number) {
    if (given.empty() || given.front() != tag) return false;
    const auto [end, error] =
        std::from_chars(given.data() + 1, given.data() + given.size(), number);
    if (error != std::errc{} || end == given.data() + given.size() || *end != ' ') return false;
    given.remove_prefix(static_cast<std::size_t>(end - given.data()) + 1);
    return true;
  };
  return take('w', line.writer) && take('g', line.generation) && take('n', line.number) &&
         text(line) == whole;
}

std::string LineStyle::banner(std::uint32_t number) const {
  return "banner " + std::to_string(number) + " of every program, 42 bytes";
}

std::string LineStyle::encode(std::string_view text) const {
  if (encoding == sources::Encoding::utf8) return std::string(text);
  const bool big = encoding == sources::Encoding::utf16be;
  return utf16::encode(text, big ? sources::ByteOrder::big : sources::ByteOrder::little);
}

std::string LineStyle::beginning() const {
  const std::string end = (carriage_returns ? "\r" : "") + delimiter;
  std::string text = byte_order_mark ? "\ufeff" : "";
  for (std::uint32_t i = 0; i < header_lines; ++i) {
    text += "header " + std::to_string(i) + " that nobody asks for" + end;
  }
  for (std::uint32_t i = 0; i < banner_lines; ++i) text += banner(i) + end;
  return encode(text);
}

std::string LineStyle::end_of_line(SimRandom& random) const {
  std::string end = (carriage_returns ? "\r" : "") + delimiter;
  while (empty_lines && random.chance(0.3)) {
    const bool cr = delimiter == "\n" && random.chance(0.3);
    end += (cr ? "\r" : "") + delimiter;
  }
  return encode(end);
}

std::string LineStyle::written(const WrittenLine& line) const { return encode(whole_text(line)); }

}  // namespace sim
