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

// A namespace whose mounts nobody else sees.
std::string cannot_be_alone() {
  if (::unshare(CLONE_NEWNS) != 0) return process::with_error("no mount namespace of its own");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return process::with_error("mounts cannot be kept private");
  }
  return {};
}

}  // namespace

std::string process::with_error(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

std::string process::cannot_open(const std::string& device) {
  const int handle = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
  if (handle < 0) return with_error(device);
  ::close(handle);
  return {};
}

int main(int argc, char** argv) {
  std::string why = cannot_be_alone();
  if (why.empty()) why = process::obstacle();
  if (!why.empty()) {
    std::cout << "SKIPPED: " << why << "\n";
    return kExitSkipped;
  }
  return Catch::Session().run(argc, argv);
}
