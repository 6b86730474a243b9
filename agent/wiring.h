// Wiring: Config → objects. Builds everything in an order one can read: all of it for
// Agent::create, flows and streams that come later for Reload. Control thread.
//
// Before the agent runs, reactors are given their parts; afterwards, mail with them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "base/ids.h"
#include "base/result.h"
#include "config/config.h"
#include "io/environment.h"
#include "pipeline/shard_map.h"
#include "sources/checkpoint.h"
#include "store/catalog.h"
#include "store/keyed_log.h"
#include "store/verify.h"

namespace agent {

class Wiring {
 public:
  Wiring(config::Config config, AgentOptions options, const io::Environment& control, Agent& agent)
      : config_(std::move(config)),
        options_(std::move(options)),
        control_(control),
        agent_(agent) {}

  base::Result<void> open_store();  // this and its parts: wiring_store.cc
  void make_reactors(std::span<const io::Environment* const> environments);
  base::Result<void> connect_flows();
  void listen_to(Reactor& reactor);

  // What runs, and every stream that is open. Stays where it is.
  const config::Config& config() const { return config_; }
  bool once() const { return options_.once; }
  // Opens the streams of `next` that are not open, dead letters too. Blocking. After an error some
  // may be open, each as a whole.
  base::Result<void> open_added_streams(const config::Config& next);
  // From now on flows are wired as `next` says; those that run get their shares of its memory.
  void take(const config::Config& next);
  // Shards that may have marks of the flow's files, and who owns them.
  struct OwnedShard {
    store::Shard* shard;
    Reactor* owner;
  };
  std::vector<OwnedShard> shards_of(const config::Flow& flow) const;
  // Of one shard: what it says of each origin.
  using ShardMarks = std::vector<std::pair<base::Origin, std::uint64_t>>;
  using MarksOf = std::function<ShardMarks(const store::Shard& shard)>;
  // `place`: free. Not searched yet (Control::search_added).
  void add_flow(std::size_t place, const config::Flow& flow, bool first_start,
                std::vector<sources::Checkpoint> known, const MarksOf& marks_of);
  // All its parts and outlets are gone.
  void drop_flow(std::size_t place) { agent_.budgets_[place].reset(); }

 private:
  struct OpenStream {
    store::StreamInfo info;
    std::vector<store::Shard*> shards;  // in hash order
  };

  base::Result<void> open_stream(store::Catalog& catalog, const std::string& name,
                                 const config::Config& config);
  std::vector<std::string> streams_not_open(const config::Config& config) const;
  std::uint64_t share(const config::Config& config) const;
  Control::Options control_options() const;
  template <typename Act>
  void on(Reactor& reactor, Act act) {
    if (running_) {
      reactor.mailbox().post(std::move(act));
    } else {
      act();
    }
  }
  void own_shards(const std::string& name);
  void note_whole_files();
  sources::Discovery::Flow discovered(std::size_t place, const config::Flow& flow,
                                      bool first_start) const;
  void connect_flow(std::size_t place, const config::Flow& flow);
  base::Result<void> open_checkpoints();
  base::Result<void> refuse_lost_state() const;
  void tell_lost_state(std::uint64_t damaged) const;
  bool streams_hold_records() const;
  void open_control_socket();
  bool flow_started_before(const std::string& flow) const;
  base::Result<void> note_flows_started();
  std::uint64_t fingerprint(const config::Flow& flow) const;
  MarkTable marks_for(const config::Flow& flow, std::span<const sources::Checkpoint> known,
                      const MarksOf& marks_of) const;
  Reactor& owner_of(const std::string& name, std::uint32_t part) const;

  std::vector<pipeline::BatchQueue*> make_outlets(const config::Flow& flow,
                                                  pipeline::Budget& budget);
  pipeline::BatchQueue* make_outlet(const config::Flow& flow, std::uint32_t part,
                                    std::unique_ptr<sinks::Sink> sink, Reactor& owner,
                                    pipeline::FlushPolicy policy, pipeline::Budget& budget,
                                    Outlet::Kind kind = Outlet::Kind::target);
  ControlSocket::Stream socket_stream(const std::string& name) const;
  void make_flow_parts(std::size_t number, const config::Flow& flow,
                       const std::vector<pipeline::BatchQueue*>& outlets, pipeline::Budget& budget);
  void add_pipe(FlowPart& part, const config::Flow& flow, Reactor& reactor,
                pipeline::Budget& budget) const;
  pipeline::ShardMap shard_map(const config::Flow& flow) const;
  bool keeps_dead_letters(const config::Flow& flow) const;
  std::size_t open_files_max() const;
  std::optional<base::Timestamp> newest_arrival() const;  // in any shard

  config::Config config_;
  AgentOptions options_;
  const io::Environment& control_;
  Agent& agent_;
  std::map<std::string, OpenStream> streams_;
  store::KnownNumbers known_numbers_;
  std::unique_ptr<store::KeyedLog> checkpoints_;
  std::vector<sources::Checkpoint> known_;
  bool state_lost_ = false;  // at the start: checkpoints are missing or damaged
  bool running_ = false;     // the reactors may tick
};

// The stream rejected records go to.
constexpr const char* kDeadLetterStream = "_dead_letter";

// What the agent needs descriptors for besides the files it follows: standard streams, locks,
// the watch, a directory being listed, the control socket and who talks to it; a ring or an epoll
// and what wakes it; a segment, and the next one.
constexpr std::uint64_t kDescriptorsKept = 20;
constexpr std::uint64_t kDescriptorsPerReactor = 4;
constexpr std::uint64_t kDescriptorsPerShard = 2;
constexpr std::uint64_t kOpenFilesMin = 4;  // with fewer, they would do nothing but change

}  // namespace agent
