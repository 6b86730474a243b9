// One flow's objects: what discovery is told of it, its budget, outlets and parts. At the start and
// later alike.
#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "agent/wiring.h"
#include "base/hash_key.h"
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

// May others delete what it has read, as far as it is concerned? Targets that are no streams only
// settle what they do not keep themselves.
bool vouches(const config::Config& config, const config::Flow& flow) {
  const std::string* name = stream_of(flow);
  if (flow.program.framer.long_lines != pipeline::LongLines::split) return false;
  if (name == nullptr || flow.tail.on_rewrite != sources::OnRewrite::as_new ||
      flow.tail.encoding != sources::Encoding::utf8) {
    return false;
  }
  const auto stream = config.streams.find(*name);
  return stream != config.streams.end() && stream->second.options.sync != store::SyncPolicy::os;
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

// nullptr: of a flow that is gone.
sources::Discovery::Memory memory_of(pipeline::Budget* budget) {
  using Memory = sources::Discovery::Memory;
  if (budget == nullptr) return Memory::enough;
  const bool came_back = budget->came_back();
  if (!budget->lacks(Reactor::kChunkBytes)) return Memory::enough;
  return came_back ? Memory::scarce : Memory::stuck;
}

}  // namespace

// Also those of other flows: what deletes a file asks all that read it.
void Wiring::note_whole_files() {
  const bool any = std::ranges::any_of(config_.flows, [](const config::Flow& flow) {
    return flow.from.delete_after != base::Duration::zero();
  });
  Reactor& owner = *agent_.reactors_.front();
  on(owner, [&owner, any] { owner.checkpoint_log()->note_whole(any); });
  for (const auto& each : agent_.reactors_) {
    on(*each, [reactor = each.get(), any] { reactor->checkpointer().note_whole(any); });
  }
}

sources::Discovery::Flow Wiring::discovered(std::size_t place, const config::Flow& flow,
                                            bool first_start) const {
  sources::FilesOptions files = flow.from;
  // Giving watches back takes longer than reading a small file, and no news is waited for.
  if (options_.once) {
    files.watch = sources::Watch::poll;
    files.delete_after = base::Duration::zero();
  }
  return {
      .name = flow.name,
      .files = std::move(files),
      .fingerprint = fingerprint(flow),
      // That it never ran may be what was lost.
      .first_start = !state_lost_ && first_start,
      .skip_unknown = state_lost_ && config_.on_state_error == config::OnStateError::end,
      .on_rewrite = flow.tail.on_rewrite,
      .copies = flow.recognises_copies(),
      .copy_wait = options_.once ? base::Duration::zero() : copy_wait(flow),
      .vouches = vouches(config_, flow),
      .tells_cut = options_.once,
      .memory = [&budgets = agent_.budgets_, place] { return memory_of(budgets[place].get()); }};
}

void Wiring::connect_flow(std::size_t place, const config::Flow& flow) {
  std::vector<pipeline::Doorbell*> doorbells;
  for (const auto& reactor : agent_.reactors_) doorbells.push_back(&reactor->doorbell());
  auto& budgets = agent_.budgets_;
  if (place >= budgets.size()) budgets.resize(place + 1);
  budgets[place] = std::make_unique<pipeline::Budget>(share(config_), std::move(doorbells));
  const auto outlets = make_outlets(flow, *budgets[place]);
  make_flow_parts(place, flow, outlets, *budgets[place]);
}

void Wiring::add_flow(std::size_t place, const config::Flow& flow, bool first_start,
                      std::vector<sources::Checkpoint> known, const MarksOf& marks_of) {
  connect_flow(place, flow);
  MarkTable marks = marks_for(flow, known, marks_of);
  agent_.control_->add_flow(place, discovered(place, flow, first_start), std::move(known),
                            std::move(marks));
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

std::vector<Wiring::OwnedShard> Wiring::shards_of(const config::Flow& flow) const {
  std::vector<OwnedShard> shards;
  const std::string* name = stream_of(flow);
  if (name == nullptr) return shards;
  for (store::Shard* const shard : streams_.at(*name).shards) {
    const auto part = static_cast<std::uint32_t>(shards.size());
    shards.push_back({.shard = shard, .owner = &owner_of(*name, part)});
  }
  if (keeps_dead_letters(flow)) {
    shards.push_back({.shard = streams_.at(kDeadLetterStream).shards.front(),
                      .owner = &owner_of(kDeadLetterStream, 0)});
  }
  return shards;
}

MarkTable Wiring::marks_for(const config::Flow& flow, std::span<const sources::Checkpoint> known,
                            const MarksOf& marks_of) const {
  MarkTable table;
  const std::vector<OwnedShard> shards = shards_of(flow);
  if (shards.empty()) return table;
  const std::size_t outlets = streams_.at(*stream_of(flow)).shards.size() + 1;
  std::unordered_map<std::uint64_t, MarkTable::Marks> stored;  // by origin
  for (std::size_t i = 0; i < shards.size(); ++i) {
    for (const auto& [origin, mark] : marks_of(*shards[i].shard)) {
      MarkTable::Marks& marks = stored[value(origin)];
      marks.resize(outlets);
      marks[i] = mark;
    }
  }
  for (const sources::Checkpoint& checkpoint : known) {
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
  pipeline::BatchQueue* const queue = outlet.queue.get();
  on(owner, [&owner, o = std::move(outlet)]() mutable { owner.add_outlet(std::move(o)); });
  return queue;
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
    FlowPart part{.flow = flow.name, .number = number, .intake = nullptr, .tails = nullptr};
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
    on(reactor, [&reactor, p = std::move(part)]() mutable { reactor.add_flow(std::move(p)); });
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
