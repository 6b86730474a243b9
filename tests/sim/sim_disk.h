// Disk: a file system in memory that can lose power.
//
// What programs see and what the device has are kept apart: for each file's bytes (cached_file.h)
// and for each directory's names. A name that was created, renamed or removed is durable only when
// its directory is synced; syncing a new file does not make its name durable (stricter than ext4,
// as POSIX allows). A rename is one step: after a power cut it happened or it did not.
//
// Like ext4 it hands the number of a deleted inode to the next file at once, with a new birth time.
// Errors are positive errno, 0 is success. No faults happen here: they are the callers'
// (sim_files.h, sim_io.h), so that tests and log writers can use the disk directly.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/files.h"
#include "tests/sim/cached_file.h"
#include "tests/sim/sim_clock.h"
#include "tests/sim/sim_random.h"

namespace sim {

constexpr std::uint64_t kPageBytes = 4096;

class WatchQueue;
struct Fifo;
struct Node;
using NodeRef = std::shared_ptr<Node>;

struct Node : std::enable_shared_from_this<Node> {  // an inode
  struct NameChange {
    std::uint64_t step;  // the halves of a rename have the same one
    std::string name;
    NodeRef target;             // nullptr: removed
    std::weak_ptr<Node> other;  // the other directory of such a rename
  };
  struct Advice {
    io::PageAdvice how;
    io::ByteRange range;
  };
  struct Watcher {
    WatchQueue* queue;
    int number;
  };
  using Names = std::map<std::string, NodeRef, std::less<>>;

  bool directory = false;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;  // 0: the disk's
  std::int64_t birth_ns = 0;
  std::int64_t modified_ns = 0;
  std::uint32_t links = 1;
  std::uint32_t opens = 0;
  std::uint32_t agent_opens = 0;  // of them; the others are writers'
  bool locked = false;
  bool denied = false;                // our program may neither open nor search it
  bool unlisted = false;              // a directory that our program may search and not read
  std::uint32_t handles = 0;          // changes when what was opened before becomes stale (ESTALE)
  std::string link_target;            // of a symlink: an absolute path
  std::shared_ptr<Fifo> fifo;         // of a FIFO
  Node* parent = nullptr;             // while it has a name
  std::string name;                   // one of them
  CachedFile file;                    // of a file
  bool in_memory = false;             // all of it, as if somebody had just read it
  std::vector<Advice> advice;         // about its pages in memory, since it was made
  std::set<std::uint64_t> bad_pages;  // numbers those the device does not give while faults are on
  Names names;                        // of a directory: as programs see it
  Names durable_names;                // … as the device has it
  std::vector<NameChange> unsynced;   // … the way from the second to the first
  std::vector<Watcher> watchers;
};

class Disk {
 public:
  Disk(SimRandom& random, SimClock& clock);
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // Absolute paths. nullptr: nothing there. `follow`: a symlink at the end, too.
  NodeRef find(std::string_view path, bool follow = true) const;
  std::string real_path(std::string_view path) const;  // without links; empty: nothing there
  bool exists(std::string_view path) const { return find(path) != nullptr; }
  int create(std::string_view path, NodeRef& created);  // an empty file; EEXIST, ENOENT, ENOTDIR
  int make_directories(std::string_view path);
  int remove(std::string_view path);            // a file
  int remove_directory(std::string_view path);  // an empty one
  int rename(std::string_view from, std::string_view to);

  // What else names can do (disk_places.cc).
  int make_symlink(std::string_view path, std::string_view target);
  int make_hard_link(std::string_view path, std::string_view existing);
  int make_fifo(std::string_view path);
  // Our program is refused the file, or the directory and all below; what it has open stays so.
  void deny(Node& node, bool denied);
  bool refuses(std::string_view path) const;  // to look at `path`
  // An empty directory of another device is mounted over one: what is below goes on unseen by who
  // looks for it. No watch tells, and a power cut ends it.
  void cover(std::string_view path);
  void uncover(std::string_view path);

  // Writes what fits: less than asked (ENOSPC) only when the disk is full.
  std::size_t write(Node& node, std::string_view bytes, std::uint64_t offset);
  std::size_t append(Node& node, std::string_view bytes) {
    return write(node, bytes, node.file.size());
  }
  void truncate(Node& node, std::uint64_t size);
  // How many of the `count` bytes from `offset` on the device gives: up to the first bad page.
  std::size_t readable_bytes(const Node& node, std::uint64_t offset, std::size_t count) const;
  void sync(Node& node);  // a file's bytes, or a directory's names
  io::FileStatus status(const Node& node) const;
  static io::FileKind kind(const Node& node);

