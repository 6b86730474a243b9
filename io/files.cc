#include "io/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <memory>

#include "base/assert.h"
#include "io/backends.h"
#include "io/blocking_calls.h"
#include "io/open_flags.h"
#include "io/written_files.h"

namespace io {
namespace {

constexpr std::size_t kLockTextBytesMax = 4096;  // as much of a lock file as goes into a message
constexpr std::uint32_t kWatchMask = IN_MODIFY | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO |
                                     IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                     IN_ONLYDIR;

std::unexpected<base::Error> fail(int system, const std::string& what) {
  std::unexpected<base::Error> error = base::fail_system(system, what);
  if (system == ENOENT) error.error().code = base::ErrorCode::not_found;
  return error;
}

base::Result<void> check(int result, const std::string& what) {
  if (result < 0) return fail(errno, what);
  return {};
}

base::Result<void> sync_named(int file, const std::string& what) {
  const std::int64_t result = sync_now(file);
  if (result < 0) return fail(static_cast<int>(-result), "sync of " + what);
  return {};
}

FileKind kind_of_mode(std::uint32_t mode) {
  if (S_ISREG(mode)) return FileKind::regular;
  if (S_ISDIR(mode)) return FileKind::directory;
  if (S_ISLNK(mode)) return FileKind::symlink;
  if (S_ISFIFO(mode)) return FileKind::fifo;
  return FileKind::other;
}

FileKind kind_of_entry(unsigned char type) {
  switch (type) {
    case DT_REG:
      return FileKind::regular;
    case DT_DIR:
      return FileKind::directory;
    case DT_LNK:
      return FileKind::symlink;
    case DT_FIFO:
      return FileKind::fifo;
    case DT_UNKNOWN:
      return FileKind::unknown;
    default:
      return FileKind::other;
  }
}

std::int64_t nanoseconds(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + static_cast<std::int64_t>(time.tv_nsec);
}

FileStatus status_of(const struct statx& raw) {
  return {
      .kind = kind_of_mode(raw.stx_mode),
      .device = makedev(raw.stx_dev_major, raw.stx_dev_minor),
      .inode = raw.stx_ino,
      .birth_ns = (raw.stx_mask & STATX_BTIME) != 0 ? nanoseconds(raw.stx_btime) : 0,
      .modified_ns = nanoseconds(raw.stx_mtime),
      .size = raw.stx_size,
      .allocated = raw.stx_blocks * 512,
      .links = raw.stx_nlink,
  };
}

constexpr unsigned kStatusMask = STATX_BASIC_STATS | STATX_BTIME;

base::Result<FileStatus> status_at(const std::string& path, int flags) {
  struct statx raw{};
  if (::statx(AT_FDCWD, path.c_str(), flags, kStatusMask, &raw) == 0) return status_of(raw);
  return fail(errno, "status of " + path);
}

// What one of inotify's limits is at present, if it was `met`.
std::string limit(const char* name, bool met) {
  if (!met) return {};
  const int error = errno;
  std::string text;
  const int handle =
      ::open((std::string("/proc/sys/fs/inotify/") + name).c_str(), O_RDONLY | O_CLOEXEC);
  std::array<char, 32> digits{};
  const ssize_t count = handle < 0 ? -1 : ::read(handle, digits.data(), digits.size());
  if (handle >= 0) ::close(handle);
  for (ssize_t i = 0; i < count && std::isdigit(digits[static_cast<std::size_t>(i)]) != 0; ++i) {
    text += digits[static_cast<std::size_t>(i)];
  }
  errno = error;
  return text.empty() ? text : " (fs.inotify." + std::string(name) + " is " + text + ")";
}

std::string number(Handle handle) { return "descriptor " + std::to_string(handle); }

class RealFiles final : public Files {
 public:
  base::Result<Handle> open(const std::string& path, Open how) override {
    const auto handle = static_cast<Handle>(open_now(path.c_str(), open_flags(how)));
    if (handle < 0) return fail(-handle, "open " + path);
    return handle;
  }

  void close(Handle handle) override {
    // EINTR included, Linux has released the number: closing again could hit somebody else's.
    if (::close(handle) < 0) ASSERT(errno != EBADF);
  }

  base::Result<FileStatus> status(Handle handle) override {
    struct statx raw{};
    if (::statx(handle, "", AT_EMPTY_PATH, kStatusMask, &raw) == 0) return status_of(raw);
    return fail(errno, "status of " + number(handle));
  }

