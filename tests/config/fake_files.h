// FakeFiles: files by path in memory, for reading only.
#pragma once

#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "io/files.h"

namespace config_test {

class FakeFiles : public io::Files {
 public:
  std::map<std::string, std::string> texts;

  base::Result<io::Handle> open(const std::string& path, io::Open) override {
    const auto found = texts.find(path);
    if (found == texts.end()) return base::fail_system(ENOENT, "open " + path);
    open_.push_back(found->second);
    ++handles_open;
    return static_cast<io::Handle>(open_.size() - 1);
  }
  void close(io::Handle) override { --handles_open; }
  base::Result<std::size_t> read_at(io::Handle handle, std::span<char> into,
                                    std::uint64_t offset) override {
    return open_.at(static_cast<std::size_t>(handle)).copy(into.data(), into.size(), offset);
  }
  base::Result<std::size_t> read_ready(io::Handle, std::span<char>) override { return none(); }
  int handles_open = 0;

  base::Result<io::FileStatus> status(io::Handle) override { return none(); }
  base::Result<std::uint64_t> data_from(io::Handle, std::uint64_t) override { return none(); }
  base::Result<std::string> path_of(io::Handle) override { return none(); }
  base::Result<io::FileStatus> status(const std::string&, bool) override { return none(); }
  base::Result<std::vector<io::DirectoryEntry>> list(const std::string&) override { return none(); }
  base::Result<void> write_at(io::Handle, std::string_view, std::uint64_t) override {
    return none();
  }
  base::Result<void> sync(io::Handle) override { return none(); }
  base::Result<void> truncate(io::Handle, std::uint64_t) override { return none(); }
  base::Result<void> rename(const std::string&, const std::string&) override { return none(); }
  base::Result<void> rename_new(const std::string&, const std::string&) override { return none(); }
  base::Result<void> remove(const std::string&) override { return none(); }
  base::Result<void> make_directories(const std::string&) override { return none(); }
  base::Result<void> sync_directory(const std::string&) override { return none(); }
  base::Result<io::Space> space(const std::string&) override { return none(); }
  base::Result<io::Handle> lock(const std::string&) override { return none(); }
  base::Result<io::Handle> open_watch() override { return none(); }
  base::Result<int> add_watch(io::Handle, const std::string&) override { return none(); }
  void remove_watch(io::Handle, int) override {}

 private:
  static std::unexpected<base::Error> none() { return base::fail_system(ENOSYS, "not here"); }
  std::vector<std::string> open_;
};

}  // namespace config_test
