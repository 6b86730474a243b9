// StreamFollower: waits until a shard's files may have changed, or the user has had enough.
//
// Notification is a hint: what it misses is found by looking again after kLookAgain. One at a time
// in a process, because it listens to signals.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "io/files.h"
#include "io/io.h"

namespace agent {

class StreamFollower {
 public:
  // `files` outlives the follower. Directories that are not there yet are looked for again.
  static base::Result<std::unique_ptr<StreamFollower>> make(io::Files& files,
                                                            std::vector<std::string> directories);
  ~StreamFollower();
  StreamFollower(const StreamFollower&) = delete;
  StreamFollower& operator=(const StreamFollower&) = delete;

  // Until something changed since the last wait, an interruption, or at most kLookAgain.
  void wait();
  // SIGINT or SIGTERM came.
  bool interrupted() const;

  static constexpr base::Duration kLookAgain = std::chrono::seconds(1);

 private:
  StreamFollower(io::Files& files, std::vector<std::string> directories);
  void start_watching();
  void listen();
  void on_events(std::int64_t result);

  io::Files& files_;
  base::Log log_;
  std::vector<std::string> unwatched_;  // directories still to be watched
  std::unique_ptr<io::Io> io_;
  io::UniqueHandle watch_;
  io::Operation operation_;
  bool listening_ = false;
  bool changed_ = false;
  alignas(8) std::array<char, 4096> events_{};
};

}  // namespace agent