  base::Result<std::string> path_of(Handle handle) override;
  base::Result<std::uint64_t> data_from(Handle handle, std::uint64_t offset) override;

  bool in_memory(Handle handle, std::uint64_t offset) override {
    char byte = 0;
    const iovec into{.iov_base = &byte, .iov_len = 1};
    return ::preadv2(handle, &into, 1, static_cast<off_t>(offset), RWF_NOWAIT) >= 0 ||
           errno != EAGAIN;
  }

  void advise(Handle handle, PageAdvice how, ByteRange range) override {
    const int advice = how == PageAdvice::sequential ? POSIX_FADV_SEQUENTIAL : POSIX_FADV_DONTNEED;
    (void)::posix_fadvise(handle, static_cast<off_t>(range.offset), static_cast<off_t>(range.bytes),
                          advice);
  }

  base::Result<FileStatus> status(const std::string& path, bool follow) override {
    return status_at(path, follow ? 0 : AT_SYMLINK_NOFOLLOW);
  }

  base::Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  base::Result<std::size_t> read_at(Handle handle, std::span<char> into,
                                    std::uint64_t offset) override;
  base::Result<std::size_t> read_ready(Handle handle, std::span<char> into) override;

  base::Result<void> write_at(Handle handle, std::string_view bytes,
                              std::uint64_t offset) override {
    const std::int64_t written = write_all(handle, std::span(&bytes, 1), offset);
    if (written < 0) return fail(static_cast<int>(-written), "write to " + number(handle));
    return {};
  }

  base::Result<void> sync(Handle handle) override { return sync_named(handle, number(handle)); }

  base::Result<void> truncate(Handle handle, std::uint64_t bytes) override {
    int result = 0;
    do {
      result = ::ftruncate(handle, static_cast<off_t>(bytes));
    } while (result < 0 && errno == EINTR);
    return check(result, "truncate " + number(handle));
  }

  base::Result<void> rename(const std::string& from, const std::string& to) override {
    return check(::rename(from.c_str(), to.c_str()), "rename " + from + " to " + to);
  }

  base::Result<void> rename_new(const std::string& from, const std::string& to) override {
    const int result = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
    return check(result, "rename " + from + " to " + to);
  }

  base::Result<void> remove(const std::string& path) override {
    return check(::unlink(path.c_str()), "remove " + path);
  }

  base::Result<void> make_directories(const std::string& path) override;
  base::Result<void> sync_directory(const std::string& path) override;
  base::Result<FileStatus> fresh_status(const std::string& path) override {
    return status_at(path, AT_STATX_FORCE_SYNC);
  }
  base::Result<bool> tells_all_changes(const std::string& directory) override;
  base::Result<Space> space(const std::string& path) override;
  base::Result<WrittenFiles> written_files(const std::function<bool(std::string_view path)>& wanted,
                                           std::uint64_t from) override {
    return look_at_descriptors(wanted, from);
  }
  base::Result<Handle> lock(const std::string& path) override;

  base::Result<Handle> open_watch() override {
    const int handle = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (handle < 0) return fail(errno, "inotify" + limit("max_user_instances", errno == EMFILE));
    return handle;
  }

  base::Result<int> add_watch(Handle watch, const std::string& directory) override {
    const int number = ::inotify_add_watch(watch, directory.c_str(), kWatchMask);
    if (number < 0) {
      return fail(errno, "watch " + directory + limit("max_user_watches", errno == ENOSPC));
    }
    return number;
  }

