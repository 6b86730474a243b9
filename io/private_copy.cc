#include "io/private_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace io {

namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }

 private:
  int value_;
};

// One file that is copied, as it was when it was opened.
struct Original {
  std::string ending;  // of its name; empty: the file itself
  Descriptor file;
  struct ::stat before;
};

base::Result<Original> open_original(const std::string& path, const std::string& ending) {
  // Not to wait for the writer of a FIFO.
  const std::string name = path + ending;
  Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return base::fail_system(errno, "open " + name);
  struct ::stat before{};
  if (::fstat(file.get(), &before) != 0) return base::fail_system(errno, "look at " + name);
  if (!S_ISREG(before.st_mode)) {
    return base::fail(base::ErrorCode::invalid, name + " is no regular file");
  }
  return Original{.ending = ending, .file = std::move(file), .before = before};
}

std::unexpected<base::Error> in_use(const std::string& path) {
  return base::fail(base::ErrorCode::busy, path + " is being written to");
}

// Until the file is closed.
base::Result<void> lock_against_writers(const Original& original, const std::string& path,
                                        ByteRange range) {
  struct ::flock lock{};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<::off_t>(range.offset);
  lock.l_len = static_cast<::off_t>(range.bytes);
  if (::fcntl(original.file.get(), F_OFD_SETLK, &lock) == 0) return {};
  if (errno == EAGAIN || errno == EACCES) return in_use(path);
  return base::fail_system(errno, "lock " + path);
}

// Who has it open may write to it any time.
base::Result<void> check_unused(const std::string& real, const std::string& path,
                                const PrivateCopy::Locks& locks) {
  const auto beside = open_original(real, std::string(locks.ending));
  if (!beside) {
    if (beside.error().system == ENOENT) return {};
    return std::unexpected(beside.error());
  }
  struct ::flock lock{};
  lock.l_type = F_WRLCK;  // asked for only: what it would be refused for
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<::off_t>(locks.users.offset);
  lock.l_len = static_cast<::off_t>(locks.users.bytes);
  if (::fcntl(beside->file.get(), F_OFD_GETLK, &lock) != 0) {
    return base::fail_system(errno, "ask for locks of " + path);
  }
  if (lock.l_type == F_UNLCK) return {};
  return base::fail(
      base::ErrorCode::busy,
      path + " is in use" + (lock.l_pid > 0 ? " by pid " + std::to_string(lock.l_pid) : ""));
}

base::Result<void> check_magic(const Original& original, const std::string& path,
                               std::string_view magic) {
  std::string head(magic.size(), '\0');
  std::size_t known = 0;
  while (known < head.size()) {
    const ::ssize_t count = ::pread(original.file.get(), head.data() + known, head.size() - known,
                                    static_cast<::off_t>(known));
    if (count == 0) break;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::fail_system(errno, "read " + path);
    known += static_cast<std::size_t>(count);
  }
  if (known == 0 || head == magic) return {};
  return base::fail(base::ErrorCode::corrupt, path + " does not begin as such a file does");
}

base::Result<void> write_all(int to, const char* bytes, std::size_t count,
                             const std::string& name) {
  while (count > 0) {
    const ::ssize_t written = ::write(to, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return base::fail_system(errno, "write " + name);
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
  return {};
}

base::Result<void> copy(const Original& original, const std::string& from, const std::string& to) {
  const Descriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (target.get() < 0) return base::fail_system(errno, "create " + to);
  std::vector<char> buffer(std::size_t{256} << 10);
  for (;;) {
    const ::ssize_t count = ::read(original.file.get(), buffer.data(), buffer.size());
    if (count == 0) return {};
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::fail_system(errno, "read " + from);
    TRY_VOID(write_all(target.get(), buffer.data(), static_cast<std::size_t>(count), to));
  }
}

// The file is there as it was, also under its name.
bool unchanged(const Original& original, const std::string& name) {
  struct ::stat now{};
  return ::stat(name.c_str(), &now) == 0 && now.st_dev == original.before.st_dev &&
         now.st_ino == original.before.st_ino && now.st_size == original.before.st_size &&
         now.st_mtim.tv_sec == original.before.st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == original.before.st_mtim.tv_nsec;
}

base::Result<std::string> make_directory() {
  std::error_code error;
  fs::path parent = fs::temp_directory_path(error);
  if (error) parent = "/tmp";
  std::string name = (parent / "tailrace-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return base::fail_system(errno, "create " + name);
  return name;
}

}  // namespace

base::Result<PrivateCopy> PrivateCopy::make(const std::string& path, const Kind& kind) {
  std::error_code error;
  // What belongs to a file lies beside it, not beside a symlink to it.
  const std::string real = fs::canonical(path, error).string();
  if (error) return base::fail_system(error.value(), "open " + path);
  std::vector<Original> originals;
  originals.push_back(TRY(open_original(real, "")));
  TRY_VOID(lock_against_writers(originals.front(), path, kind.locks.writers));
  TRY_VOID(check_magic(originals.front(), path, kind.magic));
  TRY_VOID(check_unused(real, path, kind.locks));
  for (const std::string_view ending : kind.endings) {
    auto original = open_original(real, std::string(ending));
    if (original) {
      originals.push_back(std::move(*original));
    } else if (original.error().system != ENOENT) {
      return std::unexpected(std::move(original.error()));
    }
  }
  PrivateCopy whole(TRY(make_directory()));
  for (const Original& original : originals) {
    TRY_VOID(copy(original, real + original.ending, whole.path() + original.ending));
  }
  for (const Original& original : originals) {
    if (!unchanged(original, real + original.ending)) return in_use(path);
  }
  return whole;
}

PrivateCopy::PrivateCopy(PrivateCopy&& other) noexcept
    : directory_(std::exchange(other.directory_, {})) {}

PrivateCopy::~PrivateCopy() {
  if (directory_.empty()) return;
  std::error_code error;
  fs::remove_all(directory_, error);
}

std::string PrivateCopy::path() const { return directory_ + "/copy"; }

}  // namespace io
