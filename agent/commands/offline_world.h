// OfflineWorld: what a command needs to change a store on which no agent runs.
#pragma once

#include <memory>

#include "agent/console.h"
#include "base/result.h"
#include "io/clock.h"
#include "io/environment.h"
#include "io/files.h"
#include "io/io.h"
#include "io/random.h"

namespace agent {

class OfflineWorld {
 public:
  // Warnings of what lies below go to standard error.
  static base::Result<std::unique_ptr<OfflineWorld>> make();
  OfflineWorld(const OfflineWorld&) = delete;
  OfflineWorld& operator=(const OfflineWorld&) = delete;

  io::Files& files() { return *files_; }
  const io::Environment& environment() const { return *environment_; }
  Console& console() { return console_; }

 private:
  OfflineWorld();

  Console console_;
  std::unique_ptr<io::Files> files_;
  std::unique_ptr<io::Clock> clock_;
  std::unique_ptr<io::Random> random_;
  std::unique_ptr<io::Io> io_;
  std::unique_ptr<io::Environment> environment_;
};

}  // namespace agent