  void remove_watch(Handle watch, int number) override { ::inotify_rm_watch(watch, number); }
};

base::Result<std::string> RealFiles::path_of(Handle handle) {
  std::array<char, PATH_MAX> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(handle);
  const ssize_t bytes = ::readlink(link.c_str(), path.data(), path.size());
  if (bytes < 0) return fail(errno, "path of " + number(handle));
  if (bytes == 0 || path[0] != '/') return fail(ENOENT, "path of " + number(handle));
  return std::string(path.data(), static_cast<std::size_t>(bytes));
}

base::Result<std::uint64_t> RealFiles::data_from(Handle handle, std::uint64_t offset) {
  // Moves the descriptor's position, which nobody uses: all reads and writes name theirs.
  const off_t data = ::lseek(handle, static_cast<off_t>(offset), SEEK_DATA);
  if (data >= 0) return static_cast<std::uint64_t>(data);
  if (errno == ENXIO) return TRY(status(handle)).size;
  return fail(errno, "data of " + number(handle));
}

base::Result<std::vector<DirectoryEntry>> RealFiles::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (directory == nullptr) return fail(errno, "list " + path);
  std::vector<DirectoryEntry> entries;
  while (true) {
    errno = 0;  // readdir tells its end from an error by it alone
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    entries.push_back({std::string(name), entry->d_ino, kind_of_entry(entry->d_type)});
  }
  if (errno != 0) return fail(errno, "list " + path);
  return entries;
}

base::Result<std::size_t> RealFiles::read_at(Handle handle, std::span<char> into,
                                             std::uint64_t offset) {
  std::size_t bytes = 0;
  while (bytes < into.size()) {
    const ssize_t got = ::pread(handle, into.data() + bytes, into.size() - bytes,
                                static_cast<off_t>(offset + bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno, "read from " + number(handle));
    if (got == 0) break;
    bytes += static_cast<std::size_t>(got);
  }
  return bytes;
}

base::Result<std::size_t> RealFiles::read_ready(Handle handle, std::span<char> into) {
  pollfd query{.fd = handle, .events = POLLIN, .revents = 0};
  const bool ready = ::poll(&query, 1, 0) > 0;  // the descriptor may be a blocking one
  ssize_t got = -1;
  while (ready && got < 0) {
    got = ::read(handle, into.data(), into.size());
    if (got < 0 && errno != EINTR) break;
  }
  if (got >= 0) return static_cast<std::size_t>(got);
  return fail(ready ? errno : EAGAIN, "read from " + number(handle));
}

base::Result<void> RealFiles::make_directories(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), kDirectoryMode) < 0) {
      const int reason = errno;
      // A parent that is there may refuse with EACCES or EROFS instead of EEXIST: what counts is
      // that it is a directory.
      const base::Result<FileStatus> there = status(part, true);
      if (!there) return fail(reason, "create directory " + part);
      if (there->kind != FileKind::directory) return fail(ENOTDIR, "create directory " + part);
    }
    if (end == std::string::npos) return {};
  }
}

base::Result<void> RealFiles::sync_directory(const std::string& path) {
  const UniqueHandle directory(*this, TRY(open(path, Open::directory)));
  return sync_named(directory.get(), "directory " + path);
}

base::Result<bool> RealFiles::tells_all_changes(const std::string& directory) {
  // f_type of file systems whose files others may change: man 2 statfs, linux/magic.h.
  static constexpr std::array<std::uint32_t, 13> kShared = {
      0x00006969,  // NFS
      0x0000517B,  // SMB
      0xFF534D42,  // CIFS
      0xFE534D42,  // SMB 2
      0x65735546,  // FUSE
      0x01021997,  // 9p
      0x00C36400,  // Ceph
      0x5346414F,  // AFS
      0x73757245,  // Coda
      0x0BD00BD0,  // Lustre
      0x47504653,  // GPFS
      0x786F4256,  // VirtualBox's shared folders
      0xBACBACBC,  // VMware's
  };
  struct statfs raw{};
  if (::statfs(directory.c_str(), &raw) < 0) return fail(errno, "file system of " + directory);
  return std::find(kShared.begin(), kShared.end(), static_cast<std::uint32_t>(raw.f_type)) ==
         kShared.end();
}

base::Result<Space> RealFiles::space(const std::string& path) {
  struct statvfs raw{};
  if (::statvfs(path.c_str(), &raw) < 0) return fail(errno, "free space of " + path);
  return Space{.free_bytes = raw.f_bavail * raw.f_frsize,
               .total_bytes = raw.f_blocks * raw.f_frsize};
}

base::Result<Handle> RealFiles::lock(const std::string& path) {
  const auto raw = static_cast<int>(open_now(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC));
  if (raw < 0) return fail(-raw, "open " + path);
  UniqueHandle handle(*this, raw);
  // flock, not fcntl: fcntl's lock is lost when the process closes any other handle of the file.
  if (::flock(handle.get(), LOCK_EX | LOCK_NB) == 0) return handle.release();
  if (errno != EWOULDBLOCK) return fail(errno, "lock " + path);
  std::string text(kLockTextBytesMax, '\0');
  const base::Result<std::size_t> bytes = read_at(handle.get(), text, 0);
  text.resize(bytes.value_or(0));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return std::unexpected(base::Error{base::ErrorCode::busy, EWOULDBLOCK, std::move(text)});
}

}  // namespace

std::unique_ptr<Files> make_files() { return std::make_unique<RealFiles>(); }

}  // namespace io
