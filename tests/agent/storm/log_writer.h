// LogWriter: a process that appends numbered lines to its own log, app-N.log. It rotates it by
// rename, as an application with its own rotation does (app-N.log becomes app-N.log.1, that one
// app-N.log.2, …, nothing is ever deleted), or leaves that to others and opens its path anew when
// it is time.
//
// Writes only as fast as it is allowed to: the storm hands out permission line by line, so that the
// writing lasts exactly as long as the killing.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace storm {

enum class Reopen : std::uint8_t {
  rotates,    // rotates by itself every WriterOptions::rotate
  signalled,  // at SIGUSR1, as a daemon does that logrotate tells
  moved,      // when its path leads to another file or to none, looked at before each write
  never,      // others copy or empty the file where it is
};

struct WriterOptions {
  std::string directory;
  std::uint32_t writer = 0;
  std::uint64_t lines = 0;
  std::chrono::milliseconds rotate{2000};
  std::uint64_t seed = 1;
  Reopen reopen = Reopen::rotates;
  // Rotate only when a line of the current file has been seen in the store. A file that is renamed
  // out of the agent's pattern before the agent ever looked cannot be found by anybody.
  bool rotate_seen_only = true;
};

// Shared between the two processes. Each field has one writing process; relaxed is enough, because
// no field says anything about another one.
struct WriterState {
  std::atomic<std::uint64_t> seen{0};       // storm: lines seen in the store, counted from line 0
  std::atomic<std::uint64_t> written{0};    // writer: lines handed to the kernel whole
  std::atomic<std::uint64_t> rotations{0};  // writer: files opened, but for the first
  std::atomic<std::uint64_t> begins{0};     // writer: the first line of the present file
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

class LogWriter {
 public:
  // Forks the process. Of `options` all must be set.
  explicit LogWriter(const WriterOptions& options);
  ~LogWriter();  // ends the process if it still runs
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // So many more. Even with 0 it looks whether to open its path anew. False: it has ended. Whoever
  // asks must ignore SIGPIPE.
  bool allow(std::uint64_t lines);
  pid_t pid() const { return pid_; }
  WriterState& state() { return *state_; }
  // Waits for its end. False: it failed.
  bool finish();

 private:
  WriterState* state_;
  pid_t pid_ = -1;
  int permits_ = -1;  // pipe: one u64 per permission
};

}  // namespace storm
