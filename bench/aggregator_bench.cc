// Gathering one chunk's records into batches, beside a memcpy of the same bytes.
#include <cstring>
#include <string>

#include "bench/bench.h"
#include "bench/lines.h"
#include "pipeline/aggregator.h"
#include "pipeline/framer.h"
#include "pipeline/router.h"

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  for (const std::size_t bytes : {std::size_t{64} << 10, std::size_t{256} << 10}) {
    const std::string padded = bench::padded(bench::log_lines({.seed = 1, .bytes = bytes}));
    const pipeline::Chunk chunk{.bytes = std::string_view(padded).substr(0, padded.size() - 64),
                                .origin = base::Origin{77}};
    const bench::Work work{.items = bench::count_lines(chunk.bytes), .bytes = chunk.bytes.size()};
    const std::string shared = bench::padded("tenant-0815");
    std::string copy(chunk.bytes.size(), '\0');
    pipeline::RecordBlock block;
    pipeline::FramerCounters counters;
    pipeline::NewlineFramer({}).split(chunk, block, counters);
    pipeline::SlabPool slabs(64 << 20);
    pipeline::ParcelPool parcels;
    for (const std::uint32_t shards : {1U, 4U, 16U, 256U}) {
      pipeline::Router router(pipeline::ShardMap::even(shards));
      pipeline::Aggregator aggregator(shards + 1, slabs);
      router.route(block);
      const auto gather = [&] {
        pipeline::Parcel& parcel = parcels.take(shards + 1);
        bench::keep(aggregator.gather(block, {}, parcel));
        slabs.give_back(parcel.slab);
        parcels.give_back(parcel);
      };
      const auto limit = [&] {
        std::memcpy(copy.data(), chunk.bytes.data(), copy.size());
        bench::keep(copy);
      };
      const std::string shape =
          std::string("/") + std::to_string(shards) + "/" + std::to_string(bytes >> 10) + "K";
      report.beside(std::string("aggregator/no keys") + shape, work, gather, "memcpy", limit);
      block.shared_key = std::string_view(shared).substr(0, 11);
      report.beside(std::string("aggregator/shared key") + shape, work, gather, "memcpy", limit);
      block.shared_key = {};
    }
  }
}
