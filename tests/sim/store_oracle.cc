#include "tests/sim/store_oracle.h"

#include <utility>

#include "store/catalog.h"
#include "store/cursor.h"

namespace sim {

StoreOracle::StoreOracle(SimWorld& world, std::string data_dir, std::string stream,
                         std::uint32_t shards, const Workload& workload)
    : world_(world),
      data_dir_(std::move(data_dir)),
      stream_(std::move(stream)),
      shards_(shards),
      workload_(workload) {}

std::string StoreOracle::check() {
  look_ = workload_.look();
  const auto reader = world_.start_process();
  for (std::uint32_t shard = 0; shard < shards_; ++shard) {
    look_->begin_shard();
    if (std::string wrong = check_shard(reader->files(), shard); !wrong.empty()) {
      return "stream " + stream_ + " shard " + std::to_string(shard) + ": " + wrong;
    }
  }
  return {};
}

std::string StoreOracle::check_shard(io::Files& files, std::uint32_t shard) {
  auto cursor = store::Cursor::open(
      files, store::shard_directory(data_dir_, stream_, base::ShardNumber{shard}), {});
  if (!cursor) return "cannot open: " + cursor.error().message;
  base::SequenceNumber expected = 0;
  base::Timestamp last_arrival{};
  store::StoredRecord record;
  for (;;) {
    const auto more = cursor->next(record);
    if (!more) return "cannot read: " + more.error().message;
    if (!*more) break;
    if (record.sequence != expected++) {
      return "sequence " + std::to_string(record.sequence) + " where " +
             std::to_string(expected - 1) + " was due";
    }
    if (record.arrival < last_arrival) return "time goes back at " + std::to_string(expected - 1);
    last_arrival = record.arrival;
    if (std::string wrong = look_->take(record.record.data); !wrong.empty()) return wrong;
  }
  if (cursor->counters().corrupt_blocks != 0) return "corrupt blocks";
  return {};
}

}  // namespace sim
