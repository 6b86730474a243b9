// Discovery's inside: directories patterns can match in, names in them, files behind the names.
//
//   Directory ──names──▶ Name ──numbers──▶ File (per flow and identity)
//
// A File either is on its reactor (from found() until closed() or rested()) or has a Resting:
//
//            hand_over                  released              rested
//   resting ───────────▶ open (yielding?) ───────▶ released ───────▶ resting
//
// A File without a name is detached: its reactor drains it and closes it. Everything a scan, a
// batch of events or a turn's mail found out is told at its end (announce), so that a rename is
// seen whole.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <memory_resource>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/believed_time.h"
#include "sources/copy_checks.h"
#include "sources/discovery.h"
#include "sources/discovery_parts.h"
#include "sources/inode_births.h"
#include "sources/look_again.h"
#include "sources/nameless_files.h"

namespace sources {

// What cannot be looked at for so long is taken for gone.
constexpr base::Duration kUnknownMax = std::chrono::seconds(30);

// How often what may have been moved while nobody looked is searched.
constexpr int kSearchesBelow = 5;

struct Discovery::State {
  State(const io::Environment& environment, std::vector<Flow> flows, std::vector<Checkpoint> known,
        std::vector<std::string> excluded_directories, Listener listener,
        std::size_t open_files_max, std::optional<base::Timestamp> clock_right);

  // discovery_flows.cc: flows that come and go.
  void wire(std::size_t flow);
  void know(std::vector<Checkpoint> checkpoints);
  void forget_flow(std::size_t flow);
  void forget_files(std::size_t flow);
  void forget_names(std::size_t flow);
  void set_intervals();
  bool is_new(std::size_t flow) const { return starting || added.contains(flow); }

  // discovery_scan.cc: directories.
  void scan();
  void visit(const std::string& path, GlobStates states, bool deep);
  void descend(const std::string& path, const GlobStates& states, bool deep);
  void list(Directory& directory, bool deep);
  bool look_by_name(Directory& directory, bool deep);
  void entry(Directory& directory, const io::DirectoryEntry& entry, bool deep);
  GlobStates closure(GlobStates states) const;
  GlobStates below(const GlobStates& states, std::string_view name) const;
  bool wants_nothing(const std::string& path, const GlobStates& states) const;
  std::vector<std::size_t> flows_matching(Directory& directory, std::string_view name);
  void note_compressed(Directory& directory, std::string_view name, std::size_t flow);
  void forget_compressed(Directory& directory, std::string_view name);
  bool excluded(const std::string& path, const io::FileStatus* status) const;
  void watch(Directory& directory);
  void cannot_watch(Directory& directory, const base::Error& error);
  void unwatch(Directory& directory);
  void drop(Directory& directory);
  void drop_unvisited();

  // discovery_refusals.cc: what could not be looked at.
  void look_again(bool fresh);
  void could_not_look(const std::string& path, const base::Error& error,
                      std::string_view shut = {});
  void cannot_open(const std::string& path, Name& entry, const base::Error& error,
                   std::string_view shut = {});
  void note_unseen(const std::string& path, const std::vector<std::size_t>& by);
  bool was_unseen(std::size_t flow, const std::string& path, const io::FileStatus& status) const;
  void forget_unseen(const std::string& path);
  void forget_unseen(const std::string& path, std::size_t flow);
  const UnseenBy* unseen_by(std::size_t flow, const std::string& path) const;
  const UnseenBy* unseen_above(std::size_t flow, const std::string& path) const;

  // discovery_files.cc: names and files.
  void examine(Directory& directory, const std::string& name, std::uint64_t inode, bool symlink,
               bool thorough);
  void note_dangling(Directory& directory, const std::string& name, std::uint64_t inode);
  void bind(Directory& directory, const std::string& name, Name& entry, std::size_t flow,
            const io::FileStatus& status);
  using Known = std::unordered_map<FlowFile, Checkpoint, FlowFileHash>;
  void remember(const FlowFile& file, Checkpoint checkpoint);
  void note_birth(const FlowFile& file);
  void forget_outdated(const FlowFile& present);
  std::optional<Known::iterator> known_elsewhere(std::size_t flow, const FileIdentity& identity);
  Checkpoint starting_point(std::size_t flow, const std::string& path, const io::FileStatus& status,
                            Known::iterator elsewhere);
  void set_error(Name& entry, int error);
  void set_not_regular(const std::string& path, Name& entry, bool value);
  void unbind(Name& entry, std::size_t at);
  void name_gone(Directory& directory, const std::string& name);
  std::optional<std::uint64_t> number_of(const FlowFile& file) const;
  std::uint64_t add_file(std::size_t flow, const std::string& path, Checkpoint checkpoint,
                         const io::FileStatus& status);
  bool too_old(std::size_t flow, const Checkpoint& checkpoint, const io::FileStatus& status);
  void erase_file(std::uint64_t number);
  CoarseInstant coarse_now() const;
  bool all_open(const Name& entry) const;

