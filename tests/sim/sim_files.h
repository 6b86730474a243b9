// SimFiles: io::Files on a simulated disk, for one process. After that process died every call
// fails with EIO and changes nothing, so that its objects can be taken apart in peace.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/files.h"
#include "tests/sim/descriptors.h"
#include "tests/sim/machine.h"

namespace sim {

class SimFiles final : public io::Files {
 public:
  SimFiles(Machine& machine, Descriptors& descriptors)
      : machine_(machine), descriptors_(descriptors) {}

  base::Result<io::Handle> open(const std::string& path, io::Open how) override;
  void close(io::Handle handle) override;
  base::Result<io::FileStatus> status(io::Handle handle) override;
  base::Result<std::string> path_of(io::Handle handle) override;
  base::Result<std::uint64_t> data_from(io::Handle handle, std::uint64_t offset) override;
  bool in_memory(io::Handle handle, std::uint64_t offset) override;
  void advise(io::Handle handle, io::PageAdvice how, io::ByteRange range) override;
  base::Result<io::FileStatus> status(const std::string& path, bool follow) override;
  base::Result<std::vector<io::DirectoryEntry>> list(const std::string& path) override;
  base::Result<std::size_t> read_at(io::Handle handle, std::span<char> into,
                                    std::uint64_t offset) override;
  base::Result<std::size_t> read_ready(io::Handle handle, std::span<char> into) override;
  base::Result<void> write_at(io::Handle handle, std::string_view bytes,
                              std::uint64_t offset) override;
  base::Result<void> sync(io::Handle handle) override;
  base::Result<void> truncate(io::Handle handle, std::uint64_t bytes) override;
  base::Result<void> rename(const std::string& from, const std::string& to) override;
  base::Result<void> rename_new(const std::string& from, const std::string& to) override;
  base::Result<void> remove(const std::string& path) override;
  base::Result<void> make_directories(const std::string& path) override;
  base::Result<void> sync_directory(const std::string& path) override;
  base::Result<bool> tells_all_changes(const std::string& directory) override;
  base::Result<io::Space> space(const std::string& path) override;
  base::Result<io::WrittenFiles> written_files(
      const std::function<bool(std::string_view path)>& wanted, std::uint64_t from) override;
  base::Result<io::Handle> lock(const std::string& path) override;
  base::Result<io::Handle> open_watch() override;
  base::Result<int> add_watch(io::Handle watch, const std::string& directory) override;
  void remove_watch(io::Handle watch, int number) override;

  // The process is dead from now on.
  void die() { dead_ = true; }
  // How often an open file was looked at so far: status() of a handle.
  std::uint64_t looks() const { return looks_; }
  // The next `calls` calls of io::Files (closing apart) are done, all later ones fail with EIO and
  // change nothing: a process that dies in the middle of blocking work, like recovery. The test
  // sees the failure and crashes the process. kNever: no such end.
  void die_after(std::uint64_t calls) { calls_left_ = calls; }
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  // What Io's operations share with the calls above. Results as Io's: >= 0, or -errno.
  std::int64_t open_now(const char* path, io::Open how);
  std::int64_t read_now(Descriptor& descriptor, std::span<char> into, std::uint64_t offset);
  std::int64_t write_now(const Descriptor& descriptor, std::string_view bytes,
                         std::uint64_t offset);
  std::int64_t sync_now(const Descriptor& descriptor);

 private:
  base::Result<DescriptorRef> descriptor(io::Handle handle, const char* what);
  base::Result<void> change(const char* what, const std::string& path,
                            int (Disk::*act)(std::string_view));

  Machine& machine_;
  Descriptors& descriptors_;
  bool gone();

  std::uint64_t calls_left_ = kNever;
  std::uint64_t looks_ = 0;
  bool dead_ = false;
};

}  // namespace sim
