// Mount: something mounted for as long as it lives: a small file system in memory, or a directory
// or file seen under a second path.
#pragma once

#include <string>

namespace process {

class Mount {
 public:
  // `size`: as tmpfs takes it, "4m".
  static Mount memory(const std::string& directory, const std::string& size);
  static Mount bind(const std::string& from, const std::string& to);
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  void resize(const std::string& size) const;  // one in memory

 private:
  explicit Mount(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace process
