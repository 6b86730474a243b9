#include "tests/sources/tail_rig.h"

#include <array>
#include <cstring>
#include <utility>

#include "base/packed_record.h"
#include "tests/test.h"

namespace rig {

std::vector<std::string> Durable::records() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i + 1 < shards.size(); ++i) {
    all.insert(all.end(), shards[i].records.begin(), shards[i].records.end());
  }
  return all;
}

std::vector<sources::Checkpoint> Durable::known() const {
  std::vector<sources::Checkpoint> all;
  for (const auto& [key, value] : checkpoints) {
    all.push_back(sources::decode_checkpoint(key, value).value());
  }
  return all;
}

std::vector<std::uint64_t> Durable::marks(base::Origin origin) const {
  std::vector<std::uint64_t> marks;
  bool any = false;
  for (const Shard& shard : shards) {
    const auto it = shard.marks.find(base::value(origin));
    marks.push_back(it == shard.marks.end() ? 0 : it->second);
    any = any || marks.back() > 0;
  }
  if (!any) marks.clear();
  return marks;
}

TailRig::TailRig(const io::Environment& environment, Durable& durable, Options options)
    : environment_(environment),
      durable_(durable),
      doorbell_(this, [](void*) noexcept {}),
      budget_(options.budget_bytes, {&doorbell_}),
      chunks_(options.chunk_bytes, 16),
      slabs_(1 << 20),
      checkpointer_(
          base::ReactorId{0},
          [this](sources::CheckpointWrite write) { writes_.push_back(std::move(write)); }),
      waiting_(durable.shards.size()) {
  checkpointer_.note_whole(options.notes_whole);
  std::vector<pipeline::BatchQueue*> outlets;
  for (std::size_t i = 0; i < durable.shards.size(); ++i) {
    queues_.push_back(std::make_unique<pipeline::BatchQueue>(1, doorbell_));
    outlets.push_back(queues_.back().get());
  }
  // By name: inside the braces GCC 12 at -O3 believes the key's string uninitialized.
  pipeline::ProgramOptions program;
  program.framer = options.framer;
  program.groups = options.groups;
  program.empty_lines = options.empty_lines;
  intake_ = std::make_unique<pipeline::Intake>(pipeline::Intake::Parts{
      .program = program,
      .map = pipeline::ShardMap::even(static_cast<std::uint32_t>(durable.shards.size() - 1)),
      .outlets = outlets,
      .slabs = slabs_,
      .parcels = parcels_,
      .budget = budget_,
      .reactor = base::ReactorId{0},
      .ringer = ringer_});
  tails_ = std::make_unique<sources::TailSet>(sources::TailSet::Parts{
      .environment = environment_,
      .intake = *intake_,
      .budget = budget_,
      .chunks = chunks_,
      .checkpointer = checkpointer_,
      .options = options.tail,
      .closed =
          [this](std::uint64_t number, const sources::Checkpoint* resume) {
            closed_.push_back(number);
            closed_with_.emplace_back(number, std::nullopt);
            if (resume != nullptr) closed_with_.back().second = *resume;
          },
      .released = [this](std::uint64_t number) { released_.push_back(number); },
      .rested = [this](std::uint64_t number,
                       const sources::Rest& rest) { rested_.emplace_back(number, rest); },
      .ended = [this](const sources::Checkpoint& checkpoint,
                      const std::vector<std::uint64_t>&) { ended_.push_back(checkpoint); },
      .verified = [this](const sources::Verified& answer) { verified_.push_back(answer); }});
}

TailRig::~TailRig() {
  for (auto& queue : waiting_) {
    for (pipeline::Batch* batch : queue) delivered_.push_back(batch);
    queue.clear();
  }
  while (!delivered_.empty()) settle(0);
}

