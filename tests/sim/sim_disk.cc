#include "tests/sim/sim_disk.h"

#include <sys/inotify.h>

#include <algorithm>
#include <cerrno>

#include "base/assert.h"
#include "tests/sim/watch_queue.h"

namespace sim {
namespace {

// Takes the first part off an absolute path; "" when nothing is left.
std::string_view take_part(std::string_view& path) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  const std::string_view part = path.substr(0, path.find('/'));
  path.remove_prefix(part.size());
  return part;
}

}  // namespace

Disk::Disk(SimRandom& random, SimClock& clock) : random_(random), clock_(clock) {
  root_ = make_node(true);
}

NodeRef Disk::make_node(bool directory) {
  auto node = std::make_shared<Node>();
  node->directory = directory;
  node->inode = take_inode();
  last_birth_ns_ = std::max(last_birth_ns_ + 1, clock_.wall_ns());
  node->birth_ns = last_birth_ns_;
  node->modified_ns = clock_.wall_ns();
  return node;
}

// A journal never keeps a file under a number without the removal that freed the number.
std::uint64_t Disk::take_inode() {
  if (free_inodes_.empty()) return next_inode_++;
  if (!free_inodes_.back().last.expired() && random_.below(2) == 0) write_back_names();
  if (!free_inodes_.back().last.expired()) return next_inode_++;
  const std::uint64_t number = free_inodes_.back().number;
  free_inodes_.pop_back();
  return number;
}

NodeRef Disk::find(std::string_view path, bool follow) const {
  constexpr int kLinksMax = 8;
  return walk(path, follow, kLinksMax);
}

NodeRef Disk::walk(std::string_view path, bool follow, int links_left) const {
  const NodeRef* at = &root_;
  while (true) {
    const std::string_view part = take_part(path);
    if (part.empty()) return *at;
    if (!(*at)->directory) return nullptr;
    const auto found = (*at)->names.find(part);
    if (found == (*at)->names.end()) return nullptr;
    at = &found->second;
    if ((*at)->link_target.empty() || (path.empty() && !follow)) continue;
    if (links_left == 0) return nullptr;
    return walk((*at)->link_target + std::string(path), follow, links_left - 1);
  }
}

int Disk::locate(std::string_view path, Place& place) const {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == path.size()) return EINVAL;
  place.directory = find(path.substr(0, slash));
  place.name = path.substr(slash + 1);
  if (place.directory == nullptr) return ENOENT;
  return place.directory->directory ? 0 : ENOTDIR;
}

void Disk::change(Node& directory, std::string_view name, NodeRef target, std::uint64_t step,
                  const NodeRef& other) {
  directory.unsynced.push_back({step, std::string(name), std::move(target), other});
  directory.modified_ns = clock_.wall_ns();
}

void Disk::link(Node& directory, std::string_view name, const NodeRef& node) {
  directory.names[std::string(name)] = node;
  if (node->parent != nullptr) return;  // another name is told of
  node->parent = &directory;
  node->name = name;
}

// Takes the name away; the node is released if nothing else holds it.
void Disk::unlink(Node& directory, std::string_view name) {
  const auto found = directory.names.find(name);
  const NodeRef node = found->second;
  directory.names.erase(found);
  --node->links;
  lost_name(*node, directory, name);
  release_if_unused(*node);
}

// Events are told of one name; of another one when that is gone, if it is in the same directory.
void Disk::lost_name(Node& node, Node& directory, std::string_view name) {
  if (node.parent != &directory || node.name != name) return;
  node.parent = nullptr;
  if (node.links == 0) return;
  for (const auto& [other, entry] : directory.names) {
    if (entry.get() != &node) continue;
    node.parent = &directory;
    node.name = other;
    return;
  }
}

void Disk::release_if_unused(Node& node) {
  if (node.links != 0 || node.opens != 0) return;
  used_bytes_ -= std::min(used_bytes_, node.file.size());
  free_inodes_.push_back({node.inode, node.weak_from_this()});
}

void Disk::closed(Node& node) {
  ASSERT(node.opens > 0);
  --node.opens;
  release_if_unused(node);
}

void Disk::tell(Node& directory, std::uint32_t mask, std::uint32_t cookie, std::string_view name,
                bool is_directory) {
  if (is_directory) mask |= IN_ISDIR;
  for (const Node::Watcher& watcher : directory.watchers) {
    watcher.queue->event(watcher.number, mask, cookie, name);
  }
}

int Disk::add_name(std::string_view path, const NodeRef& node) {
  Place place;
  if (const int error = locate(path, place); error != 0) return error;
  if (place.directory->names.contains(place.name)) return EEXIST;
  link(*place.directory, place.name, node);
  change(*place.directory, place.name, node, next_step_++);
  tell(*place.directory, IN_CREATE, 0, place.name);
  return 0;
}

int Disk::create(std::string_view path, NodeRef& created) {
  Place place;
  if (const int error = locate(path, place); error != 0) return error;
  if (place.directory->names.contains(place.name)) return EEXIST;
  created = make_node(false);
  created->device = place.directory->device;
  return add_name(path, created);
}

int Disk::make_directories(std::string_view path) {
  NodeRef at = root_;
  while (true) {
    const std::string_view part = take_part(path);
    if (part.empty()) return 0;
    const auto found = at->names.find(part);
    if (found != at->names.end()) {
      if (!found->second->directory) return ENOTDIR;
      at = NodeRef(found->second);
      continue;
    }
    const NodeRef made = make_node(true);
    made->device = at->device;
    link(*at, part, made);
    change(*at, part, made, next_step_++);
    tell(*at, IN_CREATE, 0, part, true);
    at = made;
  }
}

