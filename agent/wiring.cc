#include "agent/wiring.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "agent/reload.h"
#include "base/crc32c.h"
#include "io/local_socket.h"

namespace agent {

void Wiring::make_reactors(std::span<const io::Environment* const> environments) {
  for (std::size_t i = 0; i < environments.size(); ++i) {
    agent_.reactors_.push_back(
        std::make_unique<Reactor>(base::ReactorId{static_cast<std::uint32_t>(i)},
                                  environments.size(), *environments[i], options_.once));
  }
  agent_.control_ = std::make_unique<Control>(control_, agent_.reactors_, control_options());
}

Control::Options Wiring::control_options() const {
  Control::Options control{.once = options_.once,
                           .shutdown_grace = config_.shutdown_grace,
                           .maintenance = {},
                           .care = {}};
  if (options_.maintenance_interval) {
    control.maintenance.at_least_every(*options_.maintenance_interval);
  }
  for (const config::Flow& flow : config_.flows) {
    const base::Duration stall = flow.tail.stall_after / 2;
    const bool soon = stall < control.care.busy;  // else as often as we look anyway is enough
    if (soon && stall != base::Duration::zero()) control.care.at_least_every(stall);
    const base::Duration age = flow.tail.deleted_age_max;
    if (age != base::Duration::zero()) control.care.at_least_every(age / 2);
    // A disk fills quickly.
    if (flow.tail.deleted_bytes_max != 0) control.care.at_least_every(std::chrono::seconds(1));
  }
  return control;
}

// Spreads a stream's shards evenly over the reactors, different streams from different starts.
Reactor& Wiring::owner_of(const std::string& name, std::uint32_t part) const {
  const auto count = static_cast<std::uint32_t>(agent_.reactors_.size());
  return *agent_.reactors_[(base::crc32c(name) % count + part) % count];
}

void Wiring::listen_to(Reactor& reactor) {
  reactor.set_listener([control = agent_.control_.get()] { control->wake(); });
  reactor.set_retired_listener([control = agent_.control_.get()](std::vector<std::string> paths) {
    control->mailbox().post(
        [control, p = std::move(paths)]() mutable { control->remove_files(std::move(p)); });
  });
  reactor.set_gone_listener(
      [control = agent_.control_.get()](const std::string& flow) { control->target_gone(flow); });
}

void Wiring::own_shards(const std::string& name) {
  const OpenStream& stream = streams_.at(name);
  for (std::uint32_t i = 0; i < stream.shards.size(); ++i) {
    Reactor& owner = owner_of(name, i);
    on(owner, [&owner, shard = stream.shards[i]] { owner.own_shard(*shard); });
  }
}

base::Result<void> Wiring::connect_flows() {
  for (const auto& [name, stream] : streams_) own_shards(name);
  std::vector<sources::Discovery::Flow> flows;
  std::vector<MarkTable> marks;
  for (const config::Flow& flow : config_.flows) {
    flows.push_back(discovered(flows.size(), flow, !flow_started_before(flow.name)));
    marks.push_back(
        marks_for(flow, known_, [](const store::Shard& shard) { return shard.marks(); }));
  }
  TRY_VOID(note_flows_started());

  Reactor& log_owner = *agent_.reactors_.front();
  log_owner.own_checkpoint_log(std::make_unique<CheckpointLog>(std::move(checkpoints_)));
  for (const auto& reactor : agent_.reactors_) {
    auto send = [r = reactor.get(), owner = &log_owner](sources::CheckpointWrite write) {
      owner->mailbox().post([r, owner, w = std::move(write)]() mutable {
        const std::uint64_t number = w.number;
        owner->checkpoint_log()->write(std::move(w), [r, number](int error) {
          r->mailbox().post([r, number, error] {
            r->checkpointer().written(number, error, r->environment().clock.monotonic());
          });
        });
      });
    };
    reactor->number_notes().start(
        [r = reactor.get(), owner = &log_owner](std::vector<NumberNote> notes) {
          owner->mailbox().post([r, owner, n = std::move(notes)] {
            owner->checkpoint_log()->write(n, [r](int error) {
              r->mailbox().post([r, error] { r->number_notes().written(error != 0); });
            });
          });
        });
    reactor->set_checkpointer(
        std::make_unique<sources::Checkpointer>(reactor->id(), std::move(send)));
    listen_to(*reactor);
  }
  note_whole_files();

  for (std::size_t i = 0; i < config_.flows.size(); ++i) connect_flow(i, config_.flows[i]);
  // Where standard output and error go may be a file under a pattern.
  std::vector<std::string> ours = {"/proc/self/fd/1", "/proc/self/fd/2"};
  if (!config_.data_dir.empty()) ours.push_back(config_.data_dir);
  agent_.control_->set_discovery(std::move(flows), std::move(known_), std::move(ours),
                                 std::move(marks), open_files_max(), newest_arrival());
  if (options_.control_socket && !config_.data_dir.empty()) open_control_socket();
  state_lost_ = false;  // settled: whatever a flow that comes later finds no note of is new
  running_ = true;
  return {};
}

std::optional<base::Timestamp> Wiring::newest_arrival() const {
  std::optional<base::Timestamp> newest;
  for (const auto& shard : agent_.shards_) newest = std::max(newest, shard->newest_arrival());
  return newest;
}

std::size_t Wiring::open_files_max() const {
  const std::uint64_t wanted =
      config_.max_open_files != 0 ? config_.max_open_files : sources::Discovery::kUnlimited;
  if (options_.descriptors_max == 0) return wanted;
  std::uint64_t reserve = kDescriptorsKept + kDescriptorsPerReactor * agent_.reactors_.size();
  for (const auto& [name, stream] : streams_)
    reserve += kDescriptorsPerShard * stream.shards.size();
  const std::uint64_t limit = options_.descriptors_max;
  const std::uint64_t possible = std::max(limit, reserve + kOpenFilesMin) - reserve;
  if (config_.max_open_files > possible) {
    control_.log.warn("max_open_files is more than the process may open; raise LimitNOFILE",
                      {{"max_open_files", std::to_string(config_.max_open_files)},
                       {"taken", std::to_string(possible)}});
  }
  return std::min(wanted, possible);
}

ControlSocket::Stream Wiring::socket_stream(const std::string& name) const {
  const OpenStream& stream = streams_.at(name);
  std::vector<base::HashKey> starts;
  std::vector<Reactor*> owners;
  for (std::uint32_t i = 0; i < stream.shards.size(); ++i) {
    starts.push_back(stream.info.shards[i].hash_start);
    owners.push_back(&owner_of(name, i));
  }
  return {.map = pipeline::ShardMap(std::move(starts)),
          .shards = stream.shards,
          .owners = std::move(owners)};
}

// Without it the agent does its work all the same, so a failure is a warning.
void Wiring::open_control_socket() {
  const auto listener = io::listen_local(control_socket_path(config_.data_dir));
  if (!listener) {
    control_.log.warn("no control socket", {{"error", listener.error().message}});
    return;
  }
  std::map<std::string, ControlSocket::Stream> open;
  for (const auto& [name, stream] : streams_) {
    if (name.starts_with('_')) continue;  // ours
    open.emplace(name, socket_stream(name));
  }
  auto socket = std::make_unique<ControlSocket>(control_, agent_.control_->mailbox(), *listener,
                                                std::move(open));
  socket->set_status([agent = &agent_](const StatusRequest& request, ControlSocket::Reply reply) {
    return agent->status(request.files,
                         [request, r = std::move(reply)](const AgentStatus& status) mutable {
                           r("ok\n" + render(request, status));
                         });
  });
  if (Reload* const reload = agent_.control_->reload()) {
    socket->set_reload([reload](ControlSocket::Reply reply, bool may_wait) {
      if (!may_wait) return reply("error " + reload->why_not_now() + "\n");
      reload->request(
          [r = std::move(reply)](const Reload::Outcome& outcome) mutable { r(answer(outcome)); });
    });
  }
  agent_.control_->set_socket(std::move(socket));
}

}  // namespace agent
