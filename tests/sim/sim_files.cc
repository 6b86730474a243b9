#include "tests/sim/sim_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

namespace sim {

using base::fail_system;

std::int64_t SimFiles::open_now(const char* path, io::Open how) {
  if (dead_) return -EIO;
  const FaultPlan& plan = machine_.faults.plan(path);
  machine_.trace.add("open", static_cast<std::uint64_t>(how));
  if (machine_.faults.strike(plan.open_error)) return -EMFILE;
  if (machine_.disk.refuses(path)) return -EACCES;
  NodeRef node = machine_.disk.find(path);
  if (how == io::Open::create_new && node != nullptr) return -EEXIST;
  if (node == nullptr) {
    if (how != io::Open::create_new && how != io::Open::append) return -ENOENT;
    if (const int error = machine_.disk.create(path, node); error != 0) return -error;
  }
  if (how == io::Open::directory && !node->directory) return -ENOTDIR;
  if (node->denied) return -EACCES;
  auto opened = std::make_shared<Descriptor>();
  opened->how = how;
  opened->path = path;
  opened->plan = &plan;
  if (node->directory && opened->writable()) return -EISDIR;
  opened->handles = node->handles;
  if (node->fifo != nullptr) opened->fifo = std::make_unique<FifoReader>(node->fifo);
  opened->file = OpenFile(machine_.disk, std::move(node), true);
  return descriptors_.add(std::move(opened));
}

std::int64_t SimFiles::read_now(Descriptor& from, std::span<char> into, std::uint64_t offset) {
  if (!from.file || from.how == io::Open::append) return -EBADF;
  if (from.file->directory) return -EISDIR;
  if (from.stale()) return -ESTALE;
  from.read_failed = !from.read_failed && machine_.faults.strike(from.plan->read_error);
  if (from.read_failed) return -EIO;
  const std::string& bytes = from.file->file.bytes();
  if (offset >= bytes.size()) return 0;
  std::size_t count = std::min<std::size_t>(into.size(), bytes.size() - offset);
  // Before a bad page some give what they have, others nothing.
  const std::size_t readable = machine_.disk.readable_bytes(*from.file, offset, count);
  if (readable < count && machine_.faults.on()) {
    if (readable == 0 || machine_.random.below(2) == 0) return -EIO;
    count = readable;
  }
  // An empty span may point nowhere, and memcpy must not be given that even for no bytes.
  if (count > 0) std::memcpy(into.data(), bytes.data() + offset, count);
  return static_cast<std::int64_t>(count);
}

std::int64_t SimFiles::write_now(const Descriptor& to, std::string_view bytes,
                                 std::uint64_t offset) {
  if (!to.file || !to.writable()) return -EBADF;
  if (to.how == io::Open::append || offset == io::Io::kAtEnd) offset = to.file->file.size();
  int error = 0;
  if (machine_.faults.strike(to.plan->write_error)) error = EIO;
  if (machine_.faults.strike(to.plan->write_full)) error = ENOSPC;
  if (error != 0) {
    machine_.disk.write(*to.file, bytes.substr(0, machine_.random.below(bytes.size() + 1)), offset);
    return -error;
  }
  const std::size_t count = machine_.disk.write(*to.file, bytes, offset);
  return count == bytes.size() ? static_cast<std::int64_t>(count) : -ENOSPC;
}

std::int64_t SimFiles::sync_now(const Descriptor& what) {
  if (!what.file) return -EBADF;
  if (machine_.faults.strike(what.plan->sync_error)) {
    if (!what.file->directory) {
      what.file->file.fail_sync(machine_.random);
      machine_.faults.note_failed_sync();
    }
    return -EIO;
  }
  machine_.disk.sync(*what.file);
  return 0;
}

// True: this call does not happen, nor any after it.
bool SimFiles::gone() {
  if (dead_ || calls_left_ == 0) return true;
  if (calls_left_ != kNever) --calls_left_;
  return false;
}

base::Result<DescriptorRef> SimFiles::descriptor(io::Handle handle, const char* what) {
  if (gone()) return fail_system(EIO, what);
  DescriptorRef found = descriptors_.get(handle);
  if (found == nullptr) return fail_system(EBADF, what);
  return found;
}

base::Result<io::Handle> SimFiles::open(const std::string& path, io::Open how) {
  if (gone()) return fail_system(EIO, "open " + path);
  const std::int64_t result = open_now(path.c_str(), how);
  if (result < 0) return fail_system(static_cast<int>(-result), "open " + path);
  return static_cast<io::Handle>(result);
}

void SimFiles::close(io::Handle handle) {
  if (!dead_) descriptors_.close(handle);
}

base::Result<io::FileStatus> SimFiles::status(io::Handle handle) {
  ++looks_;
  const DescriptorRef found = TRY(descriptor(handle, "fstat"));
  if (!found->file) return io::FileStatus{.kind = io::FileKind::other};
  if (found->stale()) return fail_system(ESTALE, "fstat");
  const io::FileStatus status = machine_.disk.status(*found->file);
  machine_.race(found->plan->race);
  return status;
}

base::Result<std::string> SimFiles::path_of(io::Handle handle) {
  const DescriptorRef found = TRY(descriptor(handle, "readlink"));
  std::string path = machine_.disk.real_path(found->path);
  if (path.empty()) return fail_system(ENOENT, "readlink");
  return path;
}

// Every block of NULs is a hole here, as if nobody had written it.
base::Result<std::uint64_t> SimFiles::data_from(io::Handle handle, std::uint64_t offset) {
  constexpr std::uint64_t kBlockBytes = 4096;
  const DescriptorRef found = TRY(descriptor(handle, "lseek"));
  if (!found->file) return fail_system(ESPIPE, "lseek");
  const std::string& bytes = found->file->file.bytes();
  if (offset >= bytes.size()) return bytes.size();
  const std::size_t block = offset / kBlockBytes * kBlockBytes;
  const std::size_t data = bytes.find_first_not_of('\0', block);
  if (data == std::string::npos) return bytes.size();
  return std::max(offset, data / kBlockBytes * kBlockBytes);
}

bool SimFiles::in_memory(io::Handle handle, std::uint64_t offset) {
  const auto found = descriptor(handle, "preadv2");
  if (!found || !(*found)->file) return true;
  const Node& node = *(*found)->file;
  return node.in_memory || offset >= node.file.size();
}

// Nothing here depends on what is in memory: only that it was said is kept.
void SimFiles::advise(io::Handle handle, io::PageAdvice how, io::ByteRange range) {
  const auto found = descriptor(handle, "fadvise");
  if (found && (*found)->file) (*found)->file->advice.push_back({how, range});
}

base::Result<io::FileStatus> SimFiles::status(const std::string& path, bool follow) {
  if (gone()) return fail_system(EIO, "stat " + path);
  if (machine_.faults.strike(machine_.faults.plan(path).look_error) ||
      machine_.disk.refuses(path)) {
    return fail_system(EACCES, "stat " + path);
  }
  const NodeRef node = machine_.disk.find(path, follow);
  const double race = machine_.faults.plan(path).race;
  if (node == nullptr) {
    machine_.race(race);
    return fail_system(ENOENT, "stat " + path);
  }
  const io::FileStatus status = machine_.disk.status(*node);
  machine_.race(race);
  return status;
}

base::Result<std::vector<io::DirectoryEntry>> SimFiles::list(const std::string& path) {
  if (gone()) return fail_system(EIO, "list " + path);
  if (machine_.faults.strike(machine_.faults.plan(path).look_error)) {
    return fail_system(EACCES, "list " + path);
  }
  const NodeRef node = machine_.disk.find(path);
  if (machine_.disk.refuses(path) || (node != nullptr && (node->denied || node->unlisted))) {
    return fail_system(EACCES, "list " + path);
  }
  if (node == nullptr) return fail_system(ENOENT, "list " + path);
  if (!node->directory) return fail_system(ENOTDIR, "list " + path);
  std::vector<io::DirectoryEntry> entries;
  for (const auto& [name, entry] : node->names) {
    entries.push_back({.name = name, .inode = entry->inode, .kind = Disk::kind(*entry)});
  }
  machine_.random.shuffle(entries);  // directories have no order
  machine_.race(machine_.faults.plan(path).race);
  return entries;
}

base::Result<std::size_t> SimFiles::read_at(io::Handle handle, std::span<char> into,
                                            std::uint64_t offset) {
  const DescriptorRef found = TRY(descriptor(handle, "read"));
  const std::int64_t result = read_now(*found, into, offset);
  if (result < 0) return fail_system(static_cast<int>(-result), "read");
  return static_cast<std::size_t>(result);
}

base::Result<std::size_t> SimFiles::read_ready(io::Handle handle, std::span<char> into) {
  const DescriptorRef found = TRY(descriptor(handle, "read"));
  if (found->fifo == nullptr) return fail_system(EINVAL, "read");
  if (!found->fifo->readable()) return fail_system(EAGAIN, "read");
  std::string& bytes = found->fifo->bytes();
  const std::size_t most = std::min(into.size(), bytes.size());
  const std::size_t count = most == 0 ? 0 : 1 + machine_.random.below(most);
  std::memcpy(into.data(), bytes.data(), count);
  bytes.erase(0, count);
  return count;
}

base::Result<void> SimFiles::write_at(io::Handle handle, std::string_view bytes,
                                      std::uint64_t offset) {
  const DescriptorRef found = TRY(descriptor(handle, "write"));
  const std::int64_t result = write_now(*found, bytes, offset);
  if (result < 0) return fail_system(static_cast<int>(-result), "write");
  return {};
}

base::Result<void> SimFiles::sync(io::Handle handle) {
  const DescriptorRef found = TRY(descriptor(handle, "sync"));
  const std::int64_t result = sync_now(*found);
  if (result < 0) return fail_system(static_cast<int>(-result), "sync");
  return {};
}

base::Result<void> SimFiles::truncate(io::Handle handle, std::uint64_t bytes) {
  const DescriptorRef found = TRY(descriptor(handle, "truncate"));
  if (!found->file || !found->writable()) return fail_system(EBADF, "truncate");
  if (machine_.faults.strike(found->plan->write_error)) return fail_system(EIO, "truncate");
  machine_.disk.truncate(*found->file, bytes);
  return {};
}

base::Result<void> SimFiles::change(const char* what, const std::string& path,
                                    int (Disk::*act)(std::string_view)) {
  const std::string message = std::string(what) + ' ' + path;
  if (gone() || machine_.faults.strike(machine_.faults.plan(path).change_error)) {
    return fail_system(EIO, message);
  }
  machine_.trace.add(what);
  if (const int error = (machine_.disk.*act)(path); error != 0) return fail_system(error, message);
  return {};
}

base::Result<void> SimFiles::rename(const std::string& from, const std::string& to) {
  if (gone() || machine_.faults.strike(machine_.faults.plan(from).change_error)) {
    return fail_system(EIO, "rename " + from);
  }
  machine_.trace.add("rename");
  if (const int error = machine_.disk.rename(from, to); error != 0) {
    return fail_system(error, "rename " + from + " to " + to);
  }
  return {};
}

base::Result<void> SimFiles::rename_new(const std::string& from, const std::string& to) {
  if (machine_.disk.find(to, false) == nullptr) return rename(from, to);
  return fail_system(gone() ? EIO : EEXIST, "rename " + from + " to " + to);
}

base::Result<void> SimFiles::remove(const std::string& path) {
  return change("remove", path, &Disk::remove);
}

base::Result<void> SimFiles::make_directories(const std::string& path) {
  return change("make directory", path, &Disk::make_directories);
}

base::Result<void> SimFiles::sync_directory(const std::string& path) {
  if (gone() || machine_.faults.strike(machine_.faults.plan(path).change_error)) {
    return fail_system(EIO, "sync " + path);
  }
  const NodeRef node = machine_.disk.find(path);
  if (node == nullptr) return fail_system(ENOENT, "sync " + path);
  if (!node->directory) return fail_system(ENOTDIR, "sync " + path);
  machine_.trace.add("sync directory");
  machine_.disk.sync(*node);
  return {};
}

base::Result<bool> SimFiles::tells_all_changes(const std::string& directory) {
  const std::optional<bool> all = machine_.disk.tells_changes();
  if (!all) return fail_system(EIO, "statfs " + directory);
  return *all;
}

base::Result<io::Space> SimFiles::space(const std::string& path) {
  if (gone()) return fail_system(EIO, "statfs " + path);
  if (!machine_.disk.exists(path)) return fail_system(ENOENT, "statfs " + path);
  return machine_.disk.space();
}

// Every log writer's file.
base::Result<io::WrittenFiles> SimFiles::written_files(
    const std::function<bool(std::string_view path)>& wanted, std::uint64_t /*from*/) {
  if (gone()) return fail_system(EIO, "list /proc");
  io::WrittenFiles found;
  std::vector<std::pair<std::string, NodeRef>> waiting{{"", machine_.disk.find("/")}};
  while (!waiting.empty()) {
    const auto [path, node] = std::move(waiting.back());
    waiting.pop_back();
    for (const auto& [name, child] : node->names) waiting.emplace_back(path + "/" + name, child);
    if (node->directory || node->opens == node->agent_opens || !wanted(path)) continue;
    const io::FileStatus status = machine_.disk.status(*node);
    found.files.push_back({.path = path, .device = status.device, .inode = status.inode});
  }
  return found;
}

base::Result<io::Handle> SimFiles::lock(const std::string& path) {
  io::Handle handle = io::kNoHandle;
  if (machine_.disk.exists(path)) {
    handle = TRY(open(path, io::Open::update));
  } else {
    handle = TRY(open(path, io::Open::create_new));
  }
  const DescriptorRef found = descriptors_.get(handle);
  if (found->file->locked) {
    const std::string holder = found->file->file.bytes();
    close(handle);
    return base::fail(base::ErrorCode::busy, holder);
  }
  found->file->locked = true;
  found->holds_lock = true;
  return handle;
}

base::Result<io::Handle> SimFiles::open_watch() {
  if (gone()) return fail_system(EIO, "inotify_init");
  if (machine_.faults.strike(machine_.faults.plan("").open_error)) {
    return fail_system(EMFILE, "inotify_init");
  }
  auto opened = std::make_shared<Descriptor>();
  opened->watch = std::make_shared<WatchQueue>(machine_.faults);
  opened->plan = &machine_.faults.plan("");
  return descriptors_.add(std::move(opened));
}

base::Result<int> SimFiles::add_watch(io::Handle watch, const std::string& directory) {
  const DescriptorRef found = TRY(descriptor(watch, "watch"));
  if (found->watch == nullptr) return fail_system(EINVAL, "watch " + directory);
  const FaultPlan& plan = machine_.faults.plan(directory);
  if (machine_.faults.strike(plan.open_error)) return fail_system(ENOSPC, "watch " + directory);
  const NodeRef node = machine_.disk.find(directory);
  if (machine_.disk.refuses(directory) || (node != nullptr && (node->denied || node->unlisted))) {
    return fail_system(EACCES, "watch " + directory);
  }
  if (node == nullptr) return fail_system(ENOENT, "watch " + directory);
  if (!node->directory) return fail_system(ENOTDIR, "watch " + directory);
  return found->watch->add(node, plan);
}

void SimFiles::remove_watch(io::Handle watch, int number) {
  const DescriptorRef found = descriptors_.get(watch);
  if (!dead_ && found != nullptr && found->watch != nullptr) found->watch->remove(number);
}

}  // namespace sim