int Disk::remove(std::string_view path) {
  Place place;
  if (const int error = locate(path, place); error != 0) return error;
  const auto found = place.directory->names.find(place.name);
  if (found == place.directory->names.end()) return ENOENT;
  if (found->second->directory) return EISDIR;
  unlink(*place.directory, place.name);
  change(*place.directory, place.name, nullptr, next_step_++);
  tell(*place.directory, IN_DELETE, 0, place.name);
  return 0;
}

int Disk::remove_directory(std::string_view path) {
  Place place;
  if (const int error = locate(path, place); error != 0) return error;
  const auto found = place.directory->names.find(place.name);
  if (found == place.directory->names.end()) return ENOENT;
  const NodeRef node = found->second;
  if (!node->directory) return ENOTDIR;
  if (!node->names.empty()) return ENOTEMPTY;
  const auto watchers = node->watchers;
  for (const Node::Watcher& watcher : watchers) watcher.queue->directory_gone(watcher.number);
  unlink(*place.directory, place.name);
  change(*place.directory, place.name, nullptr, next_step_++);
  tell(*place.directory, IN_DELETE, 0, place.name, true);
  return 0;
}

int Disk::rename(std::string_view from, std::string_view to) {
  Place source;
  Place target;
  if (const int error = locate(from, source); error != 0) return error;
  if (const int error = locate(to, target); error != 0) return error;
  const auto found = source.directory->names.find(source.name);
  if (found == source.directory->names.end()) return ENOENT;
  const NodeRef node = found->second;
  const auto replaced = target.directory->names.find(target.name);
  if (replaced != target.directory->names.end()) {
    if (replaced->second == node) return 0;
    if (replaced->second->directory) return node->directory ? ENOTEMPTY : EISDIR;
    if (node->directory) return ENOTDIR;
    unlink(*target.directory, target.name);
  }
  const bool told = node->parent == source.directory.get() && node->name == source.name;
  source.directory->names.erase(found);
  if (told) node->parent = nullptr;
  link(*target.directory, target.name, node);
  const bool same = source.directory == target.directory;
  const std::uint64_t step = next_step_++;
  change(*source.directory, source.name, nullptr, step, same ? nullptr : target.directory);
  change(*target.directory, target.name, node, step, same ? nullptr : source.directory);
  const std::uint32_t cookie = next_cookie_++;
  tell(*source.directory, IN_MOVED_FROM, cookie, source.name, node->directory);
  tell(*target.directory, IN_MOVED_TO, cookie, target.name, node->directory);
  return 0;
}

std::size_t Disk::write(Node& node, std::string_view bytes, std::uint64_t offset) {
  const std::uint64_t size = node.file.size();
  std::uint64_t end = offset + bytes.size();
  if (end > size) {
    const std::uint64_t room = capacity_bytes_ - std::min(capacity_bytes_, used_bytes_);
    end = std::min(end, size + room);
  }
  const std::size_t count = end > offset ? static_cast<std::size_t>(end - offset) : 0;
  if (count == 0) return 0;
  node.file.write(bytes.substr(0, count), offset);
  used_bytes_ += node.file.size() - size;
  node.modified_ns = clock_.wall_ns();
  if (node.parent != nullptr) tell(*node.parent, IN_MODIFY, 0, node.name);
  return count;
}

std::size_t Disk::readable_bytes(const Node& node, std::uint64_t offset, std::size_t count) const {
  const auto bad = node.bad_pages.lower_bound(offset / kPageBytes);
  if (bad == node.bad_pages.end()) return count;
  const std::uint64_t begin = *bad * kPageBytes;
  return begin <= offset ? 0 : std::min<std::uint64_t>(count, begin - offset);
}

void Disk::truncate(Node& node, std::uint64_t size) {
  used_bytes_ -= std::min(used_bytes_, node.file.size());
  node.file.truncate(size);
  node.bad_pages.erase(node.bad_pages.lower_bound((size + kPageBytes - 1) / kPageBytes),
                       node.bad_pages.end());
  used_bytes_ += size;
  node.modified_ns = clock_.wall_ns();
  if (node.parent != nullptr) tell(*node.parent, IN_MODIFY, 0, node.name);
}

void Disk::sync(Node& node) {
  if (node.directory) {
    sync_names(node);
  } else {
    node.file.sync();
  }
}

io::FileStatus Disk::status(const Node& node) const {
  io::FileStatus status;
  status.kind = kind(node);
  status.device = node.device != 0 ? node.device : device_;
  status.inode = node.inode;
  status.birth_ns = tells_births_ ? node.birth_ns : 0;
  status.modified_ns = node.modified_ns;
  status.size = status.allocated = node.file.size();
  status.links = node.links;
  return status;
}

io::Space Disk::space() const {
  return {.free_bytes = capacity_bytes_ - std::min(capacity_bytes_, used_bytes_),
          .total_bytes = capacity_bytes_};
}

void Disk::put(std::string_view path, std::string_view bytes) {
  ASSERT(make_directories(path.substr(0, path.rfind('/'))) == 0);
  NodeRef node = find(path);
  if (node == nullptr) ASSERT(create(path, node) == 0);
  truncate(*node, 0);
  write(*node, bytes, 0);
  node->file.sync();
  for (Node* up = node->parent; up != nullptr; up = up->parent) sync_names(*up);
}

std::string Disk::content(std::string_view path) const {
  const NodeRef node = find(path);
  return node == nullptr ? std::string() : node->file.bytes();
}

std::vector<std::string> Disk::list(std::string_view path) const {
  std::vector<std::string> names;
  const NodeRef node = find(path);
  if (node == nullptr) return names;
  for (const auto& [name, entry] : node->names) names.push_back(name);
  return names;
}

}  // namespace sim
