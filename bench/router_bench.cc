// Shard numbers of one chunk's records: at random, by a shared key, by own keys.
#include <string>
#include <vector>

#include "bench/bench.h"
#include "bench/lines.h"
#include "pipeline/router.h"

int main(int argc, char** argv) {
  bench::Report report(argc, argv);
  constexpr std::size_t kRecords = 2000;
  bench::LineGenerator generator({});
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kRecords; ++i) keys.push_back(generator.address());
  const pipeline::Chunk chunk{.origin = base::Origin{77}, .offset = 1'000'000};
  pipeline::RecordBlock block;
  block.chunk = &chunk;
  for (std::size_t i = 0; i < kRecords; ++i) {
    block.data.push_back("data");
    block.offset.push_back(chunk.offset + 130 * i);
  }
  pipeline::Router even(pipeline::ShardMap::even(16));
  std::vector<base::HashKey> starts;
  for (std::uint32_t i = 0; i < 16; ++i) starts.push_back(base::HashKey{i * i} << 120);
  pipeline::Router uneven{pipeline::ShardMap(starts)};
  const bench::Work work{.items = kRecords};
  const auto route = [&](pipeline::Router& router) {
    router.route(block);
    bench::keep(block.shard.back());
  };
  report.run("router/random/even", work, [&] { route(even); });
  report.run("router/random/uneven", work, [&] { route(uneven); });
  block.shared_key = "tenant";
  report.run("router/shared key", work, [&] { route(even); });
  block.shared_key = {};
  block.key.assign(keys.begin(), keys.end());
  report.run("router/own keys/even", work, [&] { route(even); });
  report.run("router/own keys/uneven", work, [&] { route(uneven); });
}
