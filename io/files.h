// Files: calls about files and directories that may block: the control thread's, start-up's, the
// command line's, and the few that are quick on an open handle (status, close).
//
// Stateless in production, so one Files may serve every thread. The simulator's has a disk behind
// it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "io/io.h"

namespace io {

enum class FileKind : std::uint8_t { regular, directory, symlink, fifo, other, unknown };

struct FileStatus {
  FileKind kind = FileKind::unknown;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;  // since the epoch; 0: the file system does not say
  std::int64_t modified_ns = 0;
  std::uint64_t size = 0;       // bytes
  std::uint64_t allocated = 0;  // bytes it takes on the disk: without holes
  std::uint32_t links = 0;
};

struct DirectoryEntry {
  std::string name;  // bytes, not necessarily UTF-8; never "." or ".."
  std::uint64_t inode = 0;
  FileKind kind = FileKind::unknown;  // `unknown`: the file system does not say, ask status()
};

struct Space {
  std::uint64_t free_bytes = 0;  // for us, without what is reserved for root
  std::uint64_t total_bytes = 0;
};

// How the pages of a file that are in memory are wanted.
enum class PageAdvice : std::uint8_t {
  sequential,  // read in one go: more is worth being read ahead
  done_with,   // not again by us; what is not written to the disk yet stays
};

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // 0: up to the file's end
};

struct WrittenFile {
  std::string path;  // as the kernel names it: without symlinks
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

// What a look at other processes' descriptors found.
struct WrittenFiles {
  std::vector<WrittenFile> files;
  std::uint64_t processes_hidden = 0;  // we may not look at their descriptors
  bool others_hidden = false;          // not even the numbers of other users' processes are shown
  std::uint64_t next_process = 0;      // where to go on, there was too much; 0: all were looked at
};

// What a watch tells about. One bit each in WatchEvent::what.
enum WatchBits : std::uint32_t {
  kWatchModified = 1U << 0,    // a file in the directory grew, shrank or changed
  kWatchCreated = 1U << 1,     // a name appeared (created, linked or moved in)
  kWatchRemoved = 1U << 2,     // a name went away (deleted or moved out)
  kWatchAttributes = 1U << 3,  // mode, owner or link count changed
  kWatchOverflow = 1U << 4,    // events were lost: look at everything
  kWatchGone = 1U << 5,        // the watched directory itself is gone; its watch is over
};

struct WatchEvent {
  int watch = -1;  // as add_watch returned it; -1 with kWatchOverflow
  std::uint32_t what = 0;
  std::uint32_t cookie = 0;  // not 0: pairs the two halves of a rename (removed, created)
  bool is_directory = false;
  std::string_view name;  // view into the bytes given to parse_watch_events
};

class Files {
 public:
  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  virtual ~Files() = default;

  virtual base::Result<Handle> open(const std::string& path, Open how) = 0;
  virtual void close(Handle) = 0;
  virtual base::Result<FileStatus> status(Handle) = 0;
  // The first byte at or after `offset` that lies in no hole, or the file's size: what is before it
  // reads as NULs. A file system that does not know its holes says `offset`.
  virtual base::Result<std::uint64_t> data_from(Handle, std::uint64_t offset) = 0;
  // Is the byte at `offset` in memory already, or behind the file's end? If not, the kernel may
  // begin to read it. True also if the file system does not say.
  virtual bool in_memory(Handle, std::uint64_t /*offset*/) { return true; }
  // A hint (man 2 posix_fadvise): nobody is told whether it was taken. Whole pages of `range` only.
  virtual void advise(Handle, PageAdvice, ByteRange /*range*/) {}
  // Where the file lies that was opened, without links, as long as it has that name. An error: the
  // system does not say.
  virtual base::Result<std::string> path_of(Handle) = 0;
  // `follow`: through a symlink at the end of the path.
  virtual base::Result<FileStatus> status(const std::string& path, bool follow) = 0;
  virtual base::Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;

