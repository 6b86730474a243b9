// Survey: how the agent stands, when somebody asks: what no counter says because it is about now.
//
// Each reactor looks at what it owns, on its own thread, and answers by mail; discovery is asked
// here. A reactor that does not answer in time is named instead: one that hangs is the more reason
// to say how the others are. Control thread only, but for ReactorSurvey's making.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/mailbox.h"
#include "base/ids.h"
#include "base/metrics.h"
#include "io/environment.h"
#include "sources/discovery.h"
#include "sources/survey.h"

namespace agent {

class Reactor;

struct FlowSurvey {
  std::string flow;
  sources::FilesSurvey files;
  base::Duration oldest_unsettled{0};                // since what is not settled was read
  std::uint64_t queue_records = 0, queue_bytes = 0;  // at the outlets, not yet delivered
  base::Duration queue_oldest{0};                    // since it was read
  std::uint64_t outlets_failing = 0;                 // whose targets take nothing now

  void merge(FlowSurvey other, std::size_t list_max);
};

struct ReactorSurvey {
  std::vector<FlowSurvey> flows;  // of the flows it has a part of
};

struct AgentSurvey {
  std::vector<FlowSurvey> flows;
  sources::FilesSurvey unreadable;    // of any flow
  std::vector<std::uint32_t> silent;  // reactors that did not answer
};

// As counters that are about now.
void describe(base::Samples& samples, const AgentSurvey& survey);

class Surveyor {
 public:
  static constexpr base::Duration kPatience = std::chrono::seconds(2);
  static constexpr std::size_t kFilesMax = 10'000;  // listed, of all flows together
  static constexpr std::size_t kSurveysMax = 32;    // under way; more are refused

  using Done = std::move_only_function<void(AgentSurvey survey)>;

  Surveyor(const io::Environment& environment, Mailbox& mailbox,
           std::span<const std::unique_ptr<Reactor>> reactors)
      : environment_(environment), mailbox_(mailbox), reactors_(reactors) {}

  // `flows`: their names, by number; empty: there is none. `all`: every file is listed, else those
  // in trouble. False: too many are under way. `discovery` must be there until `done`.
  bool ask(const sources::Discovery& discovery, std::vector<std::string> flows, bool all,
           Done done);
  void tick(base::Instant now);
  base::Instant next_deadline() const;

 private:
  struct Survey {
    std::uint64_t number = 0;
    const sources::Discovery* discovery = nullptr;
    AgentSurvey so_far;
    std::vector<bool> asked, answered;  // by reactor
    std::size_t missing = 0;            // answers that may still come
    base::Instant deadline;
    Done done;
  };
  void answered(std::uint64_t number, std::size_t reactor, ReactorSurvey answer);
  void finish(std::list<Survey>::iterator survey);

  const io::Environment& environment_;
  Mailbox& mailbox_;
  std::span<const std::unique_ptr<Reactor>> reactors_;
  std::list<Survey> surveys_;
  // Reactors that still owe an answer nobody waits for any more: they are asked nothing new, or
  // what is asked of one that hangs would pile up.
  std::vector<bool> late_;
  std::uint64_t last_number_ = 0;
};

}  // namespace agent
