// The Disk's half about what else a name can be: symlinks, hard links, FIFOs, places that are
// refused and places that something is mounted over.
#include <sys/inotify.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "tests/sim/fifo.h"
#include "tests/sim/sim_disk.h"

namespace sim {

io::FileKind Disk::kind(const Node& node) {
  if (node.directory) return io::FileKind::directory;
  if (node.fifo != nullptr) return io::FileKind::fifo;
  return node.link_target.empty() ? io::FileKind::regular : io::FileKind::symlink;
}

int Disk::make_symlink(std::string_view path, std::string_view target) {
  const NodeRef made = make_node(false);
  made->link_target = target;
  return add_name(path, made);
}

int Disk::make_hard_link(std::string_view path, std::string_view existing) {
  const NodeRef node = find(existing, false);
  if (node == nullptr) return ENOENT;
  if (node->directory) return EPERM;
  if (const int error = add_name(path, node); error != 0) return error;
  ++node->links;
  tell(*node->parent, IN_ATTRIB, 0, node->name);
  return 0;
}

int Disk::make_fifo(std::string_view path) {
  const NodeRef made = make_node(false);
  made->fifo = std::make_shared<Fifo>();
  return add_name(path, made);
}

void Disk::deny(Node& node, bool denied) {
  if (node.denied == denied) return;
  node.denied = denied;
  if (denied) {
    ++denied_;
  } else {
    --denied_;
  }
  if (node.parent != nullptr) tell(*node.parent, IN_ATTRIB, 0, node.name, node.directory);
}

std::string Disk::real_path(std::string_view path) const {
  constexpr int kLinksMax = 8;
  std::string real(path);
  for (int links = 0; links <= kLinksMax; ++links) {
    std::size_t end = 0;
    NodeRef node;
    do {
      end = std::min(real.find('/', end + 1), real.size());
      node = find(std::string_view(real).substr(0, end), false);
      if (node == nullptr) return {};
    } while (node->link_target.empty() && end < real.size());
    if (node->link_target.empty()) return real;
    real = node->link_target + real.substr(end);
  }
  return {};
}

// Only directories above matter; whoever opens a file looks at the file itself.
bool Disk::refuses(std::string_view path) const {
  if (denied_ == 0) return false;
  for (std::size_t end = path.rfind('/'); end != std::string_view::npos && end != 0;
       end = path.rfind('/', end - 1)) {
    const NodeRef above = find(path.substr(0, end));
    if (above != nullptr && above->denied) return true;
  }
  return false;
}

void Disk::cover(std::string_view path) {
  Place place;
  ASSERT(locate(path, place) == 0);
  const auto found = place.directory->names.find(place.name);
  ASSERT(found != place.directory->names.end());
  covered_[std::string(path)] = found->second;
  found->second = make_node(true);
  found->second->device = device_ + 1;
}

void Disk::uncover(std::string_view path) {
  const auto found = covered_.find(path);
  if (found == covered_.end()) return;
  Place place;
  ASSERT(locate(path, place) == 0);
  place.directory->names.find(place.name)->second = found->second;
  covered_.erase(found);
}

}  // namespace sim