  // discovery_labels.cc: what files are called.
  std::uint32_t pattern_of(const Directory& directory, std::string_view name,
                           std::size_t flow) const;
  std::uint32_t pattern_of(const std::string& path, std::size_t flow) const;
  bool is_news(std::uint64_t number) const;
  void know_by_label(std::uint64_t number, const Directory& directory, const std::string& path);

  // discovery_search.cc: files that lost their names.
  using Wanted = std::unordered_map<std::uint64_t, std::vector<FlowFile>>;  // by inode
  bool find_unmatched();
  struct Searched {
    std::unordered_set<std::string> listed;
    std::unordered_set<std::string> absent;  // there is no such directory
  };
  bool search(const Wanted& wanted, const std::unordered_set<std::string>& places,
              Searched& searched);
  bool search_below(const Wanted& wanted, Searched& searched);
  bool search_below(const Wanted& wanted, const std::unordered_set<std::string>& above,
                    Searched& searched);
  bool nothing_new(const io::FileStatus& status, const Checkpoint& checkpoint) const;
  std::optional<bool> has_its_name(const std::string& path, const FileIdentity& identity,
                                   const Checkpoint& checkpoint);
  bool take_unmatched(const std::string& path, const FlowFile& wanted);
  base::Duration believed_now();
  void miss(const FlowFile& file, bool unread);
  void forget_gone(const Searched& searched);
  void note_nameless(std::uint64_t number);
  void lose(std::uint64_t number);
  struct Lost {
    FlowFile file;
    std::vector<std::string> places;  // directories it may be in
    std::string path;                 // the last one
    std::uint64_t unread_bytes;
    bool unread;
    bool unlinked;
    std::uint64_t scan = 0;  // the last one when it was first not found; 0: not looked for yet
    base::Instant since{};
  };
  void search_lost();
  void take_doubted();
  void tell_doubted();
  bool in_doubt(Lost& each, bool all);
  void tell_lost(const Lost& each, Known::iterator it);
  void announce();
  void settle_found();

  // discovery_compressed.cc: compressed files and their originals.
  static const std::string& path_of(const File& file);
  bool may_have_original(const File& file) const;
  bool follows(std::size_t flow, std::string_view path) const;
  bool has_compressed_form(std::size_t flow, const std::string& path) const;
  static bool came_too_late(const File& file, const File& original);
  bool look_whether_renamed(const std::string& place, std::string_view name);
  bool original_is_there(std::uint64_t number);
  void postpone(std::uint64_t number);
  void look_at_postponed();
  void remember_gone(const FlowFile& file, Checkpoint checkpoint);
  void trim_gone();
  std::optional<std::vector<Former>> formers_of(const File& file);
  void add_compressed(const File& file, std::vector<Former>& formers) const;

  // discovery_copies.cc: copies that rotation made.
  bool remembers(std::size_t flow) const;
  bool may_be_copy(const File& file) const;
  std::uint64_t deleted_namesake(const File& file) const;
  std::uint64_t copied_file(std::uint64_t number) const;
  bool look_for(const std::string& place, std::string_view name);
  bool look_for_originals(const File& file);
  base::Duration compare_pause() const;
  bool is_unreadable(const std::string& path) const;
  bool waits_for_copied(std::uint64_t number);
  bool is_covered(const CopyCheck& check, std::uint64_t size) const;
  bool still_undecided(std::uint64_t number, CopyCheck& check);
  void begin_behind_copy(std::uint64_t number, std::uint64_t size);
  void ask(CopyCheck& check);
  void answered(const Verified& answer);
  bool cannot_be_seen(std::uint64_t number, CopyCheck& check, base::Instant now) const;
  bool has_waited_enough(const CopyCheck& check) const;
  std::optional<bool> is_in_place(const FlowFile& former, const Checkpoint& checkpoint);
  bool add_copied(const File& file, std::vector<Former>& formers);
  bool may_be_out_of_sight(const File& file);
  bool is_refused(std::size_t flow, const std::string& place, std::string_view name);
  bool original_is_refused(const File& file);

  // discovery_rewrites.cc: files that were written anew.
  bool add_replaced(const File& file, std::vector<Former>& formers);
  std::vector<FlowFile> replaced_by(const File& file) const;
  bool search_near(const std::string& path, const Wanted& wanted);

