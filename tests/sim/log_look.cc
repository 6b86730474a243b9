#include "tests/sim/log_look.h"

namespace sim {

LogLook::LogLook(const LogWriters& writers)
    : writers_(writers), seen_(writers.count()), banners_(writers.style().banner_lines) {
  for (std::uint32_t i = 0; i < writers.count(); ++i) seen_[i].resize(writers.lines(i));
}

void LogLook::begin_shard() { last_.assign(writers_.count(), {}); }

std::string LogLook::take(std::string_view record) {
  const LineStyle& style = writers_.style();
  for (;;) {
    const std::size_t end = record.find(style.delimiter);
    std::string_view text = record.substr(0, end);
    const bool inside = end != std::string_view::npos;
    // Within a group the bytes between its lines are as they were written.
    if (inside && style.carriage_returns && text.ends_with('\r')) text.remove_suffix(1);
    if (std::string wrong = take_line(text); !wrong.empty()) return wrong;
    if (!inside) return {};
    record.remove_prefix(end + style.delimiter.size());
  }
}

bool LogLook::is_banner(std::string_view text) {
  if (!text.starts_with("banner ")) return false;
  for (std::uint32_t i = 0; i < banners_.size(); ++i) {
    if (text != writers_.style().banner(i)) continue;
    ++banners_[i];
    return true;
  }
  return false;
}

std::string LogLook::take_line(std::string_view text) {
  if (is_banner(text)) {
    for (const std::uint64_t seen : banners_) {
      if (seen > writers_.banners() && !writers_.rewrites())
        return "stored too often: '" + std::string(text) + "'";
    }
    return {};
  }
  WrittenLine line;
  if (!writers_.style().parse(text, line)) {
    return "stored but never written: '" + std::string(text) + "'";
  }
  const auto name = [&] { return "'" + std::string(text.substr(0, 24)) + "…'"; };
  if (line.writer >= seen_.size() || line.number >= seen_[line.writer].size()) {
    return "stored before it was written: " + name();
  }
  // Of what was written anew nobody knows after a kill what was stored and not noted.
  const bool may_double = writers_.rewrites();
  if (seen_[line.writer][line.number]) {
    if (may_double) return {};
    return "stored twice: " + name();
  }
  seen_[line.writer][line.number] = true;
  auto& generations = last_[line.writer];
  if (generations.size() <= line.generation) generations.resize(line.generation + 1, -1);
  const auto number = static_cast<std::int64_t>(line.number);
  if (generations[line.generation] > number && !may_double) return "out of order: " + name();
  generations[line.generation] = number;
  return {};
}

std::string LogLook::missing() const {
  std::string result;
  for (std::uint32_t writer = 0; writer < seen_.size(); ++writer) {
    std::uint64_t count = 0;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    const std::uint64_t lines = writers_.lines(writer);
    for (std::uint64_t number = 0; number < lines; ++number) {
      if (number < seen_[writer].size() && seen_[writer][number]) continue;
      if (writers_.may_be_missing(writer, number)) continue;
      if (count++ == 0) first = number;
      last = number;
    }
    if (count == 0) continue;
    result += " writer " + std::to_string(writer) + " misses " + std::to_string(count) + " of " +
              std::to_string(lines) + " from " + std::to_string(first) + " to " +
              std::to_string(last) + ";";
  }
  for (const std::uint64_t seen : banners_) {
    if (seen == writers_.banners() || (seen > writers_.banners() && writers_.rewrites())) continue;
    result += " banner seen " + std::to_string(seen) + " times of " +
              std::to_string(writers_.banners()) + ";";
  }
  return result;
}

}  // namespace sim
