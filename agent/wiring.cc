#include "agent/wiring.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "base/crc32c.h"
#include "base/hash_key.h"
#include "io/local_socket.h"
#include "sinks/file_sink.h"
#include "sinks/null_sink.h"
#include "sinks/stdout_sink.h"
#include "sinks/store_sink.h"

namespace agent {

namespace {

const std::string* stream_of(const config::Flow& flow) {
  const auto* target = std::get_if<config::StreamTarget>(&flow.to);
  return target == nullptr ? nullptr : &target->stream;
}

// How long a copy waits for an original that says nothing new: also as long as a record of it may
// still be waiting for its time.
base::Duration copy_wait(const config::Flow& flow) {
  const base::Duration last_record =
      std::max<base::Duration>(flow.tail.partial_line_timeout, flow.program.groups.timeout);
  return std::max<base::Duration>(flow.tail.rotate_wait, last_record + std::chrono::seconds(1));
}

// Shards of a flow may all be filling while as many are being written: half of the budget for
// either.
pipeline::FlushPolicy effective_flush(pipeline::FlushPolicy policy, std::uint64_t budget_bytes,
                                      std::size_t outlets) {
  constexpr std::uint64_t kFlushBytesMin = 64 * 1024;
  const std::uint64_t share = budget_bytes / (2 * std::max<std::size_t>(outlets, 1));
  policy.bytes_max = std::max(kFlushBytesMin, std::min(policy.bytes_max, share));
  return policy;
}

}  // namespace

void Wiring::make_reactors(std::span<const io::Environment* const> environments) {
  for (std::size_t i = 0; i < environments.size(); ++i) {
    agent_.reactors_.push_back(
        std::make_unique<Reactor>(base::ReactorId{static_cast<std::uint32_t>(i)},
                                  environments.size(), *environments[i], options_.once));
  }
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
  agent_.control_ = std::make_unique<Control>(control_, agent_.reactors_, control);
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

base::Result<void> Wiring::connect_flows() {
  for (const auto& [name, stream] : streams_) {
    for (std::uint32_t i = 0; i < stream.shards.size(); ++i) {
      owner_of(name, i).own_shard(*stream.shards[i]);
    }
  }
  std::vector<sources::Discovery::Flow> discovered;
  std::vector<MarkTable> marks;
  for (const config::Flow& flow : config_.flows) {
    sources::FilesOptions files = flow.from;
    // Giving watches back takes longer than reading a small file, and no news is waited for.
    if (options_.once) files.watch = sources::Watch::poll;
    discovered.push_back(
        {.name = flow.name,
         .files = std::move(files),
         .fingerprint = fingerprint(flow),
         // That it never ran may be what was lost.
         .first_start = !state_lost_ && !flow_started_before(flow.name),
         .skip_unknown = state_lost_ && config_.on_state_error == config::OnStateError::end,
         .on_rewrite = flow.tail.on_rewrite,
         .copies = flow.recognises_copies(),
         .copy_wait = options_.once ? base::Duration::zero() : copy_wait(flow)});
    marks.push_back(marks_for(flow));
  }
  TRY_VOID(note_flows_started());

  Reactor& log_owner = *agent_.reactors_.front();
  log_owner.own_checkpoint_log(std::make_unique<CheckpointLog>(std::move(checkpoints_)));
  for (const auto& reactor : agent_.reactors_) {
    auto send = [r = reactor.get(), owner = &log_owner](sources::CheckpointWrite write) {
      owner->mailbox().post([r, owner, w = std::move(write)] {
        owner->checkpoint_log()->write(w, [r, number = w.number](int error) {
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

  std::vector<pipeline::Doorbell*> doorbells;
  for (const auto& reactor : agent_.reactors_) doorbells.push_back(&reactor->doorbell());
  const std::uint64_t share = config_.memory_bytes / std::max<std::size_t>(config_.flows.size(), 1);
  for (std::size_t i = 0; i < config_.flows.size(); ++i) {
    agent_.budgets_.push_back(std::make_unique<pipeline::Budget>(share, doorbells));
    pipeline::Budget& budget = *agent_.budgets_.back();
    const auto outlets = make_outlets(config_.flows[i], budget);
    make_flow_parts(i, config_.flows[i], outlets, budget);
  }
  // Where standard output and error go may be a file under a pattern.
  std::vector<std::string> ours = {"/proc/self/fd/1", "/proc/self/fd/2"};
  if (!config_.data_dir.empty()) ours.push_back(config_.data_dir);
  agent_.control_->set_discovery(std::move(discovered), std::move(known_), std::move(ours),
                                 std::move(marks), open_files_max());
  if (options_.control_socket && !config_.data_dir.empty()) open_control_socket();
  return {};
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
    std::vector<base::HashKey> starts;
    std::vector<Reactor*> owners;
    for (std::uint32_t i = 0; i < stream.shards.size(); ++i) {
      starts.push_back(stream.info.shards[i].hash_start);
      owners.push_back(&owner_of(name, i));
    }
    open.emplace(name, ControlSocket::Stream{.map = pipeline::ShardMap(std::move(starts)),
                                             .shards = stream.shards,
                                             .owners = std::move(owners)});
  }
  auto socket = std::make_unique<ControlSocket>(control_, agent_.control_->mailbox(), *listener,
                                                std::move(open));
  socket->set_status([agent = &agent_](const StatusRequest& request, ControlSocket::Reply reply) {
    return agent->status(request.files,
                         [request, r = std::move(reply)](const AgentStatus& status) mutable {
                           r("ok\n" + render(request, status));
                         });
  });
  agent_.control_->set_socket(std::move(socket));
}

pipeline::ShardMap Wiring::shard_map(const config::Flow& flow) const {
  const std::string* name = stream_of(flow);
  if (name == nullptr) return pipeline::ShardMap::even(1);
  std::vector<base::HashKey> starts;
  for (const store::ShardInfo& shard : streams_.at(*name).info.shards) {
    starts.push_back(shard.hash_start);
  }
  return pipeline::ShardMap(std::move(starts));
}

bool Wiring::keeps_dead_letters(const config::Flow& flow) const {
  return flow.program.framer.long_lines == pipeline::LongLines::reject && !config_.data_dir.empty();
}

// Records keep their shard and their place only while all of this stays the same; when it changes,
// a file goes on under a new origin and its overlap is delivered at least once.
std::uint64_t Wiring::fingerprint(const config::Flow& flow) const {
  std::string text = "v1|";
  text += std::to_string(static_cast<int>(flow.program.partition_key.kind)) + "|" +
          flow.program.partition_key.text + "|" +
          std::to_string(static_cast<int>(flow.program.framer.long_lines)) + "|" +
          std::to_string(flow.program.framer.line_bytes_max) + "|";
  const pipeline::GroupOptions& groups = flow.program.groups;
  if (groups.by != pipeline::GroupLines::off) {
    text += "groups " + std::to_string(static_cast<int>(groups.by)) + "|" +
            std::to_string(groups.lines_max) + "|" + std::to_string(groups.bytes_max) + "|" +
            std::to_string(groups.pattern.size()) + "|" + groups.pattern + "|";
  }
  const pipeline::Delimiter& delimiter = flow.program.framer.delimiter;
  if (!delimiter.is_newline()) {
    text += "delimiter " + std::to_string(delimiter.size()) + "|" + std::string(delimiter.bytes()) +
            "|";
  }
  if (flow.tail.encoding != sources::Encoding::utf8) {
    text += "encoding " + std::to_string(static_cast<int>(flow.tail.encoding)) + "|";
  }
  if (const std::string* name = stream_of(flow)) {
    const store::StreamInfo& info = streams_.at(*name).info;
    text += *name + "|" + base::to_decimal(info.id);
    for (const store::ShardInfo& shard : info.shards)
      text += "|" + base::to_decimal(shard.hash_start);
  } else {
    text += "sink " + std::to_string(flow.to.index());
  }
  const std::array<std::string_view, 1> key{text};
  std::array<base::HashKey, 1> hash{};
  base::hash_keys(key, hash);
  return static_cast<std::uint64_t>(hash[0]);
}

MarkTable Wiring::marks_for(const config::Flow& flow) const {
  const std::string* name = stream_of(flow);
  MarkTable table;
  if (name == nullptr) return table;
  std::vector<store::Shard*> shards = streams_.at(*name).shards;
  if (keeps_dead_letters(flow)) shards.push_back(streams_.at(kDeadLetterStream).shards.front());
  const std::size_t outlets = streams_.at(*name).shards.size() + 1;
  std::unordered_map<std::uint64_t, MarkTable::Marks> stored;  // by origin
  for (std::size_t i = 0; i < shards.size(); ++i) {
    for (const auto& [origin, mark] : shards[i]->marks()) {
      MarkTable::Marks& marks = stored[value(origin)];
      marks.resize(outlets);
      marks[i] = mark;
    }
  }
  for (const sources::Checkpoint& checkpoint : known_) {
    if (checkpoint.flow != flow.name) continue;
    const auto it = stored.find(value(checkpoint.origin));
    if (it == stored.end()) continue;
    const auto furthest = std::ranges::max_element(it->second);
    if (*furthest <= checkpoint.offset) continue;  // nothing of it to skip
    table.add(checkpoint.origin, sources::checkpoint_key(checkpoint.flow, checkpoint.identity),
              it->second);
  }
  return table;
}

std::vector<pipeline::BatchQueue*> Wiring::make_outlets(const config::Flow& flow,
                                                        pipeline::Budget& budget) {
  std::vector<pipeline::BatchQueue*> outlets;
  if (const std::string* name = stream_of(flow)) {
    const OpenStream& stream = streams_.at(*name);
    const auto policy = effective_flush(flow.flush, budget.limit_bytes(), stream.shards.size());
    for (std::uint32_t i = 0; i < stream.shards.size(); ++i) {
      outlets.push_back(make_outlet(flow, i, std::make_unique<sinks::StoreSink>(*stream.shards[i]),
                                    owner_of(*name, i), policy, budget));
    }
  } else {
    Reactor& owner = owner_of(flow.name, 0);
    std::unique_ptr<sinks::Sink> sink;
    if (const auto* file = std::get_if<config::FileTarget>(&flow.to)) {
      sink = std::make_unique<sinks::FileSink>(owner.environment(), file->path);
    } else if (std::holds_alternative<config::StdoutTarget>(flow.to)) {
      sink = std::make_unique<sinks::StdoutSink>(owner.environment());
    } else {
      sink = std::make_unique<sinks::NullSink>();
    }
    outlets.push_back(make_outlet(flow, 0, std::move(sink), owner,
                                  effective_flush(flow.flush, budget.limit_bytes(), 1), budget));
  }
  // The last outlet takes what the framer rejects. Without dead letters nothing ever goes there.
  const auto part = static_cast<std::uint32_t>(outlets.size());
  std::unique_ptr<sinks::Sink> last;
  Reactor* owner = &owner_of(flow.name, part);
  if (keeps_dead_letters(flow)) {
    owner = &owner_of(kDeadLetterStream, 0);
    last = std::make_unique<sinks::StoreSink>(*streams_.at(kDeadLetterStream).shards.front());
  } else {
    last = std::make_unique<sinks::NullSink>();
  }
  outlets.push_back(make_outlet(
      flow, part, std::move(last), *owner, flow.flush, budget,
      keeps_dead_letters(flow) ? Outlet::Kind::dead_letters : Outlet::Kind::discarding));
  return outlets;
}

pipeline::BatchQueue* Wiring::make_outlet(const config::Flow& flow, std::uint32_t part,
                                          std::unique_ptr<sinks::Sink> sink, Reactor& owner,
                                          pipeline::FlushPolicy policy, pipeline::Budget& budget,
                                          Outlet::Kind kind) {
  std::vector<pipeline::BatchQueue*> settle;
  for (const auto& reactor : agent_.reactors_) settle.push_back(&reactor->settle_queue());
  Outlet outlet{
      .flow = flow.name,
      .kind = kind,
      .queue = std::make_unique<pipeline::BatchQueue>(agent_.reactors_.size(), owner.doorbell()),
      .sink = std::move(sink),
      .delivery = nullptr};
  const io::Environment& environment = owner.environment();
  outlet.delivery = std::make_unique<sinks::Delivery>(
      sinks::Delivery::Parts{.name = flow.name + "/" + std::to_string(part),
                             .queue = *outlet.queue,
                             .settle = std::move(settle),
                             .budget = budget,
                             .policy = policy,
                             .sink = *outlet.sink,
                             .clock = environment.clock,
                             .random = environment.random,
                             .log = environment.log,
                             .reactor = owner.id(),
                             .ringer = owner.ringer(),
                             .retry = {}});
  return owner.add_outlet(std::move(outlet)).queue.get();
}

void Wiring::make_flow_parts(std::size_t number, const config::Flow& flow,
                             const std::vector<pipeline::BatchQueue*>& outlets,
                             pipeline::Budget& budget) {
  sources::TailOptions tail = flow.tail;
  tail.once = options_.once;
  tail.delivery_wait = flow.flush.age_max;
  if (const std::string* name = stream_of(flow)) {
    tail.delivery_wait += config_.streams.at(*name).options.sync_interval;
  }
  tail.inflate = flow.from.inflate();
  tail.copies = flow.recognises_copies() && flow.from.may_match_copies();
  for (const auto& owned : agent_.reactors_) {
    Reactor& reactor = *owned;
    std::vector<pipeline::BatchQueue*> its = outlets;
    // Records can be thrown away in any order, so no reactor wakes another for it.
    if (std::holds_alternative<config::NullTarget>(flow.to) &&
        &reactor != &owner_of(flow.name, 0)) {
      its.front() = make_outlet(flow, 0, std::make_unique<sinks::NullSink>(), reactor,
                                effective_flush(flow.flush, budget.limit_bytes(), 1), budget);
    }
    FlowPart part{.flow = flow.name, .intake = nullptr, .tails = nullptr};
    part.intake =
        std::make_unique<pipeline::Intake>(pipeline::Intake::Parts{.program = flow.program,
                                                                   .map = shard_map(flow),
                                                                   .outlets = std::move(its),
                                                                   .slabs = reactor.slabs(),
                                                                   .parcels = reactor.parcels(),
                                                                   .budget = budget,
                                                                   .reactor = reactor.id(),
                                                                   .ringer = reactor.ringer()});
    part.tails = std::make_unique<sources::TailSet>(sources::TailSet::Parts{
        .environment = reactor.environment(),
        .intake = *part.intake,
        .budget = budget,
        .chunks = reactor.chunks(),
        .checkpointer = reactor.checkpointer(),
        .options = tail,
        .closed =
            [control = agent_.control_.get(), number](std::uint64_t file,
                                                      const sources::Checkpoint* resume) {
              std::optional<sources::Checkpoint> checkpoint;
              if (resume != nullptr) checkpoint = *resume;
              control->mailbox().post([control, number, file, c = std::move(checkpoint)] {
                control->file_closed(number, file, c);
              });
            },
        .released =
            [control = agent_.control_.get(), number](std::uint64_t file) {
              control->mailbox().post(
                  [control, number, file] { control->file_released(number, file); });
            },
        .rested =
            [control = agent_.control_.get(), number](std::uint64_t file,
                                                      const sources::Rest& rest) {
              control->mailbox().post(
                  [control, number, file, r = rest] { control->file_rested(number, file, r); });
            },
        .ended =
            [control = agent_.control_.get(), number](const sources::Checkpoint& checkpoint,
                                                      const std::vector<std::uint64_t>& marks) {
              control->mailbox().post([control, number, c = checkpoint, m = marks] {
                control->generation_ended(number, c, m);
              });
            },
        .verified =
            [control = agent_.control_.get()](const sources::Verified& answer) {
              control->mailbox().post([control, a = answer] { control->file_verified(a); });
            }});
    if (flow.pipe && &reactor == &owner_of(flow.name, 0)) add_pipe(part, flow, reactor, budget);
    reactor.add_flow(std::move(part));
  }
}

void Wiring::add_pipe(FlowPart& part, const config::Flow& flow, Reactor& reactor,
                      pipeline::Budget& budget) const {
  part.pipe = std::make_unique<sources::PipeTail>(
      sources::PipeTail::Parts{.environment = reactor.environment(),
                               .intake = *part.intake,
                               .budget = budget,
                               .input = *flow.pipe,
                               .partial_line_timeout = flow.tail.partial_line_timeout,
                               .once = options_.once});
}

}  // namespace agent
