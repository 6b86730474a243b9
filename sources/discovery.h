// Discovery: finds the files flows want, tells when they change, keeps looking. On the control
// thread.
//
// Notification is a hint, the periodic reconcile is the truth: every directory a pattern can match
// in is watched (one watch per directory, not per file), and all of it is listed again every
// `reconcile_interval`, when events were lost, and when a watched directory changes shape. "I could
// not look" is never "it is gone" (F30).
//
// It is also who opens files, at most `open_files_max` at a time. A file without a descriptor rests
// here: its state and what it looked like. It is opened when it looks different, and when there are
// more such files than descriptors they take turns (docs/design/0005-bounded-descriptors.md).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/metrics.h"
#include "base/result.h"
#include "io/environment.h"
#include "sources/checkpoint.h"
#include "sources/compressed_names.h"
#include "sources/file_tail.h"
#include "sources/glob.h"
#include "sources/rest.h"
#include "sources/survey.h"

namespace sources {

enum class Start : std::uint8_t { beginning, end };
// poll: as if no file system told of changes.
enum class Watch : std::uint8_t { automatic, poll };
// oldest_first: a file is not read before older ones were read to their ends once. Its age counts
// from its birth, or from its last change when that is earlier, as it is for copies that kept
// their times. All files of the flow are read on one reactor.
enum class Order : std::uint8_t { fair, oldest_first };

// Which files that match are found.
enum class Discover : std::uint8_t {
  names,  // all
  open,   // those that a running process has open for writing, and those known from before (F23a)
};

struct FilesOptions {
  std::vector<std::string> patterns;  // absolute; * ? [a-z] [!x] {a,b} and ** in directories
  std::vector<std::string> exclude;
  // `end` begins exactly at the size when found, be it in the middle of a line.
  Start start = Start::end;  // for files that are there at the first start and have no state;
                             // files that appear later always start at the beginning
  base::Duration reconcile_interval = std::chrono::seconds(60);
  Watch watch = Watch::automatic;
  // A file without state that was not written for so long when it is found is not opened; when it
  // is written again it is read from the size it had (F33). 0: off.
  base::Duration ignore_older = base::Duration::zero();
  // What is known of a file that is gone for so long, and was read to its end as far as anybody
  // knows, is forgotten (F55): should it come back, it is read from its beginning. 0: never. At
  // least kStateTtlMin: what reactors tell must have arrived.
  static constexpr base::Duration kStateTtlMin = std::chrono::hours(1);
  base::Duration state_ttl = std::chrono::hours(7 * 24);
  // A file that was read as a whole (Checkpoint::whole), rests and did not change for so long since
  // is deleted (F67). In whole seconds, not before. 0: never. Wants TailOptions::close_inactive.
  base::Duration delete_after = base::Duration::zero();
  CompressedFiles compressed = CompressedFiles::skip;
  Order order = Order::fair;
  Discover discover = Discover::names;

  // Some of the files that match may be compressed ones that are to be read as what is in them.
  bool inflate() const;
  // Copies that rotation makes of a log may match as well (sources/copy_names.h).
  bool may_match_copies() const;

  bool operator==(const FilesOptions&) const = default;
};

struct DiscoveryCounters {
  base::Counter files_found, files_unreadable /* gauge */, files_not_regular /* gauge */;
  base::Counter scans, scan_errors, watch_events, watch_overflows;
  base::Counter watches /* gauge */, watch_errors;
  base::Counter files_vanished;  // their names were there a moment before we looked
  base::Counter files_reused;  // inodes that were another followed file's before, as far as we know
  base::Counter files_passed_over_copied;      // copies of what was read to their ends
  base::Counter gone_forgotten;                // what was gone, early: there were too many
  base::Counter files_skipped, bytes_skipped;  // by Flow::skip_unknown
  base::Counter files_waiting_for_descriptor /* gauge */, files_ignored_old /* gauge */;
  base::Counter files_skipped_compressed /* gauge: for their names' ends */;
  base::Counter open_file_scans, processes_hidden /* gauge */;  // see Discover::open
  base::Counter files_removed, bytes_removed;                   // by delete_after
  base::Counter remove_errors;     // could not be, or not be given back
  base::Counter files_given_back;  // … when they turned out to be changed, or were left over
  // Without a descriptor, with bytes not read, and not found again after they lost their names.
  base::Counter files_lost_unread, bytes_lost_unread;  // bytes: known part only
};

class Discovery {
 public:
  // A file that was not there when we started may have gone just before, or be on a volume that is
  // late: nothing of it is forgotten before we missed it for so long ourselves.
  static constexpr base::Duration kMissedAtLeast = FilesOptions::kStateTtlMin;
  // What is polled: directories no watch tells all about, and symlinks, whose targets' directories
  // are not watched. Soon again after something changed, then less and less often (F28).
  static constexpr base::Duration kPollMin = std::chrono::milliseconds(200);
  static constexpr base::Duration kPollMax = std::chrono::seconds(5);
  // How often other processes' descriptors are looked at, unless that takes more than a hundredth
  // of the time.
  static constexpr base::Duration kOpenFilesInterval = std::chrono::seconds(2);
  static constexpr base::Duration kRetryInterval = std::chrono::seconds(1);
  static constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

