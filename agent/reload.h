// Reload: takes a new configuration over while the agent runs: all of it, or nothing
// (docs/design/0013-reload.md).
//
//  load, compare ─▶ open streams, note new flows ─▶ add ─▶ take down ─▶ add what changed
//      │ refused            │ failed                        each flow: leave, forget, drop outlets
//      └────────────────────┴──▶ nothing is changed
//
// Belongs to the control thread; reactors and the log's owner answer by mail. One at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/reload_source.h"
#include "agent/status.h"
#include "agent/wiring.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "base/result.h"
#include "config/changes.h"
#include "config/config.h"
#include "config/load.h"
#include "io/environment.h"

namespace agent {

class Reload {
 public:
  struct Outcome {
    enum class Kind : std::uint8_t { taken, refused, failed } kind = Kind::taken;
    std::string text;  // lines for people
  };
  static constexpr base::Duration kRetryInterval = std::chrono::milliseconds(500);
  using Done = std::move_only_function<void(const Outcome& outcome)>;

  // All of them outlive us.
  Reload(Agent& agent, Wiring& wiring, const io::Environment& control, ReloadSource source);

  // Soon; requests that come during one are answered together by the next. `done` may be empty.
  void request(Done done);
  void tick();
  void stop();  // the agent stops: everybody is answered, what is under way is left as it is
  base::Instant next_deadline() const;
  bool waiting() const { return !busy_ && !requests_.empty(); }  // for tick()
  bool under_way() const { return busy_; }
  // Origins whose marks are in our hands: no reactor names them any more, or yet.
  void add_marks_needed(std::vector<base::Origin>& origins) const;
  ReloadStatus status() const;
  std::string why_not_now() const;  // for who asks while too many wait: what for
  void describe(base::Samples& samples) const;

 private:
  using Names = std::vector<std::string>;
  struct Leaving {  // a flow that is taken down
    std::string flow;
    std::size_t place = 0;
    std::size_t missing = 0;  // answers; first: reactors where it does not rest
    bool ending = false;      // its parts are being destroyed
    std::vector<base::Origin> marks_needed;
    bool comes_back = false;  // changed
  };
  struct Joining {  // flows that are added together
    Names flows;
    std::vector<sources::Checkpoint> known;
    std::set<base::Origin> origins;
    std::map<const store::Shard*, Wiring::ShardMarks> marks;
    std::size_t missing = 0;                        // answers
    base::Instant again_at = base::Instant::max();  // the log could not be made durable
    bool ready = false;                             // all is known, as soon as nobody moves marks
  };

  void begin();
  bool acceptable(const config::Loaded& loaded);
  void prepare();
  void noted(int error);
  void apply();
  void add(Names flows);
  void look_up_files(std::list<Joining>::iterator joining);
  void look_up_marks(Joining& joining);
  void wire(std::list<Joining>::iterator joining);
  void take_down_all();
  void take_down(const std::string& flow, bool comes_back);
  void rests(std::list<Leaving>::iterator leaving);
  void left(std::list<Leaving>::iterator leaving);
  void gone(std::list<Leaving>::iterator leaving);
  void go_on();
  void finish(Outcome outcome);
  void refuse(const std::vector<config::Mistake>& mistakes, const std::string& text);
  bool writes_what_goes(const std::string& flow) const;
  const config::Flow& flow(const std::string& name) const;

  Agent& agent_;
  Wiring& wiring_;
  const io::Environment& environment_;
  ReloadSource source_;
  std::vector<Done> requests_;  // for the next one
  std::vector<Done> answers_;   // owed by the one under way
  bool busy_ = false;
  bool stopped_ = false;

  config::Config next_;
  config::Changes changes_;
  std::set<std::string> first_starts_;  // flows noted to have run that did not yet
  bool to_take_down_ = false;           // as soon as nobody moves marks
  Names last_to_add_;                   // when all that was to go is gone
  std::list<Leaving> leaving_;
  std::list<Joining> joining_;

  base::Counter taken_, refused_;
  bool last_refused_ = false;
  std::string last_refusal_;
};

// As the control socket's answer to kReloadRequest.
std::string answer(const Reload::Outcome& outcome);

}  // namespace agent
