#include "tests/agent/mount.h"

#include <sys/mount.h>

#include "tests/test.h"

namespace process {

Mount Mount::memory(const std::string& directory, const std::string& size) {
  REQUIRE(::mount("none", directory.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0);
  return Mount(directory);
}

Mount Mount::bind(const std::string& from, const std::string& to) {
  REQUIRE(::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) == 0);
  return Mount(to);
}

Mount::~Mount() { ::umount2(path_.c_str(), MNT_DETACH); }

void Mount::resize(const std::string& size) const {
  REQUIRE(::mount("none", path_.c_str(), nullptr, MS_REMOUNT, ("size=" + size).c_str()) == 0);
}

}  // namespace process
