#include "base/log.h"

#include <cstdio>
#include <ctime>
#include <utility>

namespace base {
namespace {

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    if (c == ' ' || c == '"' || c == '=' || c == '\\' || static_cast<unsigned char>(c) < 0x20U ||
        c == 0x7F) {
      return true;
    }
  }
  return false;
}

void append_value(std::string& line, std::string_view text) {
  if (!needs_quotes(text)) {
    line += text;
    return;
  }
  line += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (static_cast<unsigned char>(c) < 0x20U || c == 0x7F) {
      char escaped[5];
      std::snprintf(escaped, sizeof escaped, "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      line += escaped;
    } else {
      line += c;
    }
  }
  line += '"';
}

void append_time(std::string& line, std::int64_t now_us) {
  const std::time_t seconds = static_cast<std::time_t>(now_us / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  line.append(text, n);
  std::snprintf(text, sizeof text, ".%03dZ ", static_cast<int>(now_us / 1000 % 1000));
  line += text;
}

constexpr std::string_view kNames[] = {"debug ", "info  ", "warn  ", "error "};

}  // namespace

void Log::write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < least_ || output_.write == nullptr) return;
  const std::int64_t now = output_.now_us(output_.owner);
  const std::scoped_lock lock(mutex_);
  auto found = sites_.find(message);
  if (found == sites_.end()) found = sites_.emplace(std::string(message), Site{}).first;
  Site& site = found->second;
  const std::int64_t minute = now / 60'000'000;
  if (site.minute != minute) {
    site.minute = minute;
    site.lines = 0;
  }
  if (++site.lines > kLinesPerMinute) {
    ++site.suppressed;
    return;
  }
  put(level, now, message, fields, std::exchange(site.suppressed, 0));
}

void Log::answer(std::string_view message, std::initializer_list<LogField> fields) {
  if (output_.write == nullptr) return;
  const std::int64_t now = output_.now_us(output_.owner);
  const std::scoped_lock lock(mutex_);
  put(LogLevel::info, now, message, fields, 0);
}

void Log::put(LogLevel level, std::int64_t now, std::string_view message,
              std::initializer_list<LogField> fields, std::uint64_t suppressed) {
  std::string line;
  append_time(line, now);
  line += kNames[static_cast<unsigned>(level)];
  line += message;
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  if (suppressed != 0) line += " suppressed=" + std::to_string(suppressed);
  line += '\n';
  output_.write(output_.owner, level, line);
}

}  // namespace base
