// PipeRig: a flow's intake and what stands for its target, for a PipeLines or a PipeTail on one
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/packed_record.h"
#include "pipeline/batch_queue.h"
#include "pipeline/intake.h"
#include "tests/test.h"

namespace rig {

struct PipeOptions {
  pipeline::FramerOptions framer = {};
  pipeline::GroupOptions groups = {};
  std::uint64_t budget_bytes = 8 << 20;
};

inline pipeline::GroupOptions indented(base::Duration timeout, std::size_t bytes_max = 1 << 20) {
  pipeline::GroupOptions groups;
  groups.by = pipeline::GroupLines::indented;
  groups.timeout = timeout;
  groups.bytes_max = bytes_max;
  return groups;
}

class PipeRig {
 public:
  explicit PipeRig(const PipeOptions& options)
      : budget_(options.budget_bytes, {&doorbell_}),
        intake_({.program = program(options),
                 .map = pipeline::ShardMap::even(1),
                 .outlets = {&records_queue_, &rejects_queue_},
                 .slabs = slabs_,
                 .parcels = parcels_,
                 .budget = budget_,
                 .reactor = base::ReactorId{0},
                 .ringer = ringer_}) {}
  ~PipeRig() { deliver(); }

  pipeline::Intake& intake() { return intake_; }
  pipeline::Budget& budget() { return budget_; }
  std::vector<std::string> records, dead_letters;

  // All that was handed over is safe.
  void deliver() {
    deliver(records_queue_, records);
    deliver(rejects_queue_, dead_letters);
  }

 private:
  static pipeline::ProgramOptions program(const PipeOptions& options) {
    pipeline::ProgramOptions result;
    result.framer = options.framer;
    result.groups = options.groups;
    return result;
  }
  static void deliver(pipeline::BatchQueue& queue, std::vector<std::string>& into) {
    std::array<pipeline::Batch*, 64> batches{};
    while (const std::size_t count = queue.drain(batches)) {
      for (std::size_t i = 0; i < count; ++i) take(*batches[i], into);
    }
  }
  static void take(pipeline::Batch& batch, std::vector<std::string>& into) {
    const char* at = batch.run.data() + base::kRunHeaderBytes;
    const char* const end = batch.run.data() + batch.run.size();
    for (std::uint32_t i = 0; i < batch.record_count; ++i) {
      base::Record record;
      at = base::unpack(at, end, record);
      REQUIRE(at != nullptr);
      into.emplace_back(record.data);
    }
    pipeline::Parcel* const parcel = pipeline::Intake::settle(batch);
    if (parcel != nullptr) parcel->source->settled(*parcel);
  }

  pipeline::Doorbell doorbell_{nullptr, [](void*) noexcept {}};
  pipeline::Budget budget_;
  pipeline::SlabPool slabs_{1 << 20};
  pipeline::ParcelPool parcels_;
  pipeline::Ringer ringer_;
  pipeline::BatchQueue records_queue_{1, doorbell_};
  pipeline::BatchQueue rejects_queue_{1, doorbell_};
  pipeline::Intake intake_;
};

}  // namespace rig