  // Reads until `into` is full or the file ends. Result: bytes read.
  virtual base::Result<std::size_t> read_at(Handle, std::span<char> into, std::uint64_t offset) = 0;
  // What a pipe holds, without waiting. Result: bytes read, 0: all writers left. EAGAIN: nothing.
  virtual base::Result<std::size_t> read_ready(Handle, std::span<char> into) = 0;
  // Writes all of `bytes`.
  virtual base::Result<void> write_at(Handle, std::string_view bytes, std::uint64_t offset) = 0;
  virtual base::Result<void> sync(Handle) = 0;
  virtual base::Result<void> truncate(Handle, std::uint64_t bytes) = 0;

  virtual base::Result<void> rename(const std::string& from, const std::string& to) = 0;
  // Never over what is there: EEXIST. EINVAL: this file system cannot promise that.
  virtual base::Result<void> rename_new(const std::string& from, const std::string& to) = 0;
  virtual base::Result<void> remove(const std::string& path) = 0;  // a file
  // Creates `path` and its missing parents, mode 0750. Fine if it is there already.
  virtual base::Result<void> make_directories(const std::string& path) = 0;
  virtual base::Result<void> sync_directory(const std::string& path) = 0;
  // As status() through symlinks, but of what a server has, not of what its client remembers.
  virtual base::Result<FileStatus> fresh_status(const std::string& path) {
    return status(path, true);
  }
  // False: a watch here says nothing of what others change (NFS, SMB, FUSE and their kind).
  virtual base::Result<bool> tells_all_changes(const std::string& /*directory*/) { return true; }
  virtual base::Result<Space> space(const std::string& path) = 0;
  // Regular files that other processes have open for writing, under a path that is `wanted`.
  // Looks at a bounded number of descriptors, beginning with process `from`.
  virtual base::Result<WrittenFiles> written_files(
      const std::function<bool(std::string_view path)>& /*wanted*/, std::uint64_t /*from*/) {
    return WrittenFiles{};
  }

  // Takes an exclusive lock on `path` (created if missing), held until the handle is closed or the
  // process dies. ErrorCode::busy if another process has it; the message holds `path`'s text, which
  // is what the holder wrote about itself with write_at.
  virtual base::Result<Handle> lock(const std::string& path) = 0;

  // A descriptor to Io::receive watch events from.
  virtual base::Result<Handle> open_watch() = 0;
  // Starts watching a directory. Watching it twice returns the same number.
  // Error.system ENOSPC or EMFILE: the kernel's limit on watches is reached.
  virtual base::Result<int> add_watch(Handle watch, const std::string& directory) = 0;
  virtual void remove_watch(Handle watch, int number) = 0;
};

// Decodes what Io::receive got from a watch descriptor (struct inotify_event, man 7 inotify).
std::vector<WatchEvent> parse_watch_events(std::string_view bytes);

// Closes the handle it owns.
class UniqueHandle {
 public:
  UniqueHandle() = default;
  UniqueHandle(Files& files, Handle value) : files_(&files), value_(value) {}
  UniqueHandle(UniqueHandle&& other) noexcept
      : files_(other.files_), value_(std::exchange(other.value_, kNoHandle)) {}
  UniqueHandle& operator=(UniqueHandle&& other) noexcept {
    if (this != &other) {
      reset();
      files_ = other.files_;
      value_ = std::exchange(other.value_, kNoHandle);
    }
    return *this;
  }
  ~UniqueHandle() { reset(); }

  Handle get() const { return value_; }
  explicit operator bool() const { return value_ != kNoHandle; }
  Handle release() { return std::exchange(value_, kNoHandle); }
  void reset() {
    if (value_ != kNoHandle) files_->close(std::exchange(value_, kNoHandle));
  }

 private:
  Files* files_ = nullptr;
  Handle value_ = kNoHandle;
};

}  // namespace io
