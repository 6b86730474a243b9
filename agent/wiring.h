// Wiring: Config → objects. Builds everything in an order one can read; used once, by
// Agent::create.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/agent.h"
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
  Wiring(const config::Config& config, AgentOptions options, const io::Environment& control,
         Agent& agent)
      : config_(config), options_(options), control_(control), agent_(agent) {}

  base::Result<void> open_store();  // this and its parts: wiring_store.cc
  void make_reactors(std::span<const io::Environment* const> environments);
  base::Result<void> connect_flows();
  void listen_to(Reactor& reactor);

 private:
  struct OpenStream {
    store::StreamInfo info;
    std::vector<store::Shard*> shards;  // in hash order
  };

  base::Result<void> open_stream(store::Catalog& catalog, const std::string& name,
                                 std::uint32_t shards, store::ShardOptions options);
  base::Result<void> open_checkpoints();
  base::Result<void> refuse_lost_state() const;
  void tell_lost_state(std::uint64_t damaged) const;
  bool streams_hold_records() const;
  void open_control_socket();
  bool flow_started_before(const std::string& flow) const;
  base::Result<void> note_flows_started();
  std::uint64_t fingerprint(const config::Flow& flow) const;
  MarkTable marks_for(const config::Flow& flow) const;
  Reactor& owner_of(const std::string& name, std::uint32_t part) const;

  std::vector<pipeline::BatchQueue*> make_outlets(const config::Flow& flow,
                                                  pipeline::Budget& budget);
  pipeline::BatchQueue* make_outlet(const config::Flow& flow, std::uint32_t part,
                                    std::unique_ptr<sinks::Sink> sink, Reactor& owner,
                                    pipeline::FlushPolicy policy, pipeline::Budget& budget,
                                    Outlet::Kind kind = Outlet::Kind::target);
  void make_flow_parts(std::size_t number, const config::Flow& flow,
                       const std::vector<pipeline::BatchQueue*>& outlets, pipeline::Budget& budget);
  void add_pipe(FlowPart& part, const config::Flow& flow, Reactor& reactor,
                pipeline::Budget& budget) const;
  pipeline::ShardMap shard_map(const config::Flow& flow) const;
  bool keeps_dead_letters(const config::Flow& flow) const;
  std::size_t open_files_max() const;

  const config::Config& config_;
  AgentOptions options_;
  const io::Environment& control_;
  Agent& agent_;
  std::map<std::string, OpenStream> streams_;
  store::KnownNumbers known_numbers_;
  std::unique_ptr<store::KeyedLog> checkpoints_;
  std::vector<sources::Checkpoint> known_;
  bool state_lost_ = false;  // checkpoints are missing or damaged
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
