#include "tests/agent/fault_fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "tests/test.h"

namespace process {

namespace {

constexpr std::size_t kRequestBytesMax = std::size_t{1} << 20;

template <typename T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

fuse_attr attributes_of(const struct stat& status) {
  fuse_attr attributes{};
  attributes.ino = status.st_ino;
  attributes.size = static_cast<std::uint64_t>(status.st_size);
  attributes.blocks = static_cast<std::uint64_t>(status.st_blocks);
  attributes.mtime = static_cast<std::uint64_t>(status.st_mtim.tv_sec);
  attributes.mtimensec = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
  attributes.ctime = static_cast<std::uint64_t>(status.st_ctim.tv_sec);
  attributes.ctimensec = static_cast<std::uint32_t>(status.st_ctim.tv_nsec);
  attributes.mode = status.st_mode;
  attributes.nlink = static_cast<std::uint32_t>(status.st_nlink);
  attributes.blksize = 4096;
  return attributes;
}

std::string own_path(int descriptor) { return "/proc/self/fd/" + std::to_string(descriptor); }

}  // namespace

struct FaultFs::Request {
  fuse_in_header header{};
  std::string body;
  std::string name;  // of what it asks about

  template <typename T>
  T as() const {
    T value{};
    std::memcpy(&value, body.data(), std::min(sizeof value, body.size()));
    return value;
  }
};

FaultFs::FaultFs(std::string behind, std::string mount_point)
    : mount_point_(std::move(mount_point)),
      device_(::open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  REQUIRE(device_ >= 0);
  REQUIRE(stop_ >= 0);
  Node& root = nodes_[1];
  root.path = ::open(behind.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(root.path >= 0);
  root.lookups = 1;
  const std::string options =
      "fd=" + std::to_string(device_) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
  REQUIRE(::mount("faults", mount_point_.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) ==
          0);
  thread_ = std::thread([this] { serve(); });
}

FaultFs::~FaultFs() {
  let_go();
  ::umount2(mount_point_.c_str(), MNT_DETACH);
  const std::uint64_t one = 1;
  if (::write(stop_, &one, sizeof one) != sizeof one) std::perror("fault_fs: stop");
  thread_.join();
  ::close(device_);  // whoever still asks gets ENOTCONN
  ::close(stop_);
  for (const auto& [number, open] : opens_) ::close(open.file);
  for (const auto& [number, node] : nodes_) ::close(node.path);
}

void FaultFs::fail(Call call, int error, const std::string& name) {
  const std::scoped_lock lock(mutex_);
  errors_[{call, name}] = error;
}

void FaultFs::damage(const std::string& name, std::uint64_t from, std::uint64_t to) {
  const std::scoped_lock lock(mutex_);
  damages_[name].emplace_back(from, to);
}

void FaultFs::repair(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  damages_.erase(name);
}

void FaultFs::hold(Call call, const std::string& name) {
  const std::scoped_lock lock(mutex_);
  holds_[{call, name}] = true;
}

void FaultFs::let_go() {
  const std::scoped_lock lock(mutex_);
  holds_.clear();
  for (const Request& request : std::exchange(held_, {})) handle(request);
}

std::size_t FaultFs::held() {
  const std::scoped_lock lock(mutex_);
  return held_.size();
}

void FaultFs::forget_handles() {
  const std::scoped_lock lock(mutex_);
  numbers_.clear();
  for (auto& [number, node] : nodes_) node.stale = number != 1;
}

std::uint64_t FaultFs::failures() {
  const std::scoped_lock lock(mutex_);
  return failures_;
}

void FaultFs::serve() {
  std::vector<char> buffer(kRequestBytesMax);
  while (true) {
    pollfd waits[2] = {{device_, POLLIN, 0}, {stop_, POLLIN, 0}};
    ::poll(waits, 2, -1);
    if (waits[1].revents != 0) return;
    const ssize_t bytes = ::read(device_, buffer.data(), buffer.size());
    if (bytes < 0 && errno == ENODEV) return;  // unmounted
    if (bytes < static_cast<ssize_t>(sizeof(fuse_in_header))) continue;
    Request request;
    std::memcpy(&request.header, buffer.data(), sizeof request.header);
    request.body.assign(buffer.data() + sizeof request.header, buffer.data() + bytes);
    const std::scoped_lock lock(mutex_);
    handle(request);
  }
}

void FaultFs::answer(const Request& request, int error, std::string_view bytes) {
  if (error != 0) bytes = {};
  fuse_out_header header{.len = static_cast<std::uint32_t>(sizeof header + bytes.size()),
                         .error = -error,
                         .unique = request.header.unique};
  std::string whole(bytes_of(header));
  whole += bytes;
  // ENOENT: whoever asked was interrupted meanwhile.
  if (::write(device_, whole.data(), whole.size()) < 0 && errno != ENOENT && errno != ENODEV) {
    std::perror("fault_fs: answer");
  }
}

void FaultFs::handle(const Request& request) {
  switch (request.header.opcode) {
    case FUSE_INIT:
      return initialise(request);
    case FUSE_LOOKUP:
      return look_up(request);
    case FUSE_GETATTR:
      return get_attributes(request);
    case FUSE_OPEN:
      return open_file(request);
    case FUSE_OPENDIR:
      return open_directory(request);
    case FUSE_READ:
      return read_file(request);
    case FUSE_READDIR:
      return read_directory(request);
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      close(request.as<fuse_release_in>().fh);
      return answer(request, 0);
    case FUSE_STATFS: {
      fuse_statfs_out out{};
      out.st.bsize = out.st.frsize = 4096;
      out.st.namelen = 255;
      return answer(request, 0, bytes_of(out));
    }
    case FUSE_FORGET:
      return forget(request.header.nodeid, request.as<fuse_forget_in>().nlookup);
    case FUSE_BATCH_FORGET: {
      const auto count = request.as<fuse_batch_forget_in>().count;
      for (std::uint32_t i = 0; i < count; ++i) {
        fuse_forget_one one{};
        std::memcpy(&one, request.body.data() + sizeof(fuse_batch_forget_in) + i * sizeof one,
                    sizeof one);
        forget(one.nodeid, one.nlookup);
      }
      return;
    }
    case FUSE_INTERRUPT:
      return interrupt(request.as<fuse_interrupt_in>().unique);
    default:
      return answer(request, ENOSYS);
  }
}

// True: it is answered, or will be later.
bool FaultFs::faulty(const Request& request, Call call) {
  const auto node = nodes_.find(request.header.nodeid);
  const bool known = node != nodes_.end() && !node->second.stale;
  const std::string name = call == Call::lookup   ? std::string(request.body.c_str())
                           : node != nodes_.end() ? node->second.name
                                                  : std::string();
  for (const std::string& which : {name, std::string()}) {
    if (holds_.contains({call, which})) {
      held_.push_back(request);
      return true;
    }
    const auto error = errors_.find({call, which});
    if (error == errors_.end() || error->second == 0) continue;
    ++failures_;
    answer(request, error->second);
    return true;
  }
  if (known) return false;
  ++failures_;
  answer(request, ESTALE);
  return true;
}

void FaultFs::interrupt(std::uint64_t unique) {
  const auto held = std::ranges::find_if(
      held_, [unique](const Request& each) { return each.header.unique == unique; });
  if (held == held_.end()) return;
  answer(*held, EINTR);
  held_.erase(held);
}

void FaultFs::initialise(const Request& request) {
  const auto asked = request.as<fuse_init_in>();
  fuse_init_out out{};
  out.major = FUSE_KERNEL_VERSION;
  out.minor = std::min<std::uint32_t>(asked.minor, FUSE_KERNEL_MINOR_VERSION);
  out.max_readahead = asked.max_readahead;
  out.max_write = 65536;
  out.time_gran = 1;
  answer(request, 0, bytes_of(out));
}

void FaultFs::look_up(const Request& request) {
  if (faulty(request, Call::lookup)) return;
  const char* const name = request.body.c_str();
  const int path =
      ::openat(nodes_.at(request.header.nodeid).path, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (path < 0) return answer(request, errno);
  struct stat status{};
  if (::fstat(path, &status) != 0) {
    ::close(path);
    return answer(request, EIO);
  }
  const std::pair identity{status.st_dev, status.st_ino};
  const auto [number, fresh] = numbers_.try_emplace(identity, last_node_ + 1);
  if (fresh) ++last_node_;
  Node& node = nodes_[number->second];
  if (node.path >= 0) ::close(node.path);
  node.path = path;
  node.name = name;
  node.identity = identity;
  ++node.lookups;
  fuse_entry_out out{};  // nothing of it stays valid
  out.nodeid = number->second;
  out.attr = attributes_of(status);
  answer(request, 0, bytes_of(out));
}

void FaultFs::get_attributes(const Request& request) {
  if (faulty(request, Call::getattr)) return;
  struct stat status{};
  if (::fstat(nodes_.at(request.header.nodeid).path, &status) != 0) return answer(request, errno);
  fuse_attr_out out{};
  out.attr = attributes_of(status);
  if (request.header.nodeid == 1) out.attr.ino = 1;
  answer(request, 0, bytes_of(out));
}

void FaultFs::open_file(const Request& request) {
  if (faulty(request, Call::open)) return;
  const std::uint64_t node = request.header.nodeid;
  if ((request.as<fuse_open_in>().flags & O_ACCMODE) != O_RDONLY) return answer(request, EROFS);
  const int file = ::open(own_path(nodes_.at(node).path).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return answer(request, errno);
  opens_[++last_open_] = {.node = node, .file = file, .entries = {}, .ends = {}};
  const fuse_open_out out{.fh = last_open_, .open_flags = FOPEN_DIRECT_IO, .padding = 0};
  answer(request, 0, bytes_of(out));
}

void FaultFs::open_directory(const Request& request) {
  if (faulty(request, Call::list)) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(
      ::opendir(own_path(nodes_.at(request.header.nodeid).path).c_str()), ::closedir);
  if (!directory) return answer(request, errno);
  Open& open = opens_[++last_open_];
  open.node = request.header.nodeid;
  while (const dirent* const each = ::readdir(directory.get())) {
    const std::string_view name = each->d_name;
    fuse_dirent entry{};
    entry.ino = each->d_ino;
    entry.off = open.ends.size() + 1;
    entry.namelen = static_cast<std::uint32_t>(name.size());
    entry.type = each->d_type;
    open.entries.append(reinterpret_cast<const char*>(&entry), FUSE_NAME_OFFSET);
    open.entries += name;
    open.entries.resize(FUSE_REC_ALIGN(open.entries.size()));
    open.ends.push_back(open.entries.size());
  }
  const fuse_open_out out{.fh = last_open_, .open_flags = 0, .padding = 0};
  answer(request, 0, bytes_of(out));
}

void FaultFs::read_file(const Request& request) {
  if (faulty(request, Call::read)) return;
  const auto asked = request.as<fuse_read_in>();
  std::size_t size = asked.size;
  if (const auto bad = damages_.find(nodes_.at(request.header.nodeid).name);
      bad != damages_.end()) {
    for (const auto& [from, to] : bad->second) {
      if (asked.offset >= to) continue;
      if (asked.offset >= from) {
        ++failures_;
        return answer(request, EIO);
      }
      size = std::min<std::size_t>(size, from - asked.offset);
    }
  }
  std::string bytes(size, '\0');
  const ssize_t got = ::pread(opens_.at(asked.fh).file, bytes.data(), bytes.size(),
                              static_cast<off_t>(asked.offset));
  if (got < 0) return answer(request, errno);
  answer(request, 0, std::string_view(bytes).substr(0, static_cast<std::size_t>(got)));
}

void FaultFs::read_directory(const Request& request) {
  if (faulty(request, Call::list)) return;
  const auto asked = request.as<fuse_read_in>();
  const Open& open = opens_.at(asked.fh);
  const std::size_t begin = asked.offset == 0 ? 0 : open.ends.at(asked.offset - 1);
  std::size_t end = begin;
  for (const std::size_t each : open.ends) {
    if (each > begin && each - begin <= asked.size) end = each;
  }
  answer(request, 0, std::string_view(open.entries).substr(begin, end - begin));
}

void FaultFs::forget(std::uint64_t number, std::uint64_t lookups) {
  const auto it = nodes_.find(number);
  if (it == nodes_.end() || number == 1) return;
  it->second.lookups -= std::min(lookups, it->second.lookups);
  if (it->second.lookups != 0) return;
  const auto its = numbers_.find(it->second.identity);
  if (its != numbers_.end() && its->second == number) numbers_.erase(its);
  ::close(it->second.path);
  nodes_.erase(it);
}

void FaultFs::close(std::uint64_t handle) {
  const auto it = opens_.find(handle);
  if (it == opens_.end()) return;
  if (it->second.file >= 0) ::close(it->second.file);
  opens_.erase(it);
}

}  // namespace process
