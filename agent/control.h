// Control: the control thread's loop: discovery, stopping, housekeeping. Nothing of the data's way.
//
// Belongs to the control thread. Reactors reach it through mailbox() and wake().
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/control_socket.h"
#include "agent/mailbox.h"
#include "agent/mark_table.h"
#include "agent/reactor.h"
#include "agent/survey.h"
#include "base/believed_time.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "io/environment.h"
#include "sources/discovery.h"

namespace agent {

class Reload;

class Control {
 public:
  // How often something is done.
  struct Pace {
    base::Duration busy = std::chrono::seconds(30);
    // When nothing came since the last time and nothing is under way: as often as files are
    // searched for by default, so that an agent that has nothing to do wakes for both at once.
    base::Duration idle = std::chrono::seconds(60);

    // Never less often than that.
    void at_least_every(base::Duration interval) {
      busy = std::min(busy, interval);
      idle = std::min(idle, interval);
    }
  };

  struct Options {
    bool once = false;  // stop when everything that is there has been read and is safe
    base::Duration shutdown_grace = std::chrono::seconds(30);
    Pace maintenance;
    Pace care;  // for stalls and deleted files
  };

  // `environment` and the reactors outlive the control.
  Control(const io::Environment& environment, std::span<const std::unique_ptr<Reactor>> reactors,
          Options options);
  ~Control();

  // Wiring. `marks`: one table per flow, same order; emptied as files are found. `newest_arrival`:
  // in any shard.
  void set_discovery(std::vector<sources::Discovery::Flow> flows,
                     std::vector<sources::Checkpoint> known,
                     std::vector<std::string> excluded_directories, std::vector<MarkTable> marks,
                     std::size_t open_files_max, std::optional<base::Timestamp> newest_arrival);

  // A flow more, in the first place that is free, which it returns. Its reactors have their parts
  // already, or mail with them. search_added(): after one or several.
  std::size_t free_place() const;
  void add_flow(std::size_t place, sources::Discovery::Flow flow,
                std::vector<sources::Checkpoint> known, MarkTable marks);
  void search_added() { discovery_->search_added(); }
  // It is to go: no more of its files is found. Then, when no reactor has a part of it, it is gone,
  // and `marks_needed` is what they still needed: the marks are kept for when it comes back. At
  // last its place is free.
  void mute_flow(std::size_t place) { discovery_->mute(place); }
  void remove_flow(std::size_t place, const std::vector<base::Origin>& marks_needed);
  void free_flow(std::size_t place) { flows_[place].clear(); }
  std::size_t place_of(const std::string& flow) const;
  // What else a configuration says.
  void set_pace(const Options& options);
  void keep_all_files(bool on) { discovery_->keep_all(on); }
  void set_open_files_max(std::size_t most) { discovery_->set_open_files_max(most); }
  // Between two questions to the reactors: who takes marks from one to another waits.
  bool maintaining() const { return covered_missing_ != 0 || notes_durable_missing_; }
  void set_reload(std::unique_ptr<Reload> reload);
  Reload* reload() { return reload_.get(); }

  ControlSocket* socket() { return socket_.get(); }
  void set_socket(std::unique_ptr<ControlSocket> socket) { socket_ = std::move(socket); }
  // Calls `call` every `interval` while running. At most one such call.
  void every(base::Duration interval, std::move_only_function<void()> call);

  void start();  // the first scan
  void tick();   // one turn: waits for events, mail or a deadline
  bool stopping() const { return phase_ != Phase::running; }
  bool finished() const { return phase_ == Phase::finished; }
  // True when shutdown_grace ran out with something unsettled: it will be read again.
  bool cut_short() const { return cut_short_; }
  // Inputs that could not be read when it ended because everything else was; 0: it was told to end.
  std::size_t not_read() const { return not_read_; }
  // True when a flow's output had no reader any more, so that the flow has unsettled lines.
  bool abandoned() const { return abandoned_.load(std::memory_order_acquire); }

  // Any thread, and signal handlers.
  void request_stop() noexcept;
  void request_reload() noexcept;  // nothing without a Reload
  // The one who reads a flow's output has left: stop, without waiting for that flow.
  void target_gone(const std::string& flow);
  // Segments' files that are not needed any more, oldest first per shard. By mail.
  void remove_files(std::vector<std::string> paths);
  void wake() noexcept { environment_.io.wake(); }
  Mailbox& mailbox() { return mailbox_; }