  // discovery_remove.cc: files that are deleted when they were read.
  struct Removal {
    FileIdentity identity;
    std::uint64_t size;
    std::int64_t modified_ns;
    std::string path, aside;  // the same: it was left over there
    bool is_of(const base::Result<io::FileStatus>& status) const;
  };
  bool is_read(const File& file, const Rest& looks) const;
  bool all_read_it(Directory& directory, const std::string& name, const File& file);
  bool may_be_removed(const File& file) const;
  bool removes() const;
  bool is_waited_for(std::size_t flow) const;
  void remove_read();
  void hold_off_removal(File& file) const;
  bool has_room() const;
  bool open_everywhere(const FileIdentity& identity);
  bool remove(std::uint64_t number);
  bool unlink(const Removal& removal);
  void give_back(const Removal& removal);
  void cannot_remove(const Removal& removal, const base::Error& error);
  bool take_from_aside(Directory& directory, io::DirectoryEntry& entry);

  // discovery_open_files.cc: files that somebody writes to.
  bool finds_open(std::size_t flow) const;
  bool may_find(std::string_view path) const;
  bool is_found(std::size_t flow, const io::FileStatus& status);
  void look_for_open_files();
  void found_open(const io::WrittenFile& file);
  void tell_hidden(const io::WrittenFiles& all);

  // discovery_turns.cc: who may have a descriptor.
  static void doubt_rewritten(Rest& rest, const io::FileStatus& status);
  void notice(std::uint64_t number, const io::FileStatus& status);
  void comes_now(File& file);
  void want(std::uint64_t number);
  void wait_in_line(std::uint64_t number);
  std::size_t given_up() const;
  bool may_open() const;
  void open(std::uint64_t number);
  void serve(std::deque<std::uint64_t>& line);
  void serve();
  void make_room();
  void ask(std::uint64_t number, Holders::Is how);
  // discovery_memory.cc
  bool is_stuck(std::size_t flow) const;
  void stand_in_line(std::uint64_t number);
  std::vector<Memory> ask_for_memory() const;
  void watch_memory(bool full);
  void look_at_memory();
  void ask_stuck();
  bool ask_now(Memory memory, std::size_t most);
  void ask_again(std::size_t able);
  void ask_for_parked();
  void mute(std::size_t flow);
  void make_do_with_fewer();
  void try_more();
  bool must_follow(const File& file);
  bool is_asked(std::uint64_t number) const;
  void hand_over(std::uint64_t number);
  void try_later(std::uint64_t number);
  void note_target(Checkpoint& checkpoint, const std::string& path, io::Handle handle);
  void not_opened(std::uint64_t number, const base::Error& error);
  void take_back(File& file);
  std::pair<Directory*, std::string> name_of(std::uint64_t number);

  // discovery_events.cc: watches.
  base::Result<void> open_watch();
  void watch_again();
  void receive();
  void received(std::int64_t result);
  void handle(const io::WatchEvent& event);
  void handle(Directory& directory, const io::WatchEvent& event);
  void visit_link(const std::string& path, GlobStates states);
  void visit_alone(const std::string& path, GlobStates states, bool deep);
  void poll();
  bool poll(Directory& directory);
  bool leads_elsewhere(const Name& link, const base::Result<io::FileStatus>& target) const;
  void poll_soon(Directory& directory);
  bool wants_polling(const Directory& directory) const;
  void look_at(const Name& entry, bool changed);
  void look_at_all();
  void scan_soon(base::Duration delay);

  io::Environment environment;
  std::vector<Flow> flows;
  std::vector<FlowPattern> patterns;
  std::vector<std::vector<std::vector<std::string>>> excludes;  // per flow, parts of each
  std::vector<std::string> excluded_directories;
  Known known;  // not yet found
  struct Missing {
    base::Instant since{};  // when we first missed it
    bool here = false;      // we had it, or its directory is not there
    bool unread = false;    // and it was not read to its end
  };
  std::unordered_map<FlowFile, Missing, FlowFileHash> missing;          // of `known`
  std::unordered_map<FlowFile, FlowFile, FlowFileHash> known_by_birth;  // device 0 → perhaps there
  // Device 0 → notes of it that others replaced; to be erased from the log when it is found.
  std::unordered_map<FlowFile, std::vector<Checkpoint>, FlowFileHash> outdated;
  std::unordered_map<FlowFile, std::string, FlowFileHash> former_keys;  // in the log, until opened
  struct Unseen {
    base::Instant since{};
    bool said = false;
  };
  std::unordered_map<FlowFile, Unseen, FlowFileHash> former_unseen;   // cannot be looked at
  std::unordered_map<FlowFile, Checkpoint, FlowFileHash> gone_files;  // deleted; perhaps compressed
  Listener listener;
  DiscoveryCounters counters;
  InodeBirths births;
  base::BelievedTime believed;  // for what is forgotten by age
  base::Instant began;          // this life

