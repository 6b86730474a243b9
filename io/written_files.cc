// Files that running processes have open for writing, as /proc says. Asked of every process is only
// where its descriptors lead; how one is open and what is behind it only of those that are wanted.
#include "io/written_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <memory>
#include <optional>

namespace io {
namespace {

constexpr std::size_t kDescriptorsMax = 50'000;  // in one look

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

std::optional<std::uint64_t> number_in(std::string_view text, int base = 10) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// man 5 proc_pid_fdinfo: a line "flags:" with the open flags in octal.
bool is_open_for_writing(const std::string& fdinfo) {
  const int handle = ::open(fdinfo.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) return false;
  std::array<char, 256> buffer{};
  const ssize_t got = ::read(handle, buffer.data(), buffer.size());
  ::close(handle);
  if (got <= 0) return false;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
  constexpr std::string_view kKey = "flags:";
  const std::size_t at = text.find(kKey);
  if (at == std::string_view::npos) return false;
  const std::size_t begin = text.find_first_not_of(" \t", at + kKey.size());
  if (begin == std::string_view::npos) return false;
  const std::size_t end = std::min(text.find('\n', begin), text.size());
  const auto flags = number_in(text.substr(begin, end - begin), 8);
  return flags && (*flags & O_ACCMODE) != O_RDONLY;
}

// The descriptors of one process. `left`: how many may still be looked at.
void look_at_process(const std::string& process,
                     const std::function<bool(std::string_view path)>& wanted, std::size_t& left,
                     WrittenFiles& found) {
  const Directory descriptors(::opendir((process + "/fd").c_str()));
  if (descriptors == nullptr) {
    if (errno == EACCES || errno == EPERM) ++found.processes_hidden;
    return;  // or it has ended
  }
  std::array<char, PATH_MAX> target{};
  while (const dirent* const entry = ::readdir(descriptors.get())) {
    if (entry->d_name[0] == '.') continue;
    if (left > 0) --left;
    const std::string link = process + "/fd/" + entry->d_name;
    const ssize_t bytes = ::readlink(link.c_str(), target.data(), target.size());
    if (bytes < 0 && (errno == EACCES || errno == EPERM)) {
      ++found.processes_hidden;
      return;
    }
    if (bytes <= 0 || target[0] != '/') continue;  // closed by now; a pipe, a socket
    const std::string_view path(target.data(), static_cast<std::size_t>(bytes));
    if (!wanted(path) || !is_open_for_writing(process + "/fdinfo/" + entry->d_name)) continue;
    // Through the link: a path may be another file in the process' own root.
    struct stat status{};
    if (::stat(link.c_str(), &status) < 0 || !S_ISREG(status.st_mode)) continue;
    if (status.st_nlink == 0) continue;  // the path says " (deleted)"
    found.files.push_back(
        {.path = std::string(path), .device = status.st_dev, .inode = status.st_ino});
  }
}

}  // namespace

base::Result<WrittenFiles> look_at_descriptors(
    const std::function<bool(std::string_view path)>& wanted, std::uint64_t from) {
  const Directory processes(::opendir("/proc"));
  if (processes == nullptr) return base::fail_system(errno, "list /proc");
  WrittenFiles found;
  // hidepid=2, ProtectProc=invisible: the first process is root's and always there.
  found.others_hidden = ::access("/proc/1", F_OK) != 0;
  const auto own = static_cast<std::uint64_t>(::getpid());
  std::size_t left = kDescriptorsMax;
  while (const dirent* const entry = ::readdir(processes.get())) {  // in ascending order
    const auto process = number_in(entry->d_name);
    if (!process || *process == own || *process < from) continue;
    if (left == 0) {
      found.next_process = *process;
      break;
    }
    look_at_process(std::string("/proc/") + entry->d_name, wanted, left, found);
  }
  return found;
}

}  // namespace io