  // A reactor let a file go. By mail.
  void file_closed(std::size_t flow, std::uint64_t number,
                   const std::optional<sources::Checkpoint>& resume);
  // It gave the file's descriptor back; then, what is left of the file. By mail.
  void file_released(std::size_t flow, std::uint64_t number);
  void file_rested(std::size_t flow, std::uint64_t number, const sources::Rest& rest);

  // A generation of a file ended by truncation; a file was seen to be what it was. By mail.
  void generation_ended(std::size_t flow, const sources::Checkpoint& checkpoint,
                        const std::vector<std::uint64_t>& marks);
  void file_verified(const sources::Verified& answer);

  // Asks everybody how things stand; `done` runs on our thread, soon. `all`: see Surveyor.
  // False: `done` never runs.
  bool survey(bool all, Surveyor::Done done) {
    return surveyor_.ask(*discovery_, flows_, all, std::move(done));
  }
  base::Duration running_for() const { return environment_.clock.monotonic() - started_; }

  std::size_t files() const { return discovery_->files(); }
  void describe(base::Samples& samples) const;

 private:
  enum class Phase : std::uint8_t { running, stopping, finished };

  sources::Discovery::Listener listener();
  void on_found(std::size_t flow, sources::FoundFile found);
  void on_look(std::size_t flow, std::uint64_t number);
  void on_detached(std::size_t flow, std::uint64_t number, std::string new_path);
  void on_yield(std::size_t flow, std::uint64_t number, bool now);
  template <typename Say>
  void note(const std::string& key, base::Origin origin, Say say);
  void on_ignored(const sources::Checkpoint& seen);
  void on_forgotten(const sources::Checkpoint& gone);
  template <typename Message>
  void tell(std::size_t flow, std::uint64_t number, Message message);
  Reactor& home_of(std::size_t flow, std::uint64_t number);
  void send_hints();
  void begin_stop(base::Instant now);
  bool settled() const;
  bool all_read() const;
  std::size_t count_not_read() const;
  bool all(bool (Reactor::*flag)() const) const;
  void maintain();
  void note_own_marks();
  void marks_covered(base::Instant until, const std::vector<base::Origin>& needed);
  void forget_and_retire(bool notes_durable);
  base::Duration time_to_sleep();
  void do_what_is_due(base::Instant now, bool searched, bool at_rest);
  void note_activity(bool at_rest);
  base::Duration interval(const Pace& pace) const { return idle_ ? pace.idle : pace.busy; }

  const io::Environment& environment_;
  std::span<const std::unique_ptr<Reactor>> reactors_;
  Options options_;
  pipeline::Doorbell doorbell_;
  Mailbox mailbox_;
  Surveyor surveyor_;
  std::vector<std::string> flows_;  // names, by number; empty: none has it
  base::Instant started_{};
  std::unique_ptr<sources::Discovery> discovery_;
  std::unique_ptr<ControlSocket> socket_;  // nullptr: nobody may put records by hand
  std::unique_ptr<Reload> reload_;         // nullptr: the configuration stays as it is
  std::vector<MarkTable> marks_;
  std::map<std::string, std::vector<base::Origin>> left_behind_;         // by flows that are gone
  std::vector<std::unordered_map<std::uint64_t, std::uint32_t>> homes_;  // flow → file → reactor
  std::vector<std::vector<Reactor::Hint>> hints_;                        // per reactor, this tick's

  Phase phase_ = Phase::running;
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> reload_requested_{false};
  std::atomic<bool> abandoned_{false};  // set by any thread once, before the request to stop
  base::Instant stop_deadline_ = base::Instant::max();
  bool cut_short_ = false;
  std::size_t not_read_ = 0;
  base::Instant next_maintenance_ = base::Instant::max();
  base::Instant next_care_ = base::Instant::max();
  bool idle_ = false;               // at the last maintenance: nothing came since the one before
  std::uint64_t records_seen_ = 0;  // at the last maintenance
  base::BelievedTime believed_;     // for what is removed by age
  base::Duration report_interval_{0};
  base::Instant next_report_ = base::Instant::max();
  std::move_only_function<void()> report_;
  std::vector<std::string> retired_;     // segment files to remove, oldest first per shard
  std::set<std::string> not_removable_;  // directories where that failed, as was said
  std::size_t covered_missing_ = 0;      // reactors that have not yet said what is covered
  bool notes_durable_missing_ = false;   // … and the log that they are durable
  base::Instant covered_until_ = base::Instant::max();
  std::vector<base::Origin> marks_needed_;  // by files not noted to be read as far as they say
};

}  // namespace agent