  std::unordered_map<std::string, std::unique_ptr<Directory>> directories;
  std::unordered_map<int, std::vector<Directory*>> watched;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> walk_stack;  // (device, inode): cuts cycles
  std::vector<std::pair<std::uint64_t, std::uint64_t>> excluded_inodes;
  std::vector<std::string> uncertain;            // this scan could not look at or below these
  std::unordered_set<std::string> unsearchable;  // said in the log already
  LookAgain retries;
  bool refused_anew = false;  // something in this scan that could be looked at before
  // Files and directories that could not be looked at while a flow was new.
  std::unordered_map<std::string, std::vector<UnseenBy>> refused_at_first;
  std::vector<bool> muted;            // per flow: nothing of it is found any more
  std::set<std::size_t> added;        // flows whose first scan this is
  std::vector<bool> said_compressed;  // per flow: that it skips such files
  std::vector<bool> inflates;         // per flow, as FilesOptions says
  std::vector<bool> matches_copies;   // the same
  std::uint64_t scans = 0;
  std::uint64_t listings = 0;

  RestingPool restings;  // outlives them
  std::unordered_map<std::uint64_t, File> files;
  std::unordered_map<FlowFile, std::uint64_t, FlowFileHash> by_identity;
  std::unordered_map<std::string, std::vector<std::uint64_t>> by_home;
  std::uint64_t last_number = 0;
  struct Found {
    std::uint64_t number;
    bool known;  // not asked with Order::oldest_first
    std::int64_t age_ns;
  };
  std::vector<Found> found;                 // not yet announced
  std::vector<std::uint64_t> ignored_anew;  // the same, ascending: too old, and nobody knew them
  std::vector<Lost> lost;                   // to be searched
  // Not found; told as lost after another scan.
  std::unordered_map<FlowFile, Lost, FlowFileHash> doubted;
  std::unordered_set<std::uint64_t> orphans;  // lost their last name, not yet announced
  NamelessFiles nameless;                     // those, and who was detached, until they are closed
  std::vector<std::uint64_t>
      postponed;           // compressed files and copies that wait for their originals
  CopyChecks copy_checks;  // of some of them
  base::Instant next_copy_check = base::Instant::max();
  std::uint64_t last_question = 0;
  std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> moves;  // cookie → files
  std::unordered_set<FlowFile, FlowFileHash> seen;  // search: there, but not to be opened
  std::uint64_t last_order = 0;
  std::unordered_map<FlowFile, std::uint64_t, FlowFileHash> former_orders;  // of the lost

  std::size_t open_files_max;
  std::size_t open_files_now;         // the same, or fewer while the system has no more
  Holders holders;                    // descriptors of followed files, ours to give or given
  std::deque<std::uint64_t> waiting;  // for a descriptor, first come first served
  std::deque<std::uint64_t> parked;   // the same, of flows that are stuck
  std::deque<std::pair<base::Instant, std::uint64_t>> later;  // could not be read: not before then
  base::Instant serve_at{};                        // the system had no descriptor: not before then
  base::Instant memory_at = base::Instant::max();  // flows' memory is looked at then
  std::vector<Memory> memories;                    // of flows, then; empty: nobody waits
  bool stuck_may_hold = false;                     // a descriptor, and was not asked now
  base::Instant more_at = base::Instant::max();    // it may have more by then
  base::Duration more_pause{0};
  bool tried_more = false;  // since the last time it had none
  bool warned_of_descriptors = false;
  bool starting = true;
  int searches_below =
      kSearchesBelow;             // that are left, for files that were moved while we were stopped
  bool search_unmatched = true;   // some place could not be looked at yet
  bool searched_in_vain = false;  // … the last time
  bool below_due = true;          // of `searches_below` one more

  io::UniqueHandle watch_handle;
  io::Operation operation;
  std::vector<char> events;
  bool receiving = false;
  bool stopped = false;
  bool keeps_all = false;
  bool warned_of_limit = false;
  base::Instant next_scan{};
  base::Instant next_open_scan = base::Instant::max();   // max: no flow wants it
  std::uint64_t open_scan_process = 0;                   // where it goes on
  std::uint64_t processes_hidden = 0;                    // of the pass that goes on
  using Node = std::pair<std::uint64_t, std::uint64_t>;  // device, inode
  std::set<Node> written;       // somebody has them open for writing, as of the last pass
  std::set<Node> written_next;  // … and as of the one that goes on
  bool warned_of_hidden = false;
  bool untold = false;  // reactors told something that was not announced yet
  base::Instant next_unmatched{};
  base::Instant next_poll = base::Instant::max();
  base::Duration reconcile_interval{0};
};

}  // namespace sources
