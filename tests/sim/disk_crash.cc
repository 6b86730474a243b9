// What a crash leaves of a Disk: its half about durability.
#include <algorithm>
#include <map>
#include <set>

#include "base/assert.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/watch_queue.h"

namespace sim {
namespace {

void apply(Node& directory, const Node::NameChange& change) {
  if (change.target == nullptr) {
    directory.durable_names.erase(change.name);
  } else {
    directory.durable_names[change.name] = change.target;
  }
}

}  // namespace

void Disk::for_each(Node& directory, const std::function<void(Node&)>& visit) {
  for (const auto& [name, node] : directory.names) {
    if (node->directory) for_each(*node, visit);
    visit(*node);
  }
  if (&directory == root_.get()) visit(directory);
}

// A rename between two directories is one step: syncing either makes both halves durable, with all
// that came before them in the other directory.
void Disk::sync_names(Node& directory) {
  std::vector<Node::NameChange> changes;
  changes.swap(directory.unsynced);
  for (const Node::NameChange& change : changes) {
    apply(directory, change);
    const NodeRef other = change.other.lock();
    if (other == nullptr) continue;
    std::vector<Node::NameChange>& others = other->unsynced;
    const auto past = std::find_if(others.begin(), others.end(),
                                   [&](const Node::NameChange& c) { return c.step > change.step; });
    std::vector<Node::NameChange> before(others.begin(), past);
    others.erase(others.begin(), past);
    for (const Node::NameChange& c : before) apply(*other, c);
  }
}

void Disk::write_back() {
  for_each(*root_, [](Node& node) {
    if (!node.directory) node.file.sync();
  });
  write_back_names();
}

void Disk::write_back_names() {
  for_each(*root_, [](Node& node) {
    for (const Node::NameChange& change : node.unsynced) apply(node, change);
    node.unsynced.clear();
  });
}

void Disk::kill_process() {
  for_each(*root_, [this](Node& node) {
    node.locked = false;
    if (!node.directory) node.file.evict(random_);
  });
}

// A journal keeps the order of its steps, so often a prefix survives. Other file systems keep any
// of them, but none keeps a step without the earlier ones about the same name or file.
void Disk::cut_names(Node& directory, std::map<std::uint64_t, bool>& shared_steps) {
  enum Mode : std::uint8_t { all, nothing, prefix, any };
  const auto mode = static_cast<Mode>(random_.below(4));
  const std::vector<Node::NameChange>& changes = directory.unsynced;
  const std::uint64_t last_step =
      changes.empty() ? 0 : random_.between(changes.front().step, changes.back().step);
  std::set<std::string_view> lost_names;
  std::set<const Node*> lost_nodes;
  bool removal_lost = false;
  for (auto first = changes.begin(); first != changes.end();) {
    const std::uint64_t step = first->step;
    const auto end = std::find_if(first, changes.end(),
                                  [&](const Node::NameChange& c) { return c.step != step; });
    bool keep = mode == all || (mode == prefix && step <= last_step) ||
                (mode == any && random_.below(2) == 0);
    for (auto at = first; at != end; ++at) {
      if (lost_names.contains(at->name) || lost_nodes.contains(at->target.get())) keep = false;
    }
    const bool removal = std::next(first) == end && first->target == nullptr;
    if (removal && removal_lost) keep = false;
    if (removal && !keep) removal_lost = true;
    if (!first->other.expired()) keep = shared_steps.try_emplace(step, keep).first->second;
    for (; first != end; ++first) {
      if (keep) {
        apply(directory, *first);
        continue;
      }
      lost_names.insert(first->name);
      if (first->target != nullptr) lost_nodes.insert(first->target.get());
    }
  }
  directory.unsynced.clear();
}

void Disk::cut_power() {
  std::map<std::uint64_t, bool> shared_steps;
  // Directories first by what was seen, then by what is left: a directory whose own name is lost
  // takes its content with it, one whose removal is lost brings it back.
  std::vector<NodeRef> waiting{root_};
  std::set<const Node*> seen{root_.get()};
  while (!waiting.empty()) {
    const NodeRef directory = waiting.back();
    waiting.pop_back();
    const auto enter = [&](const NodeRef& node) {
      if (node != nullptr && node->directory && seen.insert(node.get()).second) {
        waiting.push_back(node);
      }
    };
    for (const auto& [name, node] : directory->names) enter(node);
    for (const auto& [name, node] : directory->durable_names) enter(node);
    for (const Node::NameChange& change : directory->unsynced) enter(change.target);
    cut_names(*directory, shared_steps);
  }
  rebuild_after_cut();
}

void Disk::rebuild_after_cut() {
  std::map<std::uint64_t, Node*> numbers{{root_->inode, root_.get()}};
  used_bytes_ = 0;
  free_inodes_.clear();
  covered_.clear();
  std::vector<Node*> waiting{root_.get()};
  while (!waiting.empty()) {
    Node& directory = *waiting.back();
    waiting.pop_back();
    directory.names = directory.durable_names;
    directory.watchers.clear();
    for (const auto& [name, node] : directory.names) {
      const auto [number, first] = numbers.emplace(node->inode, node.get());
      ASSERT(number->second == node.get());
      if (!first) {  // another name of it
        ++node->links;
        continue;
      }
      node->parent = &directory;
      node->name = name;
      node->links = 1;
      node->opens = 0;
      node->agent_opens = 0;
      node->locked = false;
      if (node->directory) {
        waiting.push_back(node.get());
      } else {
        node->file.cut_power(random_);
        used_bytes_ += node->file.size();
      }
    }
  }
}

}  // namespace sim
