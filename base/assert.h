// ASSERT: always on, for what cannot be false unless we are wrong. The process stops, systemd
// starts it again and nothing is lost: at-least-once delivery covers our own mistakes too.
// DEBUG_ASSERT: the same per record, compiled out of release builds.
#pragma once

namespace base {

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace base

#define ASSERT(condition)                                       \
  do {                                                          \
    if (!(condition)) [[unlikely]]                              \
      ::base::assertion_failed(#condition, __FILE__, __LINE__); \
  } while (false)

#ifdef NDEBUG
#define DEBUG_ASSERT(condition) \
  do {                          \
  } while (false)
#else
#define DEBUG_ASSERT(condition) ASSERT(condition)
#endif