  // An open handle keeps the inode alive after its name is gone.
  void opened(Node& node) { ++node.opens; }
  void closed(Node& node);

  // Everything so far becomes durable, as if the kernel had had time to write it back.
  void write_back();
  // Our process died: its handles are gone already; lost pages may be dropped from memory.
  void kill_process();
  // The machine lost power; nobody has anything open any more.
  void cut_power();

  // For tests. put: a durable file with its parents, replacing what was there.
  void put(std::string_view path, std::string_view bytes);
  std::string content(std::string_view path) const;  // empty if there is none
  std::vector<std::string> list(std::string_view path) const;

  // As if it was mounted again, under another number.
  void set_device(std::uint64_t number) { device_ = number; }
  // As if another file system was mounted there: what is made below is on it.
  void mount(std::string_view directory, std::uint64_t device) { find(directory)->device = device; }
  std::uint64_t device() const { return device_; }
  // Does status() tell when a file was born?
  void tell_births(bool on) { tells_births_ = on; }
  // Does a watch tell of all changes? nullopt: that cannot be asked.
  void tell_changes(std::optional<bool> all) { tells_changes_ = all; }
  std::optional<bool> tells_changes() const { return tells_changes_; }
  void set_capacity(std::uint64_t bytes) { capacity_bytes_ = bytes; }
  io::Space space() const;
  const NodeRef& root() const { return root_; }

 private:
  struct Place {
    NodeRef directory;
    std::string_view name;
  };
  int locate(std::string_view path, Place& place) const;
  NodeRef walk(std::string_view path, bool follow, int links_left) const;
  int add_name(std::string_view path, const NodeRef& node);
  NodeRef make_node(bool directory);
  std::uint64_t take_inode();
  void link(Node& directory, std::string_view name, const NodeRef& node);
  void unlink(Node& directory, std::string_view name);
  static void lost_name(Node& node, Node& directory, std::string_view name);
  void change(Node& directory, std::string_view name, NodeRef target, std::uint64_t step,
              const NodeRef& other = nullptr);
  void release_if_unused(Node& node);
  void tell(Node& directory, std::uint32_t mask, std::uint32_t cookie, std::string_view name,
            bool is_directory = false);
  void sync_names(Node& directory);
  void write_back_names();
  void cut_names(Node& directory, std::map<std::uint64_t, bool>& shared_steps);
  void for_each(Node& directory, const std::function<void(Node&)>& visit);
  void rebuild_after_cut();

  SimRandom& random_;
  SimClock& clock_;
  NodeRef root_;
  struct FreeInode {
    std::uint64_t number;
    std::weak_ptr<Node> last;  // there as long as its removal may be lost
  };
  std::vector<FreeInode> free_inodes_;  // last in, first out: reused at once
  std::uint64_t next_inode_ = 2;
  std::uint64_t device_ = 1;
  bool tells_births_ = true;
  std::optional<bool> tells_changes_ = true;
  std::uint32_t denied_ = 0;  // nodes
  std::map<std::string, NodeRef, std::less<>> covered_;
  std::int64_t last_birth_ns_ = 0;
  std::uint64_t next_step_ = 1;
  std::uint32_t next_cookie_ = 1;
  std::uint64_t capacity_bytes_ = 1ULL << 40;
  std::uint64_t used_bytes_ = 0;
};

// Holds a file open. The world's log writers use it; the agent's descriptors too.
class OpenFile {
 public:
  OpenFile() = default;
  // `by_agent`: else by a program that writes logs.
  OpenFile(Disk& disk, NodeRef node, bool by_agent = false)
      : disk_(&disk), node_(std::move(node)), by_agent_(by_agent) {
    disk_->opened(*node_);
    if (by_agent_) ++node_->agent_opens;
  }
  OpenFile(OpenFile&& other) noexcept
      : disk_(other.disk_), node_(std::move(other.node_)), by_agent_(other.by_agent_) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    if (this != &other) {
      reset();
      disk_ = other.disk_;
      node_ = std::move(other.node_);
      by_agent_ = other.by_agent_;
    }
    return *this;
  }
  ~OpenFile() { reset(); }

  void reset() {
    if (node_ != nullptr && by_agent_) --node_->agent_opens;
    if (node_ != nullptr) disk_->closed(*node_);
    node_.reset();
  }
  explicit operator bool() const { return node_ != nullptr; }
  Node& operator*() const { return *node_; }
  Node* operator->() const { return node_.get(); }
  const NodeRef& node() const { return node_; }

 private:
  Disk* disk_ = nullptr;
  NodeRef node_;
  bool by_agent_ = false;
};

}  // namespace sim
