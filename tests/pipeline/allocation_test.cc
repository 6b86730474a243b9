// In steady state no record allocates, and no chunk either: this program counts every operator new.
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "pipeline/intake.h"
#include "pipeline/shard_buffer.h"
#include "pipeline/source.h"
#include "tests/pipeline/chunks.h"
#include "tests/test.h"

namespace {

std::uint64_t allocations = 0;

void* counted(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  // aligned_alloc wants a multiple of the alignment.
  void* memory =
      std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment + alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
void* operator new[](std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return counted(bytes, alignof(std::max_align_t));
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return counted(bytes, alignof(std::max_align_t));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace {

using pipeline::Batch;
using pipeline::BatchQueue;
using pipeline::Intake;
using pipeline::Parcel;
using pipeline::PartitionKey;

struct CountingSource final : pipeline::Source {
  std::uint64_t parcels_settled = 0;
  void settled(Parcel&) override { ++parcels_settled; }
};

// One reactor's way of a flow, round and round: chunk → batches → buffers → home.
struct Loop {
  static constexpr std::uint32_t kShards = 16;
  pipeline::Doorbell doorbell{nullptr, [](void*) noexcept {}};
  std::vector<std::unique_ptr<BatchQueue>> outlets;
  BatchQueue home{1, doorbell};
  pipeline::Ringer ringer;
  pipeline::SlabPool slabs{16 << 20};
  pipeline::ParcelPool parcels;
  pipeline::Budget budget{64 << 20, {}};
  std::vector<pipeline::ShardBuffer> buffers;
  std::vector<Batch*> group;
  std::vector<Batch*> drained;
  CountingSource source;
  std::unique_ptr<Intake> intake;

  explicit Loop(PartitionKey key) : drained(64) {
    std::vector<BatchQueue*> queues;
    for (std::uint32_t i = 0; i <= kShards; ++i) {
      outlets.push_back(std::make_unique<BatchQueue>(1, doorbell));
      queues.push_back(outlets.back().get());
      buffers.emplace_back(pipeline::FlushPolicy{});
    }
    // Apart, or GCC 12 at -O3 takes the key inside for uninitialized.
    pipeline::ProgramOptions program;
    program.framer.line_bytes_max = 1000;
    program.partition_key = std::move(key);
    intake = std::make_unique<Intake>(Intake::Parts{.program = std::move(program),
                                                    .map = pipeline::ShardMap::even(kShards),
                                                    .outlets = std::move(queues),
                                                    .slabs = slabs,
                                                    .parcels = parcels,
                                                    .budget = budget,
                                                    .reactor = base::ReactorId{0},
                                                    .ringer = ringer});
  }

  void deliver(std::uint64_t bytes_max) {
    for (std::uint32_t i = 0; i <= kShards; ++i) {
      const std::size_t count = outlets[i]->drain(drained);
      for (std::size_t j = 0; j < count; ++j) buffers[i].add(*drained[j], {});
      group.clear();
      if (!buffers[i].empty()) buffers[i].take(bytes_max, group);
      home.push(base::ReactorId{0}, group, ringer);
    }
    for (std::size_t count = home.drain(drained); count != 0; count = home.drain(drained)) {
      for (std::size_t j = 0; j < count; ++j) {
        Parcel* parcel = Intake::settle(*drained[j]);
        if (parcel == nullptr) continue;
        parcel->source->settled(*parcel);
        intake->release(*parcel);
      }
    }
  }

  void round(std::string_view bytes, std::uint64_t offset) {
    if (!budget.take(bytes.size())) std::abort();
    const pipeline::Chunk chunk{.bytes = bytes, .origin = base::Origin{5}, .offset = offset};
    intake->take(chunk, source, {}, bytes.size(), {});
    deliver(10'000);
  }
};

std::string lines() {
  std::string text;
  for (int i = 0; text.size() < 200'000; ++i) {
    text += "{\"n\":" + std::to_string(i) + ",\"client\":\"" + std::to_string(i * 7919 % 5000) +
            (i % 3 == 0 ? "\\u0041" : "") + "\",\"pad\":\"" +
            std::string(static_cast<std::size_t>(i) % 300, 'p') + "\"}\n";
    if (i % 50 == 0) text += "not json\n\n" + std::string(2500, 'x') + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("steady state: chunks go through without one allocation", "[pipeline][allocation]") {
  const pipeline_test::PaddedBytes bytes(lines());
  for (const PartitionKey& key :
       {PartitionKey{}, PartitionKey{PartitionKey::Kind::constant, "tenant"},
        PartitionKey{PartitionKey::Kind::field, "/client"}}) {
    Loop loop(key);
    std::uint64_t round = 0;
    // Sizes of chunks and of what is in flight vary in a period that the warm-up covers.
    const auto run = [&](std::uint64_t rounds) {
      for (std::uint64_t i = 0; i < rounds; ++i, ++round) {
        loop.round(bytes.view().substr(0, bytes.view().size() - round % 20 * 5000), 0);
      }
    };
    run(400);
    const std::uint64_t before = allocations;
    const std::uint64_t settled_before = loop.source.parcels_settled;
    run(400);
    const std::uint64_t after = allocations;
    CAPTURE(static_cast<int>(key.kind));
    CHECK(before > 0);  // the counting works
    CHECK(after - before == 0);
    CHECK(loop.source.parcels_settled > settled_before + 100);
  }
}
