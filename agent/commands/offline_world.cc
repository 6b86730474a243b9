#include "agent/commands/offline_world.h"

#include <utility>

#include "io/backends.h"

namespace agent {

OfflineWorld::OfflineWorld()
    : console_(base::LogLevel::warn),
      files_(io::make_files()),
      clock_(io::make_clock()),
      random_(io::make_random()) {}

base::Result<std::unique_ptr<OfflineWorld>> OfflineWorld::make() {
  std::unique_ptr<OfflineWorld> world(new OfflineWorld);
  world->io_ = TRY(io::make_io(io::Backend::epoll, world->console_.log()));
  world->environment_.reset(new io::Environment{*world->io_, *world->files_, *world->clock_,
                                                *world->random_, world->console_.log()});
  return world;
}

}  // namespace agent