sources::FoundFile TailRig::find(const std::string& path, std::uint64_t number) const {
  sources::FoundFile found;
  found.number = number;
  found.handle = environment_.files.open(path, io::Open::read).value();
  const io::FileStatus status = environment_.files.status(found.handle).value();
  found.modified_ns = status.modified_ns;
  const sources::FileIdentity identity = sources::identity_of(status);
  const auto key = sources::checkpoint_key("flow", identity);
  if (const auto it = durable_.checkpoints.find(key); it != durable_.checkpoints.end()) {
    found.checkpoint = sources::decode_checkpoint(key, it->second).value();
    found.marks = durable_.marks(found.checkpoint.origin);
  } else {
    found.checkpoint.flow = "flow";
    found.checkpoint.identity = identity;
    found.checkpoint.path = path;
  }
  return found;
}

void TailRig::tick() {
  environment_.io.run_once(base::Duration::zero());
  const base::Instant now = environment_.clock.monotonic();
  std::array<pipeline::Batch*, 64> batches{};
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    while (const std::size_t count = queues_[i]->drain(batches)) {
      waiting_[i].insert(waiting_[i].end(), batches.begin(),
                         batches.begin() + static_cast<std::ptrdiff_t>(count));
    }
  }
  tails_->tick(now);
  checkpointer_.tick(now);
}

std::size_t TailRig::undelivered() const {
  std::size_t count = 0;
  for (const auto& queue : waiting_) count += queue.size();
  return count;
}

void TailRig::deliver(std::uint32_t outlet) {
  auto& queue = waiting_[outlet];
  if (queue.empty()) return;
  pipeline::Batch* const batch = queue.front();
  queue.pop_front();
  base::RunHeader header;
  std::memcpy(&header, batch->run.data(), sizeof header);
  const char* at = batch->run.data() + base::kRunHeaderBytes;
  const char* const end = batch->run.data() + batch->run.size();
  Durable::Shard& shard = durable_.shards[outlet];
  // The origin must be in the log before anything is delivered under it.
  bool registered = false;
  for (const sources::Checkpoint& each : durable_.known()) {
    registered = registered || each.origin == header.origin;
  }
  CHECK(registered);
  for (std::uint32_t i = 0; i < header.record_count; ++i) {
    base::Record record;
    at = base::unpack(at, end, record);
    REQUIRE(at != nullptr);
    shard.records.emplace_back(record.data);
  }
  std::uint64_t& mark = shard.marks[base::value(header.origin)];
  CHECK(header.end_offset >= mark);
  mark = header.end_offset;
  delivered_.push_back(batch);
}

void TailRig::settle(std::size_t which) {
  pipeline::Batch* const batch = delivered_[which];
  delivered_.erase(delivered_.begin() + static_cast<std::ptrdiff_t>(which));
  if (pipeline::Parcel* const parcel = pipeline::Intake::settle(*batch)) {
    parcel->source->settled(*parcel);
  }
}

void TailRig::answer(int error) {
  if (writes_.empty()) return;
  const sources::CheckpointWrite write = std::move(writes_.front());
  writes_.pop_front();
  if (error == 0) {
    for (const sources::Checkpoint& each : write.put) {
      // Never ahead of what the shards hold.
      const auto key = sources::checkpoint_key(each.flow, each.identity);
      durable_.checkpoints[key] = sources::encode(each);
    }
    for (const auto& each : write.erase) durable_.checkpoints.erase(each.key);
  }
  checkpointer_.written(write.number, error, environment_.clock.monotonic());
}

void TailRig::run() {
  for (int i = 0; i < 100'000; ++i) {
    tick();
    for (std::uint32_t outlet = 0; outlet < waiting_.size(); ++outlet) {
      while (!waiting_[outlet].empty()) deliver(outlet);
    }
    while (!delivered_.empty()) settle(0);
    while (!writes_.empty()) answer();
    if (quiet()) return;
  }
  FAIL("the tails never came to rest");
}

bool TailRig::quiet() const {
  return tails_->idle() && undelivered() == 0 && delivered_.empty() && writes_.empty() &&
         tails_->next_deadline() != base::Instant{};
}

}  // namespace rig
