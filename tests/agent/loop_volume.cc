#include "tests/agent/loop_volume.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>

#include "tests/agent/own_mounts.h"
#include "tests/test.h"

namespace process {

namespace {

namespace fs = std::filesystem;

// Inodes of 256 bytes have a time of birth.
bool make_file_system(const std::string& image) {
  const std::string command = "truncate -s 16M " + image +
                              " && PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F -I 256 " + image +
                              " >/dev/null 2>&1";
  return std::system(command.c_str()) == 0;
}

bool mount_ext4(const LoopDevice& device, const std::string& directory) {
  return ::mount(device.path().c_str(), directory.c_str(), "ext4", 0, "") == 0;
}

}  // namespace

std::unique_ptr<LoopDevice> LoopDevice::attach(const std::string& image) {
  constexpr int kTriesMax = 100;  // somebody else may take the free one first
  const int file = ::open(image.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return nullptr;
  const int all = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  std::unique_ptr<LoopDevice> device;
  int error = all < 0 ? errno : 0;
  for (int tries = 0; all >= 0 && !device && tries < kTriesMax; ++tries) {
    const int number = ::ioctl(all, LOOP_CTL_GET_FREE);
    error = errno;
    if (number < 0) break;
    const std::string path = "/dev/loop" + std::to_string(number);
    const int handle = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    error = errno;
    if (handle < 0) break;
    loop_config how{};
    how.fd = static_cast<std::uint32_t>(file);
    how.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (::ioctl(handle, LOOP_CONFIGURE, &how) == 0) {
      device.reset(new LoopDevice(path, handle));
      break;
    }
    error = errno;
    ::close(handle);
    if (error != EBUSY) break;
  }
  if (all >= 0) ::close(all);
  ::close(file);
  errno = error;
  return device;
}

LoopDevice::~LoopDevice() { ::close(handle_); }

std::string LoopVolume::obstacle() {
  std::string place = fs::temp_directory_path().string() + "/tailrace-loop-XXXXXX";
  if (::mkdtemp(place.data()) == nullptr) return with_error(place);
  std::string why;
  const std::string image = place + "/image";
  if (!make_file_system(image)) {
    why = "no mkfs.ext4 (e2fsprogs)";
  } else if (const auto device = LoopDevice::attach(image); device == nullptr) {
    why = with_error("no loop device");
  } else if (!mount_ext4(*device, place)) {
    why = with_error("ext4 on " + device->path() + " cannot be mounted");
  } else if (::umount2(place.c_str(), MNT_DETACH) != 0) {
    why = with_error("umount " + place);
  }
  std::error_code ignored;
  fs::remove_all(place, ignored);
  return why;
}

LoopVolume::LoopVolume(std::string image) : image_(std::move(image)) {
  REQUIRE(make_file_system(image_));
  device_ = LoopDevice::attach(image_);
  REQUIRE(device_ != nullptr);
}

LoopVolume::~LoopVolume() {
  if (!directory_.empty()) ::umount2(directory_.c_str(), MNT_DETACH);
}

dev_t LoopVolume::mount(const std::string& directory) {
  REQUIRE(directory_.empty());
  REQUIRE(mount_ext4(*device_, directory));
  directory_ = directory;
  struct stat status{};
  REQUIRE(::stat(directory.c_str(), &status) == 0);
  return status.st_dev;
}

bool LoopVolume::unmount() {
  if (::umount2(directory_.c_str(), 0) != 0) {
    REQUIRE(errno == EBUSY);
    return false;
  }
  directory_.clear();
  return true;
}

void LoopVolume::unmount_lazily() {
  REQUIRE(::umount2(directory_.c_str(), MNT_DETACH) == 0);
  directory_.clear();
}

void LoopVolume::change_device() {
  REQUIRE(directory_.empty());
  // The next one first, so that it is another.
  auto next = LoopDevice::attach(image_);
  REQUIRE(next != nullptr);
  device_ = std::move(next);
}

}  // namespace process
