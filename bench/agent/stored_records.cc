#include "bench/agent/stored_records.h"

#include <utility>

#include "io/backends.h"
#include "store/catalog.h"

namespace agent_bench {

StoredRecords::StoredRecords(std::string data_dir)
    : data_dir_(std::move(data_dir)), files_(io::make_files()) {}

void StoredRecords::find_shards() {
  if (!cursors_.empty()) return;
  const auto streams = store::Catalog::read(*files_, data_dir_);
  if (!streams) return;  // not yet
  for (const store::StreamInfo& stream : *streams) {
    if (stream.name != "bench") continue;
    for (const store::ShardInfo& shard : stream.shards) {
      auto cursor = store::Cursor::open(
          *files_, store::shard_directory(data_dir_, stream.name, shard.shard), {});
      if (cursor) cursors_.push_back(std::move(*cursor));
    }
  }
}

}  // namespace agent_bench
