#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <string>

#include "tests/agent/own_mounts.h"

#define CATCH_CONFIG_RUNNER
#include "tests/test.h"

namespace {

constexpr int kExitSkipped = 77;  // SKIP_RETURN_CODE

std::string said(const std::string& what) { return what + ": " + std::strerror(errno); }

// Why it cannot be done here; empty: it can.
std::string obstacle() {
  const std::string device = process::kNeededDevice;
  if (!device.empty()) {
    const int handle = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
    if (handle < 0) return said(device);
    ::close(handle);
  }
  if (::unshare(CLONE_NEWNS) != 0) return said("no mount namespace of its own");
  // Nothing of it may get out.
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return said("mounts cannot be kept private");
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (const std::string why = obstacle(); !why.empty()) {
    std::cout << "SKIPPED: " << why << "\n";
    return kExitSkipped;
  }
  return Catch::Session().run(argc, argv);
}
