// LoopVolume: an ext4 file system in a file, attached to a loop device as a disk would be plugged
// in. It detaches itself when it is neither mounted nor held, also if the test dies.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

namespace process {

// A device for an image, the first free one. The image stays attached as long as this lives, or is
// mounted.
class LoopDevice {
 public:
  ~LoopDevice();
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;
  // nullptr: errno says why.
  static std::unique_ptr<LoopDevice> attach(const std::string& image);
  const std::string& path() const { return path_; }

 private:
  LoopDevice(std::string path, int handle) : path_(std::move(path)), handle_(handle) {}
  std::string path_;
  int handle_;
};

class LoopVolume {
 public:
  // Why there are none on this machine; empty: there are. In a mount namespace of one's own.
  static std::string obstacle();

  explicit LoopVolume(std::string image);  // makes it, of 16 MiB
  ~LoopVolume();
  LoopVolume(const LoopVolume&) = delete;
  LoopVolume& operator=(const LoopVolume&) = delete;

  // Result: its device number, as st_dev has it.
  dev_t mount(const std::string& directory);
  // As umount does it: false while files are open.
  bool unmount();
  // Out of the directory at once; files that are open stay so.
  void unmount_lazily();
  // Unplugged, and plugged in again as another device. It is not mounted.
  void change_device();

 private:
  std::string image_;
  std::unique_ptr<LoopDevice> device_;
  std::string directory_;  // where it is mounted; empty: it is not
};

}  // namespace process
