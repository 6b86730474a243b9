// Log: one key=value line per event, for people and for grep.
//
//   2026-11-21T07:04:05.123Z warn  file unreadable path=/var/log/x error="Permission denied"
//
// A Log is handed down in io::Environment; there is no global one. Thread-safe: one line is one
// write. Per call site at most kLinesPerMinute lines a minute are written; what was held back is
// said with the next line that passes (`suppressed=N`), so a fault that repeats cannot fill a disk.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace base {

enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct LogField {
  std::string_view key;
  std::string value;  // quoted when it holds a blank, a quote or a control byte
};

class Log {
 public:
  // `write` gets a whole line with its newline; may be called by any thread, one at a time.
  // `now_us`: wall clock in microseconds since the epoch.
  struct Output {
    void* owner = nullptr;
    void (*write)(void* owner, LogLevel level, std::string_view line) = nullptr;
    std::int64_t (*now_us)(void* owner) = nullptr;
  };
  explicit Log(Output output, LogLevel least = LogLevel::info) : output_(output), least_(least) {}

  // `message`: a constant phrase that also names the call site for rate limiting.
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

  void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::debug, message, fields);
  }
  void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::info, message, fields);
  }
  void warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::warn, message, fields);
  }
  void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
    write(LogLevel::error, message, fields);
  }

  // What somebody asked for: at level info, and never held back.
  void answer(std::string_view message, std::initializer_list<LogField> fields);

  static constexpr std::uint32_t kLinesPerMinute = 60;

 private:
  struct Site {
    std::int64_t minute = 0;
    std::uint32_t lines = 0;
    std::uint64_t suppressed = 0;
  };
  void put(LogLevel level, std::int64_t now, std::string_view message,
           std::initializer_list<LogField> fields, std::uint64_t suppressed);

  Output output_;
  LogLevel least_;
  std::mutex mutex_;  // guards sites_ and the order of lines; logging is rare
  std::map<std::string, Site, std::less<>> sites_;
};

}  // namespace base