  // What a flow hears. All on the control thread. Numbers are never used twice. A file whose name
  // came back is found() again under a new number; TailSet::add knows it by its identity.
  // FoundFile::checkpoint.path is the path the file was first known by, so that all generations of
  // one path go to one reactor.
  struct Listener {
    std::function<void(std::size_t flow, FoundFile found)> found;
    std::function<void(std::size_t flow, std::uint64_t number)> look;
    std::function<void(std::size_t flow, std::uint64_t number, std::string new_path)> detached;
    // Optional, instead of one look() for every file: any of them may have changed.
    std::function<void()> look_at_all = {};
    // Optional. A known checkpoint whose file is gone for state_ttl: it may be erased.
    std::function<void(std::size_t flow, const Checkpoint& checkpoint)> forgotten = {};
    // Optional. Its reactor shall give the file's descriptor back soon: others wait for one. `now`:
    // as soon as it lacks memory, for they could read.
    std::function<void(std::size_t flow, std::uint64_t number, bool now)> yield = {};
    // Optional. Where an ignored file is to be read from: must survive a restart.
    std::function<void(std::size_t flow, const Checkpoint& checkpoint)> ignored = {};
    // Optional. A number that was found() and that rested() is not followed any more.
    std::function<void(std::size_t flow, std::uint64_t number)> dropped = {};
    // Optional. Its reactor shall read the file once more and say how far it is: verified().
    // Questions' numbers grow. Without, copies are read like other files.
    std::function<void(std::size_t flow, std::uint64_t number, std::uint64_t question)> verify = {};
  };
  enum class Memory : std::uint8_t {
    enough,  // for a read
    scarce,  // not even that, but some came back since it was asked last
    stuck,   // … and none did: its target takes nothing
  };
  struct Flow {
    std::string name;
    FilesOptions files;
    std::uint64_t fingerprint = 0;
    bool first_start =
        true;  // the flow never ran on this data directory: FilesOptions::start applies
    // Files that are there at start and have no checkpoint begin at their present end, whatever
    // FilesOptions::start says, because checkpoints were lost and nobody wants lines twice. What is
    // skipped is counted.
    bool skip_unknown = false;
    // Files that are replaced by what was written anew: TailOptions::on_rewrite.
    OnRewrite on_rewrite = OnRewrite::as_new;
    // Copies that rotation makes are recognised by their bytes; not with another encoding.
    bool copies = true;
    // A copy that did not grow for so long is complete.
    base::Duration copy_wait = std::chrono::seconds(30);
    // What it settles is kept for good, and a note of its says so of a file's bytes. If not,
    // nothing it wants or knows is deleted, by whichever flow.
    bool vouches = false;
    // Say of compressed files, and count as not read, that they are damaged or end in the middle,
    // if that was seen before and they are not opened for it again.
    bool tells_cut = false;
    // Optional. What memory it has to read on. Asked once a second while somebody waits for a
    // descriptor, on our thread.
    std::function<Memory()> memory = {};
  };
  // `known`: checkpoints from the log. `clock_right`: when the wall clock was, as others know.
  // `excluded_directories`: ours (data_dir), or files of ours, by any name they have; neither they
  // nor anything below them is ever followed (F36).
  Discovery(const io::Environment& environment, std::vector<Flow> flows,
            std::vector<Checkpoint> known, std::vector<std::string> excluded_directories,
            Listener listener, std::size_t open_files_max = kUnlimited,
            std::optional<base::Timestamp> clock_right = std::nullopt);
  ~Discovery();  // idle, or its Io is gone: nothing may be in flight

  // The first full scan; afterwards events flow. Blocking, like every scan.
  void start();
  // Events arrive through environment.io; scans that are due run here. Once per control tick.
  void tick(base::Instant now);
  base::Instant next_deadline() const;
  void reconcile_now();
  // A flow more while files are followed, as if it had been there at the start; `number`: one that
  // is free, the smallest first. Its files are searched by the search_added() that follows, once
  // for all.
  void add(std::size_t number, Flow flow, std::vector<Checkpoint> known);
  void search_added();
  // The flow is to go: none of its files is found() any more. Then, when no reactor has any of
  // them: it is gone, its number is free.
  void mute(std::size_t flow);
  void remove(std::size_t flow);
  // While flows come and go: no file is deleted, for one of them may have to read it.
  void keep_all(bool on);
  // As the constructor's.
  void set_open_files_max(std::size_t open_files_max);

  // What reactors tell. What follows from it is found out once, by the tick() after a turn's mail:
  // thousands of files may be let go within one.
  //
  // A reactor let the file go. Its inode may come back as another file.
  // `resume`: where to go on if it is found again, under whatever name; nullptr: it is gone for
  // good.
  void closed(std::size_t flow, std::uint64_t number, const Checkpoint* resume = nullptr);
  // As TailSet says: its descriptor is closed; then, what is left of it.
  void released(std::size_t flow, std::uint64_t number);
  void rested(std::size_t flow, std::uint64_t number, const Rest& rest);
  // A generation of a file ended by truncation, and all that was read of it is settled: a copy of
  // it goes on there. Before any verified() of what came after.
  void ended(std::size_t flow, const Checkpoint& checkpoint);
  // To Listener::verify.
  void verified(const Verified& answer);
  void stop();        // cancels the watch; wait for idle() before dying
  bool idle() const;  // no operation in flight

  // The flow's files that are on no reactor, looked at as we last saw them, and those of any flow
  // that cannot be opened. As TailSet::survey.
  FilesSurvey survey(std::size_t flow, bool all, std::size_t list_max) const;
  FilesSurvey unreadable(std::size_t list_max) const;
  // Sets the paths of files in surveys, by whatever reactor, to what they are called now, and their
  // other names. Of what has no name under the patterns the path stays: that it was first known by,
  // or had last. Goes over all names; makes no system call.
  void name_files(std::span<FileState* const> listed) const;
  std::size_t files() const;  // followed, with a descriptor or without
  // For a descriptor, or for being found again; not what failed for seconds, though it is tried
  // again.
  std::size_t waiting() const;
  // Files and directories that could not be looked at, opened or, without a reactor, read.
  std::size_t not_read() const;
  const DiscoveryCounters& counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sources
