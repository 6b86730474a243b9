// Discovery's inside: directories patterns can match in, names in them, files behind the names.
//
//   Directory ──names──▶ Name ──numbers──▶ File (per flow and identity)
//
// A File without a name is detached: its reactor drains it and closes it. Everything a scan or a
// batch of events found out is told at its end (announce), so that a rename is seen whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sources/discovery.h"

namespace sources {

// Part `part` of pattern `pattern` is what names in a directory are compared with.
struct GlobState {
  std::uint32_t pattern;
  std::uint32_t part;
  bool operator==(const GlobState&) const = default;
};
using GlobStates = std::vector<GlobState>;

struct FlowPattern {
  std::size_t flow;
  std::vector<std::string> parts;  // without braces; never ends with **
};

struct Name {
  std::uint64_t inode = 0;    // as the listing says: of a symlink, the link's
  std::uint64_t listing = 0;  // the last one that showed it
  std::vector<std::pair<std::size_t, std::uint64_t>> numbers;  // flow, file
  int error = 0;                                               // why it cannot be opened
  bool symlink = false;
  bool not_regular = false;
  bool ours = false;  // excluded: what the agent itself writes
};

struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const {
    return std::hash<std::string_view>{}(name);
  }
};

struct Directory {
  std::string path;
  GlobStates states;
  int watch = -1;
  bool polled = false;     // the kernel refused a watch
  std::uint64_t scan = 0;  // the last one that came here
  std::uint64_t listing = 0;
  std::unordered_map<std::string, Name, NameHash, std::equal_to<>> names;

  std::string path_of(std::string_view name) const;
};

struct FlowFile {  // what names one file of one flow
  std::size_t flow;
  FileIdentity identity;
  bool operator==(const FlowFile&) const = default;
};
struct FlowFileHash {
  std::size_t operator()(const FlowFile& file) const {
    return FileIdentityHash{}(file.identity) + file.flow * 0x9e3779b97f4a7c15;
  }
};

struct File {
  std::size_t flow = 0;
  FileIdentity identity;
  std::string home;  // the path it was first known by
  std::uint32_t names = 0;
  bool detached = false;
  bool announced = false;
  std::string moved_to;  // where it went, when that is known
};

struct Discovery::State {
  State(const io::Environment& environment, std::vector<Flow> flows, std::vector<Checkpoint> known,
        std::vector<std::string> excluded_directories, Listener listener);

  // discovery_scan.cc: directories.
  void scan();
  void visit(const std::string& path, GlobStates states, bool deep);
  void descend(const std::string& path, const GlobStates& states, bool deep);
  void list(Directory& directory, bool deep);
  void entry(Directory& directory, const io::DirectoryEntry& entry, bool deep);
  GlobStates closure(GlobStates states) const;
  GlobStates below(const GlobStates& states, std::string_view name) const;
  std::vector<std::size_t> flows_matching(const Directory& directory, std::string_view name) const;
  bool excluded(const std::string& path, const io::FileStatus* status) const;
  void watch(Directory& directory);
  void cannot_watch(Directory& directory, const base::Error& error);
  void unwatch(Directory& directory);
  void drop(Directory& directory);
  void drop_unvisited();
  void could_not_look(const std::string& path, const base::Error& error);

  // discovery_files.cc: names and files.
  void examine(Directory& directory, const std::string& name, std::uint64_t inode, bool symlink,
               bool thorough);
  void bind(Directory& directory, const std::string& name, Name& entry, std::size_t flow,
            FileIdentity identity);
  std::optional<std::uint64_t> open_file(const std::string& path, Name& entry, std::size_t flow);
  Checkpoint starting_point(std::size_t flow, const std::string& path,
                            const io::FileStatus& status);
  void cannot_open(const std::string& path, Name& entry, const base::Error& error);
  void set_error(Name& entry, int error);
  void set_not_regular(const std::string& path, Name& entry, bool value);
  void unbind(Name& entry, std::size_t at);
  void name_gone(Directory& directory, const std::string& name);
  bool find_unmatched();
  bool nothing_new(const io::FileStatus& status, const Checkpoint& checkpoint) const;
  bool open_unmatched(const std::string& path, const FlowFile& wanted);
  void announce();
  std::optional<std::uint64_t> number_of(const FlowFile& file) const;
  std::uint64_t add_file(std::size_t flow, FoundFile file, std::int64_t modified_ns);

  // discovery_events.cc: watches.
  void receive();
  void received(std::int64_t result);
  void handle(const io::WatchEvent& event);
  void handle(Directory& directory, const io::WatchEvent& event);
  void visit_link(const std::string& path, GlobStates states);
  void poll();
  void look_at(const Name& entry);
  void look_at_all();
  void scan_soon(base::Duration delay);

  io::Environment environment;
  std::vector<Flow> flows;
  std::vector<FlowPattern> patterns;
  std::vector<std::vector<std::vector<std::string>>> excludes;  // per flow, parts of each
  std::vector<std::string> excluded_directories;
  std::unordered_map<FlowFile, Checkpoint, FlowFileHash> known;  // not yet found
  Listener listener;
  DiscoveryCounters counters;

  std::unordered_map<std::string, std::unique_ptr<Directory>> directories;
  std::unordered_map<int, std::vector<Directory*>> watched;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> walk_stack;  // (device, inode): cuts cycles
  std::vector<std::pair<std::uint64_t, std::uint64_t>> excluded_inodes;
  std::vector<std::string> uncertain;            // this scan could not look at or below these
  std::unordered_set<std::string> unsearchable;  // said in the log already
  std::uint64_t scans = 0;
  std::uint64_t listings = 0;

  std::unordered_map<std::uint64_t, File> files;
  std::unordered_map<FlowFile, std::uint64_t, FlowFileHash> by_identity;
  std::unordered_map<std::string, std::vector<std::uint64_t>> by_home;
  std::uint64_t last_number = 0;
  struct Found {
    FoundFile file;
    std::size_t flow;
    bool known;
    std::int64_t modified_ns;
  };
  std::vector<Found> found;                   // not yet announced
  std::unordered_set<std::uint64_t> orphans;  // lost their last name, not yet announced
  std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> moves;  // cookie → files
  std::unordered_set<FlowFile, FlowFileHash> seen;  // find_unmatched: there, but not to be opened
  bool starting = true;
  bool search_unmatched = true;  // some place could not be looked at yet

  io::UniqueHandle watch_handle;
  io::Operation operation;
  std::vector<char> events;
  bool receiving = false;
  bool stopped = false;
  bool warned_of_limit = false;
  base::Instant next_scan{};
  base::Instant next_unmatched{};
  base::Instant next_poll = base::Instant::max();
  base::Duration reconcile_interval = base::Duration::max();
};

}  // namespace sources
